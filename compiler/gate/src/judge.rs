//! The gate: which of at most three finalists, if any, is truly better than the baseline?
//!
//! Finalists are tried one after the other, the first with the largest part of the error; the first that is accepted ends
//! the chain. Everything about it is fixed before the first row is measured.
//!
//! **Invariant:** over the whole chain, all looks, and all earlier questions to the same rows, a prompt that is not better
//! than the baseline is accepted with probability at most the policy's alpha (twice that over the life of the rows).

use proofmark_runtime::{
    Digest, digest,
    stamp::{Against, AskedBy},
};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use super::{
    accepted::Accepted,
    certificate::{Certificate, CertificateRecord, Earlier, Named, Rate, Tally},
    contrast::{Contrast, Pair, pairs_of},
    demands::Demands,
    diagnosis::Evidence,
    judgement::{Heard, Judgement},
    ledger::{Ledger, LedgerError, Look, next_price},
    look::{Answers, score},
    measure::Measure,
    policy::{Policy, SHARES},
    reading::{Read, Reading},
    sealed::Sealed,
    statistics::spread::{discordance, intraclass},
    trial::{Accused, Court, Sheet, Trial},
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
    /// The seed of the order in which sealed seeds are used.
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
    /// The hash of the task file; none for score tables.
    pub task: Option<Digest>,
    /// The command that asks.
    pub asked: AskedBy,
}

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum GateError<E> {
    /// No finalist, or too many.
    #[error("the gate tries one to three finalists, not {count}; rank them on visible rows first")]
    Finalists {
        /// How many came.
        count: usize,
    },
    /// The rows support no further claim.
    #[error(
        "details of these gate rows were shown in an earlier run (look {t}), so they prove nothing any more; \
         use new rows for the gate"
    )]
    Unsealed {
        /// The look whose details were shown.
        t: u32,
    },
    /// There is no trial that could go on.
    #[error("no trial of this prompt on these sealed rows is on record that ended; judge it first")]
    NeverAsked,
    /// A trial that ended with a decision does not go on.
    #[error("this trial was decided, so it does not go on. {sentence}")]
    Decided {
        /// What the verdict says.
        sentence: String,
    },
    /// Rows that are not fresh.
    #[error("{rows} of the fresh rows were sealed rows of the trial before, and a row counts once")]
    NotFresh {
        /// How many.
        rows: usize,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A limit on tokens that are not counted would let everything pass.
    #[error(
        "the task limits the tokens of a row, but the model does not count them; leave out `{limit}` of [gate]"
    )]
    TokensNotCounted {
        /// The limit, by its name in task files.
        limit: &'static str,
    },
    /// There is no unit to judge on.
    #[error("there are no rows to judge on")]
    NoUnits,
    /// The measure broke its contract.
    #[error(
        "{outcomes} outcomes came for {rows} rows of the gate; this is a mistake in the program that measures"
    )]
    Miscounted {
        /// Outcomes that came.
        outcomes: usize,
        /// Rows that were to be answered.
        rows: usize,
    },
    /// The rows could not be answered.
    #[error(transparent)]
    Measure(E),
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

        let court = Court::new(sealed, (self.policy, &self.demands), &self.evidence, self.order(sealed));
        let mut sheet = Sheet::new(sealed, finalists.len());
        let mut trials: Vec<Heard> = vec![];
        for (position, (finalist, share)) in finalists.iter().zip(shares).enumerate() {
            let accused = Accused { position, id: finalist.id, alpha: look.alpha * share, share: *share };
            let read = finalist.reading.against(sealed);
            let Trial { verdict, lead, looks, pass_rate } = match read.as_ref().and_then(Read::objection) {
                Some(kind) => Trial::refused(kind),
                None => court.hear(accused, &mut sheet, measure)?,
            };
            let accepted = verdict == Verdict::Accept;
            let named = Named { name: finalist.name.clone(), id: finalist.id };
            let read =
                read.map(|read| read.with_lead(lead.filter(|_| accepted).map_or(0.0, |lead| lead.estimate)));
            trials.push(Heard {
                finalist: named,
                verdict,
                alpha: accused.alpha,
                lead,
                looks,
                pass_rate,
                read,
            });
            if accepted {
                break;
            }
        }
        let certificate = self.certify((sealed, &court), &sheet, &trials, (&look, shares));
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

    /// All seeds in the random order in which they are used.
    pub(crate) fn order(&self, sealed: &Sealed) -> Vec<usize> {
        let mut order: Vec<_> = (0..sealed.seeds.len()).collect();
        let stream = digest(&("order of looks", self.seed, sealed.design()));
        order.shuffle(&mut ChaCha8Rng::from_seed(*stream.as_bytes()));
        order
    }

    pub(crate) fn certify(
        &self,
        (sealed, court): (&Sealed, &Court<'_>),
        sheet: &Sheet,
        trials: &[Heard],
        (look, shares): (&Look, &[f64]),
    ) -> Option<Certificate> {
        let (accepted, earlier) = trials.split_last().filter(|(last, _)| last.verdict == Verdict::Accept)?;
        let used = &court.order[..accepted.looks.last()?.seeds];
        let answers = sheet.answers(earlier.len());
        let primary: Vec<_> = used.iter().map(|seed| &sealed.seeds[*seed].primary).collect();
        let differences: Vec<Vec<f64>> = pairs_of(primary.into_iter(), score, answers)
            .iter()
            .map(|rows| rows.iter().map(|(b, c)| c - b).collect())
            .collect();
        let before =
            |heard: &Heard| Earlier { finalist: heard.finalist.clone(), verdict: heard.verdict.clone() };
        Some(Certificate::new(CertificateRecord {
            finalist: accepted.finalist.clone(),
            policy: self.policy,
            holdout: sealed.fingerprint(),
            design: sealed.design(),
            question: look.question,
            seed: self.seed,
            seeds: sealed.seeds.len(),
            must_pass: sealed.must_pass.len(),
            plan: court.looks.clone(),
            plain: sealed.plain,
            turn: look.t,
            turn_alpha: look.alpha,
            share: shares[earlier.len()],
            alpha: accepted.alpha,
            lead: accepted.lead?,
            looks: accepted.looks.clone(),
            search: self.evidence.search_lead(accepted.finalist.id),
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

/// Whether rows still support a claim; for whoever would rather know before a search than after it.
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
    let clean: Vec<_> = used.iter().map(|seed| sealed.seeds[*seed].clean.clone()).collect();
    let primary: Vec<_> = used.iter().map(|seed| sealed.seeds[*seed].primary.clone()).collect();
    let mut is_used = vec![false; sealed.seeds.len()];
    used.iter().for_each(|seed| is_used[*seed] = true);
    let mut groups = vec![("clean".to_owned(), clean), ("primary".to_owned(), primary)];
    for (name, rows) in &sealed.slices {
        let seed = |row: &usize| sealed.rows[*row].seed.filter(|seed| is_used[*seed]);
        let rows: Vec<_> = rows.iter().copied().filter(|row| seed(row).is_some()).collect();
        groups.push((name.clone(), rows.chunk_by(|a, b| seed(a) == seed(b)).map(<[_]>::to_vec).collect()));
    }
    let tally =
        |(name, seeds): (String, Vec<Vec<usize>>)| tally(name, &pairs_of(seeds.iter(), score, answers));
    groups.into_iter().map(tally).collect()
}

fn tally(name: String, seeds: &[Vec<Pair>]) -> Tally {
    let rows = seeds.iter().map(Vec::len).sum();
    let (baseline, finalist) =
        seeds.iter().flatten().fold((0.0, 0.0), |(b, c), (baseline, finalist)| (b + baseline, c + finalist));
    let contrast = Contrast::of(seeds);
    let spread = contrast.spread();
    Tally {
        name,
        rows,
        baseline: Rate::of(baseline, rows),
        finalist: Rate::of(finalist, rows),
        lead: spread.mean,
        lead_se: spread.se(),
        scores: contrast.seed_scores(),
    }
}
