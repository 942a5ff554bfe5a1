//! `bootstrap`: random search over sets of demonstrations, labelled and bootstrapped (Khattab et al. 2023,
//! arXiv:2310.03714, appendix E: BootstrapFewShotWithRandomSearch, with a race in place of full measurements; so there is
//! no other `random`).
//!
//! A teacher, the program with labelled demonstrations, runs on the pool; where the metric accepts the answer, what each
//! module got and gave becomes a demonstration: the only source for modules in the middle of a program and for
//! reasoning. Sets of several sizes, balanced over answers, from labels, from traces and from both, are then raced.
//!
//! Cost: at most a fifth of the calls for the teacher, then a race of at most 24 candidates.

use proofmark_runtime::{Candidate, ExampleId};

use crate::{
    Optimizer,
    demos::{Shelf, furnished},
    effects::{Event, Stop, Trial},
    lab::{Lab, shown},
    outcome::{Outcome, Trace},
};

/// Most sets that compete.
const SETS: usize = 24;
/// Sets that are measured on all common rows.
const KEEP: usize = 3;
/// The teacher's part of the calls is one in so many.
const TEACHER_SHARE: u64 = 5;
/// Teachers, each with its own demonstrations, so that a row shown by one is run by another.
const TEACHERS: u64 = 2;
/// The lowest score that is ever accepted.
const ACCEPTABLE: f64 = 0.5;

/// See the [module](self).
pub struct Bootstrap;

impl Optimizer for Bootstrap {
    fn name(&self) -> &'static str {
        "bootstrap"
    }

    fn about(&self) -> &'static str {
        "random search over labelled and bootstrapped demonstrations"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        lab.born(&Candidate::baseline(), &[], "the task as written")?;
        let shelves = Shelves::stock(lab, TEACHER_SHARE)?;
        let kinds = shelves.kinds();
        let sets =
            if kinds.is_empty() { 0 } else { lab.affordable((&[], SETS), KEEP, lab.remaining_calls()) };
        lab.note(Event::Stage { name: format!("racing {sets} sets of demonstrations") });
        let mut rng = lab.rng("bootstrap");
        let mut candidates = Vec::new();
        for draw in 0..sets {
            let (kind, shelves) = &kinds[draw % kinds.len()];
            let rank = draw / kinds.len();
            let (candidate, how) = furnished(Candidate::baseline(), shelves, rank, &mut rng);
            lab.born(&candidate, &[], format!("{how}, {kind}, draw {}", draw + 1))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

/// What the pool offers: labelled rows and accepted traces.
pub(crate) struct Shelves {
    /// From labelled rows.
    pub(crate) labelled: Vec<Shelf>,
    /// From traces that the metric accepted.
    pub(crate) traced: Vec<Shelf>,
}

impl Shelves {
    /// Labelled rows only, without asking any teacher.
    pub(crate) fn labelled(lab: &Lab<'_>) -> Self {
        let rows = lab.pool().iter().filter_map(|id| lab.example(id));
        Self { labelled: Shelf::labelled(lab.program(), rows), traced: Vec::new() }
    }

    /// Takes stock: labelled rows of the pool, and traces of teachers that get one in `share` of the remaining calls.
    pub(crate) fn stock(lab: &mut Lab<'_>, share: u64) -> Result<Self, Stop> {
        let Self { labelled, .. } = Self::labelled(lab);
        lab.note(Event::Stage { name: "bootstrapping demonstrations".into() });
        let calls = lab.remaining_calls() / share / TEACHERS;
        let per_row = lab.program().calls_per_record().max(1) as u64;
        let rows = usize::try_from(calls / per_row).unwrap_or(usize::MAX);
        let mut rng = lab.rng("teachers");
        let mut traces: Vec<(ExampleId, Trace)> = Vec::new();
        for number in 1..=TEACHERS {
            let (teacher, _) = furnished(Candidate::baseline(), &labelled, 0, &mut rng);
            lab.born(&teacher, &[], format!("teacher {number}"))?;
            let done: std::collections::BTreeSet<_> = traces.iter().map(|(id, _)| id.clone()).collect();
            let own = shown(&teacher);
            let open = lab.pool().iter().filter(|id| !own.contains(id) && !done.contains(id));
            let trial = Trial { rows: open.take(rows).cloned().collect(), candidate: teacher.clone() };
            let outcomes = lab.evaluate(std::slice::from_ref(&trial))?.into_iter().flatten();
            traces.extend(accepted(trial.rows, outcomes.collect()));
        }
        let traced = Shelf::traced(lab.program(), &traces);
        Ok(Self { labelled, traced })
    }

    /// One shelf per module: labelled rows where they serve, traces elsewhere. Teachers, who get one in `share` of the
    /// remaining calls, are asked only if some module needs them.
    pub(crate) fn one_each(lab: &mut Lab<'_>, share: u64) -> Result<Vec<Shelf>, Stop> {
        let stock = Self::labelled(lab);
        let served = lab.program().modules().len() == stock.labelled.len();
        let Self { labelled, traced } = if served { stock } else { Self::stock(lab, share)? };
        let unserved: Vec<Shelf> = traced
            .into_iter()
            .filter(|shelf| labelled.iter().all(|other| other.module != shelf.module))
            .collect();
        Ok(labelled.into_iter().chain(unserved).collect())
    }

    /// All shelves, each with the name of its kind.
    pub(crate) fn named(&self) -> Vec<(&'static str, Shelf)> {
        let kinds = self.kinds().into_iter();
        kinds.flat_map(|(kind, shelves)| shelves.into_iter().map(move |shelf| (kind, shelf))).collect()
    }

    /// The kinds of sets that can be drawn, with their names.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, Vec<Shelf>)> {
        let top_up = |shelf: &Shelf| {
            let labelled = self.labelled.iter().find(|other| other.module == shelf.module);
            labelled.map_or_else(|| shelf.clone(), |labelled| shelf.topped_up(labelled))
        };
        let only_labelled =
            self.labelled.iter().filter(|shelf| self.traced.iter().all(|t| t.module != shelf.module));
        let both = self.traced.iter().map(top_up).chain(only_labelled.cloned()).collect();
        let kinds = [
            ("labelled", self.labelled.clone()),
            ("bootstrapped", self.traced.clone()),
            ("labelled and bootstrapped", both),
        ];
        kinds.into_iter().filter(|(_, shelves)| !shelves.is_empty()).collect()
    }
}

/// The traces of the better answers: at least as good as the upper quarter, and never worse than [`ACCEPTABLE`].
fn accepted(rows: Vec<ExampleId>, outcomes: Vec<Outcome>) -> Vec<(ExampleId, Trace)> {
    let mut scores: Vec<f64> = outcomes.iter().map(|outcome| outcome.worth().get()).collect();
    scores.sort_by(f64::total_cmp);
    let quarter = scores.get(scores.len() * 3 / 4).copied().unwrap_or(1.0);
    let pairs = rows.into_iter().zip(outcomes);
    let good = pairs.filter_map(|(row, outcome)| match outcome {
        Outcome::Scored { score, trace, .. } if score.get() >= quarter.max(ACCEPTABLE) => Some((row, trace)),
        _ => None,
    });
    good.collect()
}
