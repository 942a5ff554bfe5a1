//! A trial: one finalist against the baseline, look by look, until it is accepted, hopeless, or all units are in.
//!
//! **Invariant:** a finalist is accepted only at a look at which the test is significant *and* every guard passes. The test
//! alone stays within its error over all looks, so asking for more at the same look can only lower it; a guard that does
//! not pass yet is asked again at the next look, at levels that hold over all looks.

use proofmark_runtime::Digest;

use super::{
    bounds::Gain,
    demands::{Cap, Demands},
    diagnosis::{Diagnosis, Evidence},
    error::GateError,
    guard::Limit,
    look::{CommonLevels, Levels, LookRecord, Position},
    measure::{Cell, Contender, Measure, Measured},
    pass_rate::{PassRate, Reached},
    policy::{CLAIM_ALPHA, Policy},
    scores::{Answers, score},
    sealed::Sealed,
    statistics::{
        futility::{HOPELESS, PATIENCE},
        looks::Spending,
    },
    verdict::{Kind, Verdict},
};

/// How many looks there are when all units are used. What looks, and giving up early, cost and save is in `docs/gate.md`, under
/// size and power.
const LOOKS: usize = 10;

/// Nothing is accepted on a smaller part of the units: what harms a small slice, or another metric, needs rows to be seen. The
/// test spends nothing before.
const LEAST_PART: f64 = 0.25;

/// What is the same for all finalists of a judgement.
#[derive(Debug)]
pub(crate) struct TrialPlan<'a> {
    pub(crate) sealed: &'a Sealed,
    pub(crate) policy: Policy,
    pub(crate) demands: &'a Demands,
    pub(crate) evidence: &'a Evidence,
    /// All units in the order in which they are used.
    pub(crate) order: Vec<usize>,
    /// Units that are in at each look.
    pub(crate) looks: Vec<usize>,
    common: CommonLevels,
}

/// The outcomes of all contenders so far, by row.
#[derive(Debug)]
pub(crate) struct ScoreSheet {
    baseline: Vec<Option<Measured>>,
    finalists: Vec<Vec<Option<Measured>>>,
}

/// One finalist's trial, over.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) verdict: Verdict,
    /// The gain where the trial ended.
    pub(crate) gain: Option<Gain>,
    pub(crate) looks: Vec<LookRecord>,
    /// Its pass rate, if it was held to a target.
    pub(crate) pass_rate: Option<PassRate>,
}

/// The finalist on trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contestant {
    pub(crate) position: usize,
    pub(crate) id: Digest,
    /// The error it was granted.
    pub(crate) alpha: f64,
    /// Its part of the error of all finalists together.
    pub(crate) share: f64,
}

impl<'a> TrialPlan<'a> {
    pub(crate) fn new(
        sealed: &'a Sealed,
        policy: Policy,
        demands: &'a Demands,
        evidence: &'a Evidence,
        order: Vec<usize>,
    ) -> Self {
        let looks = planned(order.len());
        let common = CommonLevels::of(&parts(&looks));
        Self { sealed, policy, demands, evidence, order, looks, common }
    }

    /// A plan with one look at all units, which has the whole error.
    pub(crate) fn with_one_look(self) -> Self {
        let looks = vec![self.order.len()];
        Self { common: CommonLevels::of(&parts(&looks)), looks, ..self }
    }

    pub(crate) fn levels(&self, contestant: Contestant) -> Levels {
        let fractions = parts(&self.looks);
        Levels {
            test: test_levels(contestant.alpha, &fractions),
            lower: Spending::ObrienFleming.levels(CLAIM_ALPHA * contestant.share, &fractions),
            claim: CLAIM_ALPHA * contestant.share,
            common: self.common.clone(),
            fractions,
        }
    }

