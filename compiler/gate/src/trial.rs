//! A trial: one finalist against the baseline, look by look, until it is accepted, hopeless, or all seeds are in.
//!
//! **Invariant:** a finalist is accepted only at a look at which the test is significant *and* every guard passes. The test
//! alone stays within its error over all looks, so asking for more at the same look can only lower it; a guard that does
//! not pass yet is asked again at the next look, at levels that hold over all looks.

use proofmark_runtime::Digest;

use super::{
    contrast::pairs_of,
    demands::{Cap, Demands},
    diagnosis::{Case, Evidence},
    guard::Limit,
    judge::GateError,
    look::{Answers, CommonLevels, Lead, Levels, LookRecord, Position, score},
    measure::{Cell, Contender, Measure, Measured},
    pass_rate::{PassRate, Reached},
    policy::{CLAIM_ALPHA, Policy},
    sealed::Sealed,
    statistics::{
        futility::{HOPELESS, PATIENCE},
        looks::Spending,
    },
    verdict::{Kind, Verdict},
};

/// How many looks there are when all seeds are used. What looks, and giving up early, cost and save is in `docs/gate.md`, under
/// size and power.
const LOOKS: usize = 10;

/// Nothing is accepted on a smaller part of the seeds: what harms a small slice, or another metric, needs rows to be seen. The
/// test spends nothing before.
const LEAST_PART: f64 = 0.25;

/// What is the same for all finalists of a judgement.
#[derive(Debug)]
pub(crate) struct Court<'a> {
    pub(crate) sealed: &'a Sealed,
    pub(crate) policy: Policy,
    pub(crate) demands: &'a Demands,
    pub(crate) evidence: &'a Evidence,
    /// All seeds in the order in which they are used.
    pub(crate) order: Vec<usize>,
    /// Seeds that are in at each look.
    pub(crate) looks: Vec<usize>,
    common: CommonLevels,
}

/// The outcomes of everybody so far, by row.
#[derive(Debug)]
pub(crate) struct Sheet {
    baseline: Vec<Option<Measured>>,
    finalists: Vec<Vec<Option<Measured>>>,
}

/// One finalist's trial, over.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) verdict: Verdict,
    /// The lead where the trial ended.
    pub(crate) lead: Option<Lead>,
    pub(crate) looks: Vec<LookRecord>,
    /// Its pass rate, if it was held to a target.
    pub(crate) pass_rate: Option<PassRate>,
}

/// Who is on trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accused {
    pub(crate) position: usize,
    pub(crate) id: Digest,
    /// The error it was granted.
    pub(crate) alpha: f64,
    /// Its part of the error of all finalists together.
    pub(crate) share: f64,
}

impl<'a> Court<'a> {
    pub(crate) fn new(
        sealed: &'a Sealed,
        (policy, demands): (Policy, &'a Demands),
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

    pub(crate) fn levels(&self, accused: Accused) -> Levels {
        let fractions = parts(&self.looks);
        Levels {
            test: test_levels(accused.alpha, &fractions),
            lower: Spending::ObrienFleming.levels(CLAIM_ALPHA * accused.share, &fractions),
            claim: CLAIM_ALPHA * accused.share,
            common: self.common.clone(),
            fractions,
        }
    }

    /// Tries one finalist.
    pub(crate) fn hear<M: Measure + ?Sized>(
        &self,
        accused: Accused,
        sheet: &mut Sheet,
        measure: &mut M,
    ) -> Result<Trial, GateError<M::Error>> {
        let levels = self.levels(accused);
        let mut looks: Vec<LookRecord> = vec![];
        let mut proven: Option<Lead> = None;
        for (k, seeds) in self.looks.iter().enumerate() {
            let seeds = &self.order[..*seeds];
            sheet.fill(self.sealed, seeds, accused.position, measure)?;
            sheet.demand_tokens(self.demands)?;
            let answers = sheet.answers(accused.position);
            let position = Position {
                sealed: self.sealed,
                policy: self.policy,
                demands: self.demands,
                seeds,
                k,
                levels: &levels,
                alpha: accused.alpha,
            };
            let mut look = position.look(answers);
            let ends = is_over(&look, || self.case((position, answers), &look, accused.id));
            if ends || look.is_proven() {
                look = position.with_slices(look, answers);
            }
            let accepted = look.is_proven() && look.is_guarded();
            let over = accepted || ends;
            if look.is_proven() && proven.is_none() {
                let mute = looks.iter().filter(|look| look.is_mute() || look.level <= 0.0).count();
                proven = Some(position.proven_lead(answers, (look.p, mute)));
            }
            looks.push(look);
            if over {
                let lead = position.lead(answers);
                let lead = match proven.filter(|_| accepted) {
                    // A guard may have held it back while the lead shrank; a bound above the estimate helps nobody.
                    Some(Lead { lower, lower_level, .. }) => {
                        Lead { lower: lower.min(lead.estimate), lower_level, ..lead }
                    }
                    None => lead,
                };
                if accepted {
                    let (pass_rate, verdict) = self.held_to_target(accused, sheet, measure)?;
                    return Ok(Trial { verdict, lead: Some(lead), looks, pass_rate });
                }
                let verdict = self.case((position, answers), &looks[k], accused.id).verdict();
                return Ok(Trial { verdict, lead: Some(lead), looks, pass_rate: None });
            }
        }
        Err(GateError::NoUnits)
    }

    fn case<'c>(
        &'c self,
        (position, answers): (Position<'c>, Answers<'c>),
        look: &'c LookRecord,
        finalist: Digest,
    ) -> Case<'c> {
        Case { position, answers, look, lead: position.lead(answers), finalist, evidence: self.evidence }
    }

