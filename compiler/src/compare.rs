//! Comparing optimizers: every one at the same budget on the same splits, and an honest score for each.
//!
//! The score that a search claims is the best of many on rows it could see, so it is too high, and the more so the more it
//! tried. Here every optimizer is also scored on rows that it did not see, and the difference has a name: optimism.
//!
//! The rows come from [`rehearsals`](crate::data::rehearsal): the visible rows of the task, split anew for every seed. The
//! sealed rows are not touched, so the prompt that is compiled with the winner can still be judged on them.
//!
//! [`phantom`] is the same comparison where there is nothing to be found; [`table`] makes numbers with intervals of the
//! trials; [the report](mod@crate::report::comparison) shows them.
//!
//! **Invariant:** all optimizers get the same rows, seeds and budget, and nothing that is called honest was measured on a
//! row that took part in the search.

mod meter;
pub mod phantom;
pub mod table;

use std::time::{Duration, Instant};

use proofmark_optimizers::{Optimizer, Stop};
use proofmark_runtime::{Candidate, stamp::AskedBy, store::Store};

use self::{
    meter::Meter,
    phantom::Phantom,
    table::{Table, mean},
};
use crate::{
    compile::{CompileError, FINALISTS, Search, ended, evidence, finalist, how, policy, subject},
    data::rehearsal::Rehearsal,
    engine::{Asked, Backend, Bench, Engine, GateAdapter, Spent},
    gate::{Demands, Gate, MemoryLedger, Policy, Verdict},
    task::Task,
};

/// What is compared on what.
pub struct Setting<'a> {
    /// The task.
    pub task: &'a Task,
    /// Who competes, at least one.
    pub optimizers: Vec<&'static dyn Optimizer>,
    /// Calls that each may spend on each search.
    pub budget: u64,
    /// Whether scores are coin flips, so that there is nothing to be found.
    pub phantom: bool,
    /// The name of the run.
    pub run: &'a str,
}

/// One search of one optimizer, and what it is worth.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Who searched.
    pub optimizer: &'static str,
    /// Which rehearsal, from 1: the seed of the split and of the search.
    pub seed: u64,
    /// What it would ship, in words.
    pub found: String,
    /// Prompts that vote in that: a row takes as many times the calls.
    pub votes: usize,
    /// The score of that on the rows of the search: what it claims.
    pub claimed: f64,
    /// The score of that on held rows.
    pub honest: f64,
    /// The baseline's score on the same held rows.
    pub baseline: f64,
    /// For every held row the key of its group, and what was found minus the baseline there.
    pub leads: Vec<(String, f64)>,
    /// What the gate says on held rows and their variants; none if the search found nothing to judge.
    pub verdict: Option<Verdict>,
    /// What the search cost.
    pub spent: Spent,
    /// Wall time of the search; without meaning where calls were replayed.
    pub time: Duration,
    /// Calls spent, and the best score on visible rows known then.
    pub curve: Vec<(u64, f64)>,
}

/// What came of a comparison.
#[derive(Debug)]
pub struct Comparison {
    /// Every search, optimizer by optimizer.
    pub trials: Vec<Trial>,
    /// The numbers, the best optimizer first.
    pub table: Table,
}

/// Compares optimizers on rehearsals.
///
/// # Errors
/// If a model, a metric or the user stops it. Everything that was paid for is in the store; the same call goes on from
/// there.
pub fn compare(
    setting: &Setting<'_>,
    rehearsals: &[Rehearsal],
    backend: &Backend,
    store: &Store,
) -> Result<Comparison, CompileError> {
    let mut trials = Vec::new();
    for optimizer in &setting.optimizers {
        for (rehearsal, seed) in rehearsals.iter().zip(1..) {
            backend.watch.stage(&format!("{}, seed {seed} of {}", optimizer.name(), rehearsals.len()));
            trials.push(trial(setting, (*optimizer, seed), rehearsal, (backend, store))?);
        }
    }
    backend.finish()?;
    let table = Table::of(&trials);
    Ok(Comparison { trials, table })
}

/// One search, scored.
fn trial(
    setting: &Setting<'_>,
    (optimizer, seed): (&'static dyn Optimizer, u64),
    rehearsal: &Rehearsal,
    (backend, store): (&Backend, &Store),
) -> Result<Trial, CompileError> {
    let begun = Instant::now();
    let program = &setting.task.program;
    let visible: Vec<_> = rehearsal.train.examples().iter().chain(rehearsal.val.examples()).collect();
    let service = (store.clone(), setting.run.to_owned(), setting.budget);
    let mut engine = Engine::new(backend.clone(), program, visible.iter().copied(), service);
    let context = engine.context();
    let mut phantom;
    let bench: &mut dyn Bench = if setting.phantom {
        phantom = Phantom::new(&mut engine, program, &visible, (seed, setting.budget));
        &mut phantom
    } else {
        &mut engine
    };

    let mut meter = Meter::new(&mut *bench);
    let search = Search {
        task: setting.task,
        program,
        train: &rehearsal.train,
        val: &rehearsal.val,
        sealed: &rehearsal.gate,
        optimizer,
        seed,
    };
    let (board, stopped) = search.run(&mut meter);
    let curve = meter.curve();
    let time = begun.elapsed();
    let spent = bench.spent();
    ended(stopped, spent)?;

    let finalists = board.finalists(FINALISTS);
    let best = finalists.first().map_or_else(Candidate::baseline, |standing| standing.candidate.clone());
    let claimed = finalists.first().map(|standing| standing.mean);
    let scores = scores(bench, &[&Candidate::baseline(), &best], rehearsal)?;
    let verdict = if finalists.is_empty() {
        None
    } else {
        let policy = policy(setting.task, optimizer).unwrap_or(Policy::Strict);
        let subject = subject(setting.task, &setting.task.program, bench.abilities(), AskedBy::Compare)?;
        let gate =
            Gate { policy, demands: Demands::default(), context, seed, evidence: evidence(&board), subject };
        let named: Vec<_> = finalists
            .iter()
            .map(|standing| finalist(program, (&board, standing), &visible))
            .collect::<Result<_, _>>()?;
        let candidates = finalists.iter().map(|standing| standing.candidate.clone()).collect();
        let mut stand = GateAdapter::new(bench, Candidate::baseline(), candidates);
        Some(gate.judge(&rehearsal.gate, &named, &mut stand, &mut MemoryLedger::default())?.verdict())
    };
    let [baseline, honest] = [0, 1].map(|who| mean(&scores[who]));
    let leads = rehearsal.held.iter().enumerate();
    Ok(Trial {
        optimizer: optimizer.name(),
        seed,
        found: how(&board, best.id()).unwrap_or_else(|| "nothing better than the task as written".to_owned()),
        votes: best.votes(),
        claimed: claimed.or_else(|| board.mean(best.id())).unwrap_or(baseline),
        honest,
        baseline,
        leads: leads.map(|(row, (group, _))| (group.clone(), scores[1][row] - scores[0][row])).collect(),
        verdict,
        spent,
        time,
        curve,
    })
}

/// The scores of candidates on the held rows.
fn scores(
    bench: &mut dyn Bench,
    candidates: &[&Candidate],
    rehearsal: &Rehearsal,
) -> Result<Vec<Vec<f64>>, Stop> {
    let score = |candidate: &&Candidate| {
        let cells: Vec<_> =
            rehearsal.held.iter().map(|(_, example)| Asked::plainly(candidate, example)).collect();
        let answers = bench.measure(&cells)?;
        Ok(answers.iter().map(|answered| answered.outcome.worth().get()).collect())
    };
    candidates.iter().map(score).collect()
}