    /// Tries one finalist.
    pub(crate) fn run<M: Measure + ?Sized>(
        &self,
        contestant: Contestant,
        sheet: &mut ScoreSheet,
        measure: &mut M,
    ) -> Result<Trial, GateError<M::Error>> {
        let levels = self.levels(contestant);
        let mut looks: Vec<LookRecord> = vec![];
        let mut proven: Option<Gain> = None;
        for (k, units) in self.looks.iter().enumerate() {
            let units = &self.order[..*units];
            sheet.fill(self.sealed, units, contestant.position, measure)?;
            sheet.demand_tokens(self.demands)?;
            let answers = sheet.answers(contestant.position);
            let position = Position {
                sealed: self.sealed,
                policy: self.policy,
                demands: self.demands,
                units,
                k,
                levels: &levels,
                alpha: contestant.alpha,
            };
            let mut look = position.look(answers);
            let ends = is_over(&look, || self.diagnose(position, answers, &look, contestant.id));
            if ends || look.is_proven() {
                look = position.with_slices(look, answers);
            }
            let accepted = look.is_proven() && look.is_guarded();
            let over = accepted || ends;
            if look.is_proven() && proven.is_none() {
                let mute = looks.iter().filter(|look| look.is_mute() || look.level <= 0.0).count();
                proven = Some(position.proven_gain(answers, look.p, mute));
            }
            looks.push(look);
            if over {
                let gain = position.gain(answers);
                let gain = match proven.filter(|_| accepted) {
                    // A guard may have held it back while the gain shrank; a bound above the estimate would mislead.
                    Some(Gain { lower, lower_level, .. }) => {
                        Gain { lower: lower.min(gain.estimate), lower_level, ..gain }
                    }
                    None => gain,
                };
                if accepted {
                    let (pass_rate, verdict) = self.held_to_target(contestant, sheet, measure)?;
                    return Ok(Trial { verdict, gain: Some(gain), looks, pass_rate });
                }
                let verdict = self.diagnose(position, answers, &looks[k], contestant.id).verdict();
                return Ok(Trial { verdict, gain: Some(gain), looks, pass_rate: None });
            }
        }
        Err(GateError::NoUnits)
    }

    fn diagnose<'c>(
        &'c self,
        position: Position<'c>,
        answers: Answers<'c>,
        look: &'c LookRecord,
        finalist: Digest,
    ) -> Diagnosis<'c> {
        Diagnosis { position, answers, look, gain: position.gain(answers), finalist, evidence: self.evidence }
    }

    /// Holds a finalist that beats the baseline to the task's target, on all clean rows: it answers those that are still out.
    pub(crate) fn held_to_target<M: Measure + ?Sized>(
        &self,
        contestant: Contestant,
        sheet: &mut ScoreSheet,
        measure: &mut M,
    ) -> Result<(Option<PassRate>, Verdict), GateError<M::Error>> {
        let Some(target) = self.demands.target else { return Ok((None, Verdict::Accept)) };
        let clean = self.sealed.units.iter().map(|unit| &unit.clean);
        let rows: Vec<_> = clean.clone().flatten().copied().collect();
        let finalist = &mut sheet.finalists[contestant.position];
        ask(finalist, self.sealed, &rows, Contender::Finalist(contestant.position), measure)?;
        let answers = Answers { baseline: finalist, candidate: finalist };
        let pass_rate = PassRate::of(target, &answers.pairs(clean, score), contestant.share);
        let verdict = match pass_rate.reached {
            Reached::Missed => Verdict::Reject { kind: Kind::BelowTarget },
            Reached::Met | Reached::Undecided { .. } => Verdict::Accept,
        };
        Ok((Some(pass_rate), verdict))
    }
}

/// Units that are in at each look, of `n` in all.
fn planned(n: usize) -> Vec<usize> {
    let mut looks: Vec<_> = (1..=LOOKS).map(|k| (k * n).div_ceil(LOOKS)).collect();
    looks.dedup();
    looks
}

/// The part of all units that is in at each look.
fn parts(looks: &[usize]) -> Vec<f64> {
    let all = looks.last().copied().unwrap_or(1) as f64;
    looks.iter().map(|units| *units as f64 / all).collect()
}

/// The nominal level of the test when all of `n` units are in, with this error over all looks.
pub(crate) fn last_level(alpha: f64, n: usize) -> f64 {
    test_levels(alpha, &parts(&planned(n))).last().copied().unwrap_or(alpha)
}

/// The nominal levels of the test; 0 where nothing may be accepted yet.
fn test_levels(alpha: f64, fractions: &[f64]) -> Vec<f64> {
    let silent = fractions.iter().filter(|part| **part < LEAST_PART).count();
    let levels = Spending::ObrienFleming.levels(alpha, &fractions[silent..]);
    [vec![0.0; silent], levels].concat()
}

impl Trial {
    /// One that was refused before a row was measured.
    pub(crate) fn refused(kind: Kind) -> Self {
        Self { verdict: Verdict::Reject { kind }, gain: None, looks: vec![], pass_rate: None }
    }
}

