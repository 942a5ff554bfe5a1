//! The gate: which of at most three finalists, if any, is truly better than the baseline?
//!
//! Finalists are tried one after the other, the first with the largest part of the error; the first that is accepted ends
//! the chain. Everything about it is fixed before the first row is measured.
//!
//! **Invariant:** over the whole chain, all looks, and all earlier questions to the same rows, a prompt that is not better
//! than the baseline is accepted with probability at most the policy's alpha (twice that over the life of the rows).

use std::ops::Add;

use proofmark_runtime::{
    Digest, digest,
    stamp::{Against, AskedBy},
};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use super::{
    accepted::Accepted,
    certificate::{Certificate, CertificateRecord, Earlier, Named, Rate, Tally},
    contrast::Contrast,
    demands::Demands,
    diagnosis::Evidence,
    error::GateError,
    judgement::{Judgement, TrialResult},
    ledger::{Ledger, Look, next_price},
    measure::Measure,
    policy::{Policy, SHARES},
    reading::{Read, Reading},
    scores::{Answers, Pair, score},
    sealed::Sealed,
    statistics::spread::{discordance, intraclass},
    trial::{Contestant, ScoreSheet, Trial, TrialPlan},
    verdict::Verdict,
};

/// A finalist.
#[derive(Clone, Debug)]
pub struct Finalist {
    /// Its name for people.
    pub name: String,
    /// Its content hash.
    pub id: Digest,
    /// Its prompt, read; without one (a score table) nothing is read. A finalist with a grave flaw is refused before a row
    /// is measured.
    pub reading: Reading,
}

/// A question to sealed rows.
#[derive(Clone, Debug)]
pub struct Gate {
    /// How strict.
    pub policy: Policy,
    /// What is demanded beyond beating the baseline.
    pub demands: Demands,
    /// The hash of everything else that decides the answers: baseline, model, sampling, metric.
    pub context: Digest,
    /// The seed of the order in which sealed units are used.
    pub seed: u64,
    /// What the search measured on visible rows.
    pub evidence: Evidence,
    /// What the certificate says that the finalists were judged against. It decides no answer.
    pub subject: Subject,
}

/// What finalists are judged against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The content hash of the baseline.
    pub baseline: Digest,
    /// The hash of the task: its name, program and metric; none for score tables.
    pub task: Option<Digest>,
    /// The command that asks.
    pub asked: AskedBy,
}

impl Finalist {
    pub(crate) fn named(&self) -> Named {
        Named { name: self.name.clone(), id: self.id }
    }
}

/// A look that the ledger granted, and the parts of its error that the finalists get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) look: &'a Look,
    pub(crate) shares: &'a [f64],
}

impl Gate {
    /// Judges. Asking the same question again gives the same answer and costs no look.
    ///
    /// # Errors
    /// [`GateError`]. A judgement that was stopped has still taken its look; the same question continues it.
    pub fn judge<M: Measure + ?Sized>(
        &self,
        sealed: &Sealed,
        finalists: &[Finalist],
        measure: &mut M,
        ledger: &mut dyn Ledger,
    ) -> Result<Judgement, GateError<M::Error>> {
        let shares = *finalists
            .len()
            .checked_sub(1)
            .and_then(|others| SHARES.get(others))
            .ok_or(GateError::Finalists { count: finalists.len() })?;
        let holdout = sealed.holdout();
        refuse_unsealed(&ledger.looks(holdout)?)?;
        let ids: Vec<_> = finalists.iter().map(|finalist| finalist.id).collect();
        let look = ledger
            .take(holdout, self.question(sealed, &ids), &|before| next_price(self.policy.alpha(), before))?;

        let plan = TrialPlan::new(sealed, self.policy, &self.demands, &self.evidence, self.order(sealed));
        let mut sheet = ScoreSheet::new(sealed, finalists.len());
        let mut trials: Vec<TrialResult> = vec![];
        for (position, (finalist, share)) in finalists.iter().zip(shares).enumerate() {
            let contestant =
                Contestant { position, id: finalist.id, alpha: look.alpha * share, share: *share };
            let read = finalist.reading.against(sealed);
            let Trial { verdict, gain, looks, pass_rate } = match read.as_ref().and_then(Read::objection) {
                Some(kind) => Trial::refused(kind),
                None => plan.run(contestant, &mut sheet, measure)?,
            };
            let accepted = verdict == Verdict::Accept;
            let read =
                read.map(|read| read.with_gain(gain.filter(|_| accepted).map_or(0.0, |gain| gain.estimate)));
            trials.push(TrialResult {
                finalist: finalist.named(),
                verdict,
                alpha: contestant.alpha,
                gain,
                looks,
                pass_rate,
                read,
            });
            if accepted {
                break;
            }
        }
        let certificate = self.certify(&plan, &sheet, &trials, Turn { look: &look, shares });
        ledger.answer(holdout, look.question, certificate.is_some())?;
        let position = trials.len().saturating_sub(1);
        Ok(Judgement {
            accepted: certificate.map(|certificate| Accepted::new(position, certificate)),
            trials,
            look,
            holdout: holdout.clone(),
            open: sealed.open,
            policy: self.policy,
            calls: sheet.calls(),
        })
    }

