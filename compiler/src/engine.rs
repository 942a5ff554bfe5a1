//! The engine: serves the effects of a search and the measurements of the gate from models and the call store.
//!
//! **Invariant:** results come back in request order whatever order the calls finish in; the budget of a batch is
//! reserved before its first call; a provider or metric that fails for good stops the run instead of being scored.
//!
//! Resume is replay: the engine keeps no state that a rerun could not rebuild, since every call it makes goes through
//! the call store.

use std::{collections::BTreeMap, sync::Arc};

use proofmark_optimizers::{Ask, Effects, Event, Failure, Outcome, Stop, Trial, outcome::Step};
use proofmark_runtime::{
    Candidate, CandidateId, Digest, Example, ExampleId, Program, Record, digest,
    model::{Abilities, CallError, Message, Model, Request, Role, Sampling, Shape, Usage},
    run::{Run, RunError, Runner},
    store::{Cached, Store},
};
use tokio::{runtime::Handle, task::JoinSet};

use crate::{
    cancel::Cancel,
    metric::Metric,
    watch::{Calls, Watcher},
};

/// Longest reply of a proposer, in tokens.
const PROPOSAL_TOKENS: u32 = 1_200;

/// A model behind the call store.
pub type StoredModel = Arc<Cached<Arc<dyn Model>>>;

/// Who does the work: models, metric, threads, and who watches.
#[derive(Clone)]
pub struct Crew {
    /// Answers the task's requests.
    pub model: StoredModel,
    /// How it decodes.
    pub sampling: Sampling,
    /// Writes instructions, if one was named.
    pub proposer: Option<StoredModel>,
    /// Judges answers.
    pub metric: Arc<Metric>,
    /// Where calls are awaited.
    pub runtime: Handle,
    /// Told of progress.
    pub watch: Watcher,
    /// Says when to stop.
    pub cancel: Cancel,
    /// Calls in flight at most.
    pub parallel: usize,
}

/// Serves a search.
pub struct Engine<'a> {
    crew: Crew,
    program: &'a Program,
    rows: BTreeMap<&'a ExampleId, &'a Example>,
    store: Store,
    run: String,
    left: u64,
    spent: Spent,
    events: Vec<Event>,
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

/// Serves a search and, after it, the gate.
pub trait Bench: Effects {
    /// Measures candidates on rows that are handed in: for the gate, whose rows no search holds. One outcome per cell, in
    /// order. Not charged to the budget of the search.
    ///
    /// # Errors
    /// [`Stop`].
    fn measure(&mut self, cells: &[(&Candidate, &Example)]) -> Result<Vec<Outcome>, Stop>;

    /// What was spent so far.
    fn spent(&self) -> Spent;
}

/// One record for one candidate.
struct Job<'j> {
    candidate: &'j Candidate,
    example: &'j Example,
}

impl<'a> Engine<'a> {
    /// An engine over a program and the rows that a search may see, with a budget of logical calls.
    pub fn new(
        crew: Crew,
        program: &'a Program,
        rows: impl IntoIterator<Item = &'a Example>,
        (store, run, budget): (Store, String, u64),
    ) -> Self {
        let rows = rows.into_iter().map(|example| (&example.id, example)).collect();
        Self { crew, program, rows, store, run, left: budget, spent: Spent::default(), events: vec![] }
    }

    /// What the search told, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Calls that reached the model and calls answered from the store, proposer included.
    pub fn calls(&self) -> Calls {
        self.crew.calls()
    }

    /// The hash of what decides answers beside candidates and rows: program, model, sampling, metric.
    pub fn context(&self) -> Digest {
        let Crew { model, sampling, metric, .. } = &self.crew;
        digest(&("context", self.program, model.identity(), sampling, format!("{metric:?}")))
    }

