//! The engine: serves the effects of a search and the measurements of the gate from models and the call store.
//!
//! **Invariant:** results come back in request order whatever order the calls finish in; the budget of a batch is
//! reserved before its first call; a provider or metric that fails for good stops the run instead of being scored.
//!
//! Resume is replay: the engine keeps no state that a rerun could not rebuild, since every call it makes goes through
//! the call store.

mod backend;
pub(crate) mod gate_adapter;
pub(crate) mod pool;

use std::collections::{BTreeMap, BTreeSet};

use proofmark_optimizers::{Ask, Effects, Event, Failure, Outcome, Score, Stop, Trial};
use proofmark_runtime::{
    Candidate, Digest, Example, ExampleId, Program, digest,
    model::{Abilities, Model, Usage},
    store::Store,
};

use self::backend::{Asking, Job};
pub use self::backend::{Backend, Proposer, StoredModel, Workers};
pub(crate) use self::backend::{try_judges, unjudged};
pub(crate) use self::gate_adapter::GateAdapter;
pub use self::gate_adapter::GateError;
use crate::watch::Calls;

/// Serves a search.
pub struct Engine<'a> {
    backend: Backend,
    program: &'a Program,
    rows: BTreeMap<&'a ExampleId, &'a Example>,
    store: Store,
    run: String,
    left: u64,
    spent: Spent,
    events: Vec<Event>,
    /// Rows that did not fit the model's context with some prompt; each is said once.
    too_long: BTreeSet<ExampleId>,
}

/// Logical calls and their tokens: what the work costs when nothing is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls to the task's model during the search.
    pub task: u64,
    /// Calls to the proposer.
    pub proposer: u64,
    /// Calls to the task's model on sealed rows.
    pub gate: u64,
    /// Tokens of all of them.
    pub usage: Usage,
}

/// Who answers which row, and how the choices are listed for it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who answers.
    pub candidate: &'a Candidate,
    /// The row.
    pub example: &'a Example,
    /// The order in which the prompt lists the choices, if it is not that of the task.
    pub listing: Option<&'a [String]>,
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What came of it.
    pub outcome: Outcome,
    /// Its tokens; none where there was no usable answer.
    pub usage: Usage,
    /// What the guards say, in their order, where they were asked and there was a usable answer.
    pub guards: Vec<Score>,
}

impl<'a> Asked<'a> {
    /// With the choices as the task lists them.
    pub fn plainly(candidate: &'a Candidate, example: &'a Example) -> Self {
        Self { candidate, example, listing: None }
    }
}

