//! `bootstrap`: random search over sets of demonstrations, labelled and bootstrapped (Khattab et al. 2023,
//! arXiv:2310.03714, appendix E: BootstrapFewShotWithRandomSearch, with a race instead of full measurements).
//!
//! A teacher is the program with labelled demonstrations. It runs on the pool. Where the metric accepts the answer, the
//! inputs and outputs of each module become a demonstration. This is the only source of demonstrations for modules in the
//! middle of a program, and of reasoning. Then sets of several sizes race, balanced over answers: from labels, from traces
//! and from both.
//!
//! Cost: at most a fifth of the calls for the teacher, then a race of at most 24 candidates.

use proofmark_runtime::{Candidate, ExampleId};

use crate::{
    Optimizer,
    demos::{ExamplePool, with_drawn_demonstrations},
    effects::{Event, Stop, Trial},
    lab::{Lab, shown},
    outcome::{Outcome, Trace},
};

/// The greatest number of sets in the race.
const SETS: usize = 24;
/// The number of sets that are measured on all common rows.
const KEEP: usize = 3;
/// Teachers get one call in `TEACHER_SHARE`.
const TEACHER_SHARE: u64 = 5;
/// The number of teachers, each with its own demonstrations, so that a row shown by one is run by another.
const TEACHERS: u64 = 2;
/// The lowest accepted score.
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
        lab.register(&Candidate::baseline(), &[], "the task as written")?;
        let pools = ExamplePools::with_traces(lab, TEACHER_SHARE)?;
        let kinds = pools.kinds();
        let sets = if kinds.is_empty() { 0 } else { lab.affordable(&[], SETS, KEEP, lab.remaining_calls()) };
        lab.note(Event::Stage { name: format!("racing {sets} sets of demonstrations") });
        let mut rng = lab.rng("bootstrap");
        let mut candidates = Vec::new();
        for draw in 0..sets {
            let (kind, pools) = &kinds[draw % kinds.len()];
            let rank = draw / kinds.len();
            let (candidate, how) = with_drawn_demonstrations(Candidate::baseline(), pools, rank, &mut rng);
            lab.register(&candidate, &[], format!("{how}, {kind}, draw {}", draw + 1))?;
            candidates.push(candidate);
        }
        lab.race(&candidates, KEEP).map(|_| ())
    }
}

/// The pools of demonstrations of all modules, by source.
pub struct ExamplePools {
    /// Pools from labelled rows.
    pub labelled: Vec<ExamplePool>,
    /// Pools from traces that the metric accepted.
    pub traced: Vec<ExamplePool>,
}

impl ExamplePools {
    /// Makes pools from labelled rows only; this takes no call.
    pub fn labelled(lab: &Lab<'_>) -> Self {
        let rows = lab.pool().iter().filter_map(|id| lab.example(id));
        Self { labelled: ExamplePool::labelled(lab.program(), rows), traced: Vec::new() }
    }

    /// Makes pools from labelled rows and from traces of teachers; teachers get one in `share` of the remaining calls.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn with_traces(lab: &mut Lab<'_>, share: u64) -> Result<Self, Stop> {
        let Self { labelled, .. } = Self::labelled(lab);
        lab.note(Event::Stage { name: "bootstrapping demonstrations".into() });
        let calls = lab.remaining_calls() / share / TEACHERS;
        let per_row = lab.program().calls_per_record().max(1) as u64;
        let rows = usize::try_from(calls / per_row).unwrap_or(usize::MAX);
        let mut rng = lab.rng("teachers");
        let mut traces: Vec<(ExampleId, Trace)> = Vec::new();
        for number in 1..=TEACHERS {
            let (teacher, _) = with_drawn_demonstrations(Candidate::baseline(), &labelled, 0, &mut rng);
            lab.register(&teacher, &[], format!("teacher {number}"))?;
            let done: std::collections::BTreeSet<_> = traces.iter().map(|(id, _)| id.clone()).collect();
            let own = shown(&teacher);
            let open = lab.pool().iter().filter(|id| !own.contains(id) && !done.contains(id));
            let trial = Trial { rows: open.take(rows).cloned().collect(), candidate: teacher.clone() };
            let outcomes = lab.evaluate(std::slice::from_ref(&trial))?.into_iter().flatten();
            traces.extend(accepted(trial.rows, outcomes.collect()));
        }
        let traced = ExamplePool::traced(lab.program(), &traces);
        Ok(Self { labelled, traced })
    }

    /// Makes one pool per module: from labelled rows if they have all its values, else from traces. Teachers run only if some
    /// module needs traces; they get one in `share` of the remaining calls.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn one_per_module(lab: &mut Lab<'_>, share: u64) -> Result<Vec<ExamplePool>, Stop> {
        let stock = Self::labelled(lab);
        let served = lab.program().modules().len() == stock.labelled.len();
        let Self { labelled, traced } = if served { stock } else { Self::with_traces(lab, share)? };
        let unserved: Vec<ExamplePool> = traced
            .into_iter()
            .filter(|pool| labelled.iter().all(|other| other.module != pool.module))
            .collect();
        Ok(labelled.into_iter().chain(unserved).collect())
    }

    /// All pools, each with the name of its kind.
    pub fn named(&self) -> Vec<(&'static str, ExamplePool)> {
        let kinds = self.kinds().into_iter();
        kinds.flat_map(|(kind, pools)| pools.into_iter().map(move |pool| (kind, pool))).collect()
    }

    /// The kinds of pools that are not empty, each with its name and its pools by module.
    pub fn kinds(&self) -> Vec<(&'static str, Vec<ExamplePool>)> {
        let kinds = [
            ("labelled", self.labelled.clone()),
            ("bootstrapped", self.traced.clone()),
            ("labelled and bootstrapped", self.both()),
        ];
        kinds.into_iter().filter(|(_, pools)| !pools.is_empty()).collect()
    }

    /// Traces and labelled rows together, module by module.
    fn both(&self) -> Vec<ExamplePool> {
        let mut pools = Vec::new();
        for traced in &self.traced {
            let labelled = self.labelled.iter().find(|other| other.module == traced.module);
            pools.push(labelled.map_or_else(|| traced.clone(), |labelled| traced.topped_up(labelled)));
        }
        for labelled in &self.labelled {
            if self.traced.iter().all(|other| other.module != labelled.module) {
                pools.push(labelled.clone());
            }
        }
        pools
    }
}

/// The traces of the better answers: with a score in the upper quarter and of at least [`ACCEPTABLE`].
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