    fn outcomes(&mut self, jobs: &[Job<'_>]) -> Result<Vec<Outcome>, Stop> {
        let (outcomes, usage) = self.crew.outcomes(self.program, jobs)?;
        self.spent.usage += usage;
        Ok(outcomes)
    }

    fn reserve(&mut self, calls: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(calls).ok_or(Stop::Budget)?;
        self.crew.watch.batch(calls, Some(self.left));
        Ok(())
    }
}

impl Bench for Engine<'_> {
    fn measure(&mut self, cells: &[(&Candidate, &Example)]) -> Result<Vec<Outcome>, Stop> {
        let jobs: Vec<_> = cells.iter().map(|(candidate, example)| Job { candidate, example }).collect();
        let calls = (jobs.len() * self.program.calls_per_record()) as u64;
        self.crew.watch.batch(calls, None);
        self.spent.gate += calls;
        self.outcomes(&jobs)
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
                jobs.push(Job { candidate: &trial.candidate, example });
            }
        }
        let calls = (jobs.len() * self.program.calls_per_record()) as u64;
        self.reserve(calls)?;
        self.spent.task += calls;
        let mut outcomes = self.outcomes(&jobs)?.into_iter();
        Ok(batch.iter().map(|trial| outcomes.by_ref().take(trial.rows.len()).collect()).collect())
    }

    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.reserve(asks.len() as u64)?;
        self.spent.proposer += asks.len() as u64;
        let (answers, usage) = self.crew.ask(asks)?;
        self.spent.usage += usage;
        Ok(answers)
    }

    fn abilities(&self) -> Abilities {
        self.crew.model.abilities()
    }

    fn has_proposer(&self) -> bool {
        self.crew.proposer.is_some()
    }

    fn remaining_calls(&self) -> u64 {
        self.left
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::Stage { name } => self.crew.watch.stage(name),
            Event::Remark { text } => self.crew.watch.remark(text),
            Event::Rung { rows, candidates, kept, best } => {
                self.crew.watch.best(&format!("best {:.1} %", 100.0 * best));
                self.crew.watch.remark(&format!(
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

impl Crew {
    /// Calls that reached a model and calls answered from the store.
    pub fn calls(&self) -> Calls {
        let sum = |count: fn(&Cached<Arc<dyn Model>>) -> u64| {
            count(&self.model) + self.proposer.as_ref().map_or(0, |proposer| count(proposer))
        };
        Calls { made: sum(Cached::made), replayed: sum(Cached::replayed) }
    }

    /// Runs jobs and judges their answers, in order.
    fn outcomes(&self, program: &Program, jobs: &[Job<'_>]) -> Result<(Vec<Outcome>, Usage), Stop> {
        let runners = self.runners(program, jobs)?;
        let work =
            jobs.iter().map(|job| (Arc::clone(&runners[&job.candidate.id()]), job.example.inputs.clone()));
        let runs = self.run_all(work.collect())?;
        let mut usage = Usage::default();
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (job, run) in jobs.iter().zip(runs) {
            usage += run.as_ref().map(|run| run.usage).unwrap_or_default();
            outcomes.push(self.judge(job.example, run)?);
        }
        Ok((outcomes, usage))
    }

    fn runners(
        &self,
        program: &Program,
        jobs: &[Job<'_>],
    ) -> Result<BTreeMap<CandidateId, Arc<Runner>>, Stop> {
        let mut runners = BTreeMap::new();
        for job in jobs {
            if let std::collections::btree_map::Entry::Vacant(entry) = runners.entry(job.candidate.id()) {
                let model: Arc<dyn Model> = Arc::clone(&self.model) as Arc<dyn Model>;
                let runner = Runner::new(program, job.candidate, model, self.sampling.clone());
                let runner = runner.map_err(|error| Stop::Broken { message: error.to_string() })?;
                entry.insert(Arc::new(runner));
            }
        }
        Ok(runners)
    }

    /// Awaits all runs, at most `parallel` at a time, and gives them in order. The first failure that is nobody's answer
    /// ends the batch; what was answered until then is in the store.
    fn run_all(&self, work: Vec<(Arc<Runner>, Record)>) -> Result<Vec<Result<Run, RunError>>, Stop> {
        let mut results: Vec<Option<Result<Run, RunError>>> = work.iter().map(|_| None).collect();
        self.runtime.block_on(async {
            let mut waiting = work.into_iter().enumerate();
            let mut running = JoinSet::new();
            loop {
                while running.len() < self.parallel
                    && let Some((index, (runner, inputs))) = waiting.next()
                {
                    running.spawn(async move { (index, runner.run(&inputs, 0).await) });
                }
                let joined = tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => return Err(Stop::Cancelled),
                    joined = running.join_next() => joined,
                };
                match joined {
                    None => return Ok(()),
                    Some(Err(panic)) => {
                        return Err(Stop::Broken { message: format!("a call broke off: {panic}") });
                    }
                    Some(Ok((_, Err(RunError::Call { module, error })))) if !is_answer(&error) => {
                        return Err(Stop::Broken { message: format!("module `{module}`: {error}") });
                    }
                    Some(Ok((index, result))) => results[index] = Some(result),
                }
                self.watch.done(self.calls());
            }
        })?;
        results.into_iter().map(|result| result.ok_or(Stop::Cancelled)).collect()
    }

    fn judge(&self, example: &Example, run: Result<Run, RunError>) -> Result<Outcome, Stop> {
        let failed = |failure, error: &RunError| Outcome::Failed { failure, message: error.to_string() };
        match run {
            Ok(run) => {
                let judged = self.metric.score(example, &run.outputs);
                let judged = judged.map_err(|error| Stop::Broken { message: error.to_string() })?;
                let steps = run.steps.into_iter();
                let trace = steps.map(|step| Step {
                    module: step.module,
                    inputs: step.inputs,
                    outputs: step.outputs,
                });
                Ok(Outcome::Scored { score: judged.score, feedback: judged.feedback, trace: trace.collect() })
            }
            Err(error @ RunError::Reply { .. }) => Ok(failed(Failure::Unreadable, &error)),
            Err(error @ RunError::Filtered { .. }) => Ok(failed(Failure::Filtered, &error)),
            Err(error @ RunError::Call { error: CallError::TooLong { .. }, .. }) => {
                Ok(failed(Failure::TooLong, &error))
            }
            Err(error) => Err(Stop::Broken { message: format!("row {}: {error}", example.id) }),
        }
    }

    fn ask(&self, asks: &[Ask]) -> Result<(Vec<Option<String>>, Usage), Stop> {
        let model = self.proposer.as_ref().unwrap_or(&self.model);
        let mut answers = Vec::with_capacity(asks.len());
        let mut usage = Usage::default();
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            for (index, ask) in asks.iter().enumerate() {
                let (model, request) = (Arc::clone(model), request(ask));
                running.spawn(async move { (index, model.complete(&request).await) });
            }
            let mut replies: Vec<_> = asks.iter().map(|_| None).collect();
            loop {
                let joined = tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => return Err(Stop::Cancelled),
                    joined = running.join_next() => joined,
                };
                match joined {
                    None => break,
                    Some(Err(panic)) => {
                        return Err(Stop::Broken { message: format!("a call broke off: {panic}") });
                    }
                    Some(Ok((_, Err(error)))) if !is_answer(&error) => {
                        return Err(Stop::Broken { message: format!("the proposer: {error}") });
                    }
                    Some(Ok((index, reply))) => replies[index] = reply.ok(),
                }
                self.watch.done(self.calls());
            }
            for reply in replies {
                usage += reply.as_ref().map(|reply| reply.usage).unwrap_or_default();
                answers.push(reply.map(|reply| reply.text));
            }
            Ok(())
        })?;
        Ok((answers, usage))
    }
}

/// Whether an error is the candidate's own doing, so that it counts as its answer.
fn is_answer(error: &CallError) -> bool {
    matches!(error, CallError::TooLong { .. })
}

fn request(ask: &Ask) -> Request {
    Request {
        messages: vec![
            Message::new(Role::System, ask.system.as_str()),
            Message::new(Role::User, ask.user.as_str()),
        ],
        sampling: Sampling {
            temperature: ask.temperature,
            max_tokens: PROPOSAL_TOKENS,
            seed: u64::from(ask.replicate),
            ..Sampling::default()
        },
        shape: Shape::Free,
        replicate: ask.replicate,
    }
}