    /// The hash of everything that decides what comes of these finalists.
    pub(crate) fn question(&self, sealed: &Sealed, ids: &[Digest]) -> Digest {
        let rows = (sealed.design(), sealed.division());
        digest(&("gate 3", self.policy, &self.demands, (self.context, self.seed), rows, ids))
    }

    /// All units in the random order in which they are used.
    pub(crate) fn order(&self, sealed: &Sealed) -> Vec<usize> {
        let mut order: Vec<_> = (0..sealed.units.len()).collect();
        let stream = digest(&("order of looks", self.seed, sealed.design()));
        order.shuffle(&mut ChaCha8Rng::from_seed(*stream.as_bytes()));
        order
    }

    pub(crate) fn certify(
        &self,
        plan: &TrialPlan<'_>,
        sheet: &ScoreSheet,
        trials: &[TrialResult],
        turn: Turn<'_>,
    ) -> Option<Certificate> {
        let sealed = plan.sealed;
        let Turn { look, shares } = turn;
        let (accepted, earlier) = trials.split_last().filter(|(last, _)| last.verdict == Verdict::Accept)?;
        let used = &plan.order[..accepted.looks.last()?.units];
        let answers = sheet.answers(earlier.len());
        let primary: Vec<_> = used.iter().map(|unit| &sealed.units[*unit].primary).collect();
        let differences: Vec<Vec<f64>> = answers
            .pairs(primary, score)
            .iter()
            .map(|rows| rows.iter().map(|(b, c)| c - b).collect())
            .collect();
        let before = |result: &TrialResult| Earlier {
            finalist: result.finalist.clone(),
            verdict: result.verdict.clone(),
        };
        Some(Certificate::new(CertificateRecord {
            finalist: accepted.finalist.clone(),
            policy: self.policy,
            holdout: sealed.fingerprint(),
            design: sealed.design(),
            question: look.question,
            seed: self.seed,
            units: sealed.units.len(),
            must_pass: sealed.must_pass.len(),
            plan: plan.looks.clone(),
            plain: sealed.plain,
            turn: look.t,
            turn_alpha: look.alpha,
            share: shares[earlier.len()],
            alpha: accepted.alpha,
            gain: accepted.gain?,
            looks: accepted.looks.clone(),
            search: self.evidence.search_gain(accepted.finalist.id),
            tables: tallies(sealed, used, answers),
            discordance: discordance(&differences),
            intraclass: intraclass(&differences),
            earlier: earlier.iter().map(before).collect(),
            target: accepted.pass_rate,
            read: accepted.read.clone(),
            audited: None,
            stages: vec![],
            against: Some(Against {
                baseline: self.subject.baseline,
                candidate: accepted.finalist.id,
                task: self.subject.task,
                asked: self.subject.asked,
            }),
        }))
    }
}

/// Checks that rows still support a claim, so that a search need not start without it.
///
/// # Errors
/// If anything of them was shown, or if the ledger fails.
pub fn ensure_sealed<E>(sealed: &Sealed, ledger: &dyn Ledger) -> Result<(), GateError<E>> {
    refuse_unsealed(&ledger.looks(sealed.holdout())?)
}

/// Refuses rows of which anything was shown.
pub(crate) fn refuse_unsealed<E>(looks: &[Look]) -> Result<(), GateError<E>> {
    let shown = looks.iter().find(|look| look.unsealed);
    shown.map_or(Ok(()), |look| Err(GateError::Unsealed { t: look.t }))
}

/// Clean rows, rows of the primary test, and every slice of it, as far as they were used.
fn tallies(sealed: &Sealed, used: &[usize], answers: Answers<'_>) -> Vec<Tally> {
    let clean: Vec<_> = used.iter().map(|unit| sealed.units[*unit].clean.clone()).collect();
    let primary: Vec<_> = used.iter().map(|unit| sealed.units[*unit].primary.clone()).collect();
    let mut is_used = vec![false; sealed.units.len()];
    used.iter().for_each(|unit| is_used[*unit] = true);
    let mut groups = vec![("clean".to_owned(), clean), ("primary".to_owned(), primary)];
    for (name, rows) in &sealed.slices {
        let unit = |row: &usize| sealed.rows[*row].unit.filter(|unit| is_used[*unit]);
        let rows: Vec<_> = rows.iter().copied().filter(|row| unit(row).is_some()).collect();
        groups.push((name.clone(), rows.chunk_by(|a, b| unit(a) == unit(b)).map(<[_]>::to_vec).collect()));
    }
    groups.into_iter().map(|(name, units)| tally(name, &answers.pairs(&units, score))).collect()
}

fn tally(name: String, units: &[Vec<Pair>]) -> Tally {
    let rows = units.iter().map(Vec::len).sum();
    let baseline = units.iter().flatten().map(|pair| pair.0).fold(0.0, Add::add);
    let finalist = units.iter().flatten().map(|pair| pair.1).fold(0.0, Add::add);
    let contrast = Contrast::of(units);
    let spread = contrast.spread();
    Tally {
        name,
        rows,
        baseline: Rate::of(baseline, rows),
        finalist: Rate::of(finalist, rows),
        gain: spread.mean,
        gain_se: spread.se(),
        scores: contrast.unit_scores(),
    }
}