/// Whether going on is pointless: all units are in, or enough of them to say that acceptance is out of reach, and a refusal is
/// either shown already or unlikely to be.
fn is_over<'c>(look: &LookRecord, diagnosis: impl Fn() -> Diagnosis<'c>) -> bool {
    let is_hopeless = look.conditional_power.is_none_or(|power| power < HOPELESS && !look.is_mute());
    let is_vain = |diagnosis: Diagnosis<'_>| {
        let unlikely = look.refusal_power.is_none_or(|power| power < PATIENCE);
        (unlikely || diagnosis.is_useless()) && !diagnosis.is_memory_likely()
    };
    let all_are_in = look.conditional_power.is_none();
    (is_hopeless && (all_are_in || is_vain(diagnosis())))
        || look.newly_failed > 0
        || look.limits.iter().any(Limit::is_broken)
        || look.guards().any(|(_, guard)| guard.is_broken())
}

impl ScoreSheet {
    pub(crate) fn new(sealed: &Sealed, finalists: usize) -> Self {
        let blank = vec![None; sealed.rows.len()];
        Self { baseline: blank.clone(), finalists: vec![blank; finalists] }
    }

    /// Makes room for fresh rows behind the existing ones.
    pub(crate) fn extend_to(&mut self, rows: usize) {
        self.baseline.resize(rows, None);
        self.finalists.iter_mut().for_each(|answers| answers.resize(rows, None));
    }

    pub(crate) fn answers(&self, finalist: usize) -> Answers<'_> {
        Answers { baseline: &self.baseline, candidate: &self.finalists[finalist] }
    }

    /// A limit on tokens that are not counted would let everything pass.
    pub(crate) fn demand_tokens<E>(&self, demands: &Demands) -> Result<(), GateError<E>> {
        let counted = |cap: &Cap| self.baseline.iter().flatten().any(|measured| (cap.count)(measured) > 0.0);
        let Some(cap) = demands.caps().into_iter().find(|cap| !counted(cap)) else { return Ok(()) };
        Err(GateError::TokensNotCounted { limit: cap.name })
    }

    /// How many rows were measured.
    pub(crate) fn calls(&self) -> usize {
        let count = |answers: &Vec<Option<Measured>>| answers.iter().flatten().count();
        count(&self.baseline) + self.finalists.iter().map(count).sum::<usize>()
    }

    /// Has the baseline and a finalist answer what is missing: all rows of the units, and the rows that must pass.
    pub(crate) fn fill<M: Measure + ?Sized>(
        &mut self,
        sealed: &Sealed,
        units: &[usize],
        finalist: usize,
        measure: &mut M,
    ) -> Result<(), GateError<M::Error>> {
        let mut rows: Vec<_> = sealed.must_pass.clone();
        for unit in units {
            let unit = &sealed.units[*unit];
            rows.extend(unit.clean.iter().chain(&unit.primary));
        }
        ask(&mut self.baseline, sealed, &rows, Contender::Baseline, measure)?;
        ask(&mut self.finalists[finalist], sealed, &rows, Contender::Finalist(finalist), measure)
    }
}

fn ask<M: Measure + ?Sized>(
    answers: &mut [Option<Measured>],
    sealed: &Sealed,
    rows: &[usize],
    contender: Contender,
    measure: &mut M,
) -> Result<(), GateError<M::Error>> {
    let mut missing: Vec<_> = rows.iter().copied().filter(|row| answers[*row].is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    let cells: Vec<_> = missing.iter().map(|row| cell(sealed, *row)).collect();
    if cells.is_empty() {
        return Ok(());
    }
    let outcomes = measure.measure(contender, &cells).map_err(GateError::Measure)?;
    if outcomes.len() != cells.len() {
        return Err(GateError::Miscounted { outcomes: outcomes.len(), rows: cells.len() });
    }
    for (row, outcome) in missing.into_iter().zip(outcomes) {
        answers[row] = Some(outcome);
    }
    Ok(())
}

fn cell(sealed: &Sealed, index: usize) -> Cell<'_> {
    let row = &sealed.rows[index];
    let unit = row.unit.map_or("", |unit| &sealed.units[unit].key);
    Cell { index, unit, variant: &row.variant, example: &row.example, listing: row.listing.as_deref() }
}