    /// Holds a finalist that beats the baseline to the task's target, on all clean rows: it answers those that are still out.
    pub(crate) fn held_to_target<M: Measure + ?Sized>(
        &self,
        accused: Accused,
        sheet: &mut Sheet,
        measure: &mut M,
    ) -> Result<(Option<PassRate>, Verdict), GateError<M::Error>> {
        let Some(target) = self.demands.target else { return Ok((None, Verdict::Accept)) };
        let clean = self.sealed.seeds.iter().map(|seed| &seed.clean);
        let rows: Vec<_> = clean.clone().flatten().copied().collect();
        let finalist = &mut sheet.finalists[accused.position];
        ask(finalist, self.sealed, &rows, Contender::Finalist(accused.position), measure)?;
        let answers: &[_] = finalist;
        let pass_rate = PassRate::of(target, &pairs_of(clean, score, (answers, answers)), accused.share);
        let verdict = match pass_rate.reached {
            Reached::Missed => Verdict::Reject { kind: Kind::BelowTarget },
            Reached::Met | Reached::Undecided { .. } => Verdict::Accept,
        };
        Ok((Some(pass_rate), verdict))
    }
}

/// Seeds that are in at each look, of `n` in all.
fn planned(n: usize) -> Vec<usize> {
    let mut looks: Vec<_> = (1..=LOOKS).map(|k| (k * n).div_ceil(LOOKS)).collect();
    looks.dedup();
    looks
}

/// The part of all seeds that is in at each look.
fn parts(looks: &[usize]) -> Vec<f64> {
    let all = looks.last().copied().unwrap_or(1) as f64;
    looks.iter().map(|seeds| *seeds as f64 / all).collect()
}

/// The nominal level of the test when all of `n` seeds are in, with this error over all looks.
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
        Self { verdict: Verdict::Reject { kind }, lead: None, looks: vec![], pass_rate: None }
    }
}

/// Whether going on is pointless: all seeds are in, or enough of them to say that acceptance is out of reach, and a refusal is
/// either shown already or unlikely to be.
fn is_over<'c>(look: &LookRecord, case: impl Fn() -> Case<'c>) -> bool {
    let is_hopeless = look.conditional_power.is_none_or(|power| power < HOPELESS && !look.is_mute());
    let is_vain = |case: Case<'_>| {
        let unlikely = look.refusal_power.is_none_or(|power| power < PATIENCE);
        (unlikely || case.is_useless()) && !case.is_memory_likely()
    };
    let all_are_in = look.conditional_power.is_none();
    (is_hopeless && (all_are_in || is_vain(case())))
        || look.newly_failed > 0
        || look.limits.iter().any(Limit::is_broken)
        || look.guards().any(|(_, guard)| guard.is_broken())
}

impl Sheet {
    pub(crate) fn new(sealed: &Sealed, finalists: usize) -> Self {
        let blank = vec![None; sealed.rows.len()];
        Self { baseline: blank.clone(), finalists: vec![blank; finalists] }
    }

    /// Makes room for fresh rows behind those that there are.
    pub(crate) fn extend_to(&mut self, rows: usize) {
        self.baseline.resize(rows, None);
        self.finalists.iter_mut().for_each(|answers| answers.resize(rows, None));
    }

    pub(crate) fn answers(&self, finalist: usize) -> Answers<'_> {
        (&self.baseline, &self.finalists[finalist])
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

    /// Has the baseline and a finalist answer what is missing: all rows of the seeds, and the rows that must pass.
    pub(crate) fn fill<M: Measure + ?Sized>(
        &mut self,
        sealed: &Sealed,
        seeds: &[usize],
        finalist: usize,
        measure: &mut M,
    ) -> Result<(), GateError<M::Error>> {
        let mut rows: Vec<_> = sealed.must_pass.clone();
        for seed in seeds {
            let seed = &sealed.seeds[*seed];
            rows.extend(seed.clean.iter().chain(&seed.primary));
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
    let seed = row.seed.map_or("", |seed| &sealed.seeds[seed].key);
    Cell { index, seed, variant: &row.variant, example: &row.example, listing: row.listing.as_deref() }
}