/// Serves a search and, after it, the gate.
pub trait Bench: Effects {
    /// Measures candidates on rows that are handed in, by the guards as well: for the gate, whose rows no search holds. One
    /// answer per cell, in order. Not charged to the budget of the search.
    ///
    /// # Errors
    /// [`Stop`].
    fn measure(&mut self, cells: &[Asked<'_>]) -> Result<Vec<Answered>, Stop>;

    /// What was spent so far.
    fn spent(&self) -> Spent;
}

impl<'a> Engine<'a> {
    /// An engine over a program and the rows that a search may see, with a budget of logical calls.
    pub fn new(
        backend: Backend,
        program: &'a Program,
        rows: impl IntoIterator<Item = &'a Example>,
        (store, run, budget): (Store, String, u64),
    ) -> Self {
        let rows = rows.into_iter().map(|example| (&example.id, example)).collect();
        let (spent, events, too_long) = (Spent::default(), vec![], BTreeSet::new());
        Self { backend, program, rows, store, run, left: budget, spent, events, too_long }
    }

    /// What the search told, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What answers and judges.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Calls that reached the model and calls answered from the store, proposer included.
    pub fn calls(&self) -> Calls {
        self.backend.calls()
    }

    /// The hash of what decides answers beside candidates and rows: program, model, sampling, metric and guards.
    pub fn context(&self) -> Digest {
        let Workers { model, sampling, metric, guards, .. } = &*self.backend;
        let guards: Vec<_> = guards.iter().map(|guard| guard.identity()).collect();
        digest(&("context", self.program, model.identity(), sampling, (metric.identity(), guards)))
    }

    /// Sets what may be spent from here on.
    pub fn allow(&mut self, calls: u64) {
        self.left = calls;
    }

    /// Measures candidates on rows that are not sealed but need not be visible to the search, such as rewritten visible rows.
    /// One outcome per cell, in order; charged to what may be spent. Another `replicate` is another answer to the same request.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn try_out(
        &mut self,
        cells: &[(&Candidate, &Example)],
        replicate: u32,
    ) -> Result<Vec<Outcome>, Stop> {
        let jobs: Vec<_> = cells
            .iter()
            .map(|(candidate, example)| Job { asked: Asked::plainly(candidate, example), replicate })
            .collect();
        let calls = self.calls_of(&jobs);
        self.reserve(calls)?;
        self.spent.task += calls;
        Ok(self.answers(&jobs, Asking::Metric)?.into_iter().map(|answered| answered.outcome).collect())
    }

    fn answers(&mut self, jobs: &[Job<'_>], asking: Asking) -> Result<Vec<Answered>, Stop> {
        let answers = self.backend.answers(self.program, jobs, asking)?;
        answers.iter().for_each(|answered| self.spent.usage += answered.usage);
        Ok(answers)
    }

    /// Says of every row that is new in this, once, that it does not fit the model's context.
    fn tell_too_long<'o>(&mut self, rows: impl Iterator<Item = &'o ExampleId>, outcomes: &'o [Outcome]) {
        for (id, message) in too_long(rows.zip(outcomes)) {
            if self.too_long.insert(id.clone()) {
                self.note(Event::Remark { text: format!("row {id} counts as wrong: {message}") });
            }
        }
    }

    /// Calls that jobs take, second tries aside.
    fn calls_of(&self, jobs: &[Job<'_>]) -> u64 {
        let votes: usize = jobs.iter().map(|job| job.asked.candidate.votes()).sum();
        (votes * self.program.calls_per_record()) as u64
    }

    fn reserve(&mut self, calls: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(calls).ok_or(Stop::Budget)?;
        self.backend.watch.batch(calls, Some(self.left));
        Ok(())
    }
}

impl Bench for Engine<'_> {
    fn measure(&mut self, cells: &[Asked<'_>]) -> Result<Vec<Answered>, Stop> {
        let jobs: Vec<_> = cells.iter().map(|asked| Job { asked: *asked, replicate: 0 }).collect();
        let calls = self.calls_of(&jobs);
        self.backend.watch.batch(calls, None);
        self.spent.gate += calls;
        let answers = self.answers(&jobs, Asking::MetricAndGuards)?;
        let outcomes = answers.iter().map(|answered| &answered.outcome);
        let rows = jobs.iter().map(|job| &job.asked.example.id).zip(outcomes);
        let longer = too_long(rows).filter(|(id, _)| self.too_long.insert((*id).clone())).count();
        if longer > 0 {
            // Sealed rows are counted, not named.
            let text = format!("too long for the model, so they count as wrong: {longer} sealed rows");
            self.note(Event::Remark { text });
        }
        Ok(answers)
    }

    fn spent(&self) -> Spent {
        self.spent
    }
}

impl Effects for Engine<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        let unknown =
            |id: &ExampleId| Stop::Broken { message: format!("row {id} is not visible to the search") };
        let mut jobs = Vec::new();
        for trial in batch {
            for id in &trial.rows {
                let example = self.rows.get(id).copied().ok_or_else(|| unknown(id))?;
                jobs.push(Job { asked: Asked::plainly(&trial.candidate, example), replicate: 0 });
            }
        }
        let calls = self.calls_of(&jobs);
        self.reserve(calls)?;
        self.spent.task += calls;
        let answers = self.answers(&jobs, Asking::Metric)?;
        let outcomes: Vec<Outcome> = answers.into_iter().map(|answered| answered.outcome).collect();
        self.tell_too_long(jobs.iter().map(|job| &job.asked.example.id), &outcomes);
        let mut outcomes = outcomes.into_iter();
        Ok(batch.iter().map(|trial| outcomes.by_ref().take(trial.rows.len()).collect()).collect())
    }

    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.reserve(asks.len() as u64)?;
        self.spent.proposer += asks.len() as u64;
        let (answers, usage) = self.backend.ask(asks)?;
        self.spent.usage += usage;
        Ok(answers)
    }

    fn abilities(&self) -> Abilities {
        self.backend.model.abilities()
    }

    fn has_proposer(&self) -> bool {
        self.backend.proposer.is_some()
    }

    fn remaining_calls(&self) -> u64 {
        self.left
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::Stage { name } => self.backend.watch.stage(name),
            Event::Remark { text } => self.backend.watch.remark(text),
            Event::Rung { rows, candidates, kept, best } => {
                self.backend.watch.best(&format!("best {:.1} %", 100.0 * best));
                self.backend.watch.remark(&format!(
                    "{candidates} candidates on {rows} rows each: best {:.1} %, {kept} go on",
                    100.0 * best
                ));
            }
            Event::Born(_) => {}
        }
        if let Ok(json) = serde_json::to_value(&event) {
            self.store.note(&self.run, &json);
        }
        self.events.push(event);
    }
}

/// The rows whose prompt did not fit the model's context, and what was said about it.
fn too_long<'o>(
    rows: impl Iterator<Item = (&'o ExampleId, &'o Outcome)>,
) -> impl Iterator<Item = (&'o ExampleId, &'o str)> {
    rows.filter_map(|(id, outcome)| match outcome {
        Outcome::Failed { failure: Failure::TooLong, message } => Some((id, message.as_str())),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
