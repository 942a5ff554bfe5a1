//! The backend: models, metric and threads, and how they answer a batch.
//!
//! **Invariant:** results stand in the order of the questions, whatever order the calls finish in. A backend exists only
//! after its metric and guards judged a row with the row's own labels as the answer ([`Backend::open`]).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Deref,
    sync::Arc,
};

use proofmark_optimizers::{Ask, Culprit, Failure, Outcome, Score, Stop, outcome::Step};
use proofmark_runtime::{
    CandidateId, Example, Program,
    model::{CallError, Finish, Message, Model, Reply, Request, Role, Sampling, Shape, Usage},
    run::{Run, RunError, Runner},
    store::Cached,
};
use tokio::runtime::Handle;

use super::{
    Answered, Asked,
    pool::{Pool, failed, is_answer},
};
use crate::{
    cancel::Cancel,
    metric::{self, Metric, MetricError},
    watch::{Calls, Watcher},
};

/// Longest reply, in tokens, of the task's model where it has to write instructions itself: no thinker, as a rule.
const OWN_PROPOSAL_TOKENS: u32 = 512;

/// A model behind the call store.
pub type StoredModel = Arc<Cached<Arc<dyn Model>>>;

/// The model that writes instructions.
#[derive(Clone)]
pub struct Proposer {
    /// The model.
    pub model: StoredModel,
    /// Most tokens of a reply.
    pub max_tokens: u32,
}

/// Models, metric and threads, ready to answer batches.
#[derive(Clone)]
pub struct Backend {
    workers: Workers,
}

impl Deref for Backend {
    type Target = Workers;

    fn deref(&self) -> &Workers {
        &self.workers
    }
}

/// What a backend works with.
#[derive(Clone)]
pub struct Workers {
    /// Answers the task's requests.
    pub model: StoredModel,
    /// How it decodes.
    pub sampling: Sampling,
    /// Writes instructions, if one was named.
    pub proposer: Option<Proposer>,
    /// Judges answers.
    pub metric: Arc<Metric>,
    /// Judge answers to sealed rows as well.
    pub guards: Vec<Arc<Metric>>,
    /// Where calls are awaited.
    pub runtime: Handle,
    /// Told of progress.
    pub watch: Watcher,
    /// Says when to stop.
    pub cancel: Cancel,
    /// Calls in flight at most.
    pub parallel: usize,
}

/// What decides the prompt beside the row.
type PromptOf<'j> = (CandidateId, Option<&'j [String]>);

impl<'j> Asked<'j> {
    fn prompt(&self) -> PromptOf<'j> {
        (self.candidate.id(), self.listing)
    }
}

/// Who judges answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asking {
    /// The task's metric.
    Metric,
    /// The guards as well.
    MetricAndGuards,
}

/// One record for one candidate.
pub(super) struct Job<'j> {
    pub(super) asked: Asked<'j>,
    /// Which of several answers to the same request.
    pub(super) replicate: u32,
}

impl Backend {
    /// Calls that reached a model and calls answered from the store.
    pub fn calls(&self) -> Calls {
        let sum = |count: fn(&Cached<Arc<dyn Model>>) -> u64| {
            count(&self.model) + self.proposer.as_ref().map_or(0, |proposer| count(&proposer.model))
        };
        Calls { made: sum(Cached::made), replayed: sum(Cached::replayed) }
    }

    /// Opens a backend. Metric and guards judge one of these rows with its own labels as the answer, so that one that cannot
    /// judge ends the run before a call is made.
    ///
    /// # Errors
    /// If the metric or a guard fails.
    pub fn open(workers: Workers, program: &Program, rows: &[&Example]) -> Result<Self, Stop> {
        let backend = Self { workers };
        try_judges(backend.judges(), program, rows)?;
        Ok(backend)
    }

    /// The same without guards, for a run that asks none.
    #[must_use]
    pub fn without_guards(self) -> Self {
        Self { workers: Workers { guards: vec![], ..self.workers } }
    }

    /// Ends the programs of the user's that judge. Until this went well, no score is to be relied on.
    ///
    /// # Errors
    /// If one of them gave more lines than it was asked for.
    pub fn finish(&self) -> Result<(), Stop> {
        self.judges().try_for_each(|judge| judge.finish()).map_err(unjudged)
    }

    fn judges(&self) -> impl Iterator<Item = &Arc<Metric>> {
        std::iter::once(&self.metric).chain(&self.guards)
    }

    /// Runs jobs and judges their answers, in order.
    pub(super) fn answers(
        &self,
        program: &Program,
        jobs: &[Job<'_>],
        asking: Asking,
    ) -> Result<Vec<Answered>, Stop> {
        let guards = match asking {
            Asking::Metric => &[],
            Asking::MetricAndGuards => self.guards.as_slice(),
        };
        let runners = self.runners(program, jobs)?;
        let work = jobs.iter().map(|job| {
            (Arc::clone(&runners[&job.asked.prompt()]), job.asked.example.inputs.clone(), job.replicate)
        });
        let runs = self.pool().runs(work.collect(), || self.watch.done(self.calls()))?;
        let judged = jobs.iter().zip(runs).map(|(job, run)| {
            let usage = run.as_ref().map(|run| run.usage).unwrap_or_default();
            let guards = run.as_ref().map_or(Ok(vec![]), |run| guarded(guards, job.asked.example, run))?;
            Ok(Answered { outcome: self.judge(job.asked.example, run)?, usage, guards })
        });
        judged.collect()
    }

    fn runners<'j>(
        &self,
        program: &Program,
        jobs: &[Job<'j>],
    ) -> Result<BTreeMap<PromptOf<'j>, Arc<Runner>>, Stop> {
        let mut runners = BTreeMap::new();
        for Job { asked, .. } in jobs {
            if let Entry::Vacant(entry) = runners.entry(asked.prompt()) {
                let model: Arc<dyn Model> = Arc::clone(&self.model) as Arc<dyn Model>;
                let listed = asked.listing.map(|choices| program.listing(choices));
                let program = listed.as_ref().unwrap_or(program);
                let runner = Runner::new(program, asked.candidate, model, self.sampling.clone());
                let runner = runner.map_err(|error| Stop::Broken { message: error.to_string() })?;
                entry.insert(Arc::new(runner));
            }
        }
        Ok(runners)
    }

    fn pool(&self) -> Pool<'_> {
        Pool { runtime: &self.runtime, cancel: &self.cancel, parallel: self.parallel }
    }

    fn judge(&self, example: &Example, run: Result<Run, RunError>) -> Result<Outcome, Stop> {
        let failed = |failure, error: &RunError| Outcome::Failed { failure, message: error.to_string() };
        match run {
            Ok(run) => {
                let judged = self.metric.score(example, &run.outputs, &run.steps);
                let mut judged = judged.map_err(unjudged)?;
                let steps = run.steps.into_iter();
                let trace = steps.map(|step| Step {
                    remark: judged.remarks.remove(&step.module),
                    module: step.module,
                    inputs: step.inputs,
                    outputs: step.outputs,
                });
                let trace = trace.collect();
                Ok(Outcome::Scored { score: judged.score, feedback: judged.feedback, trace })
            }
            Err(error @ RunError::Reply { .. }) => Ok(failed(Failure::Unreadable, &error)),
            Err(error @ RunError::Filtered { .. }) => Ok(failed(Failure::Filtered, &error)),
            Err(error @ RunError::Call { error: CallError::TooLong { .. }, .. }) => {
                Ok(failed(Failure::TooLong, &error))
            }
            Err(error) => Err(Stop::Broken { message: format!("row {}: {error}", example.id) }),
        }
    }

    /// Asks the proposer, or the model itself where none was named; `None` where the question was too long, or the reply
    /// was withheld or cut off: half a text is worse than none.
    pub(super) fn ask(&self, asks: &[Ask]) -> Result<(Vec<Option<String>>, Usage), Stop> {
        let own = || Proposer { model: Arc::clone(&self.model), max_tokens: OWN_PROPOSAL_TOKENS };
        let Proposer { model, max_tokens } = self.proposer.clone().unwrap_or_else(own);
        let work = asks.iter().map(|ask| {
            let (model, request) = (Arc::clone(&model), request(ask, max_tokens));
            async move { model.complete(&request).await }
        });
        let check = |reply: &Result<Reply, CallError>| match reply {
            Err(error) if !is_answer(error) => Err(failed(error, format!("the proposer: {error}"))),
            _ => Ok(()),
        };
        let replies = self.pool().all(work, check, || self.watch.done(self.calls()))?;
        let mut usage = Usage::default();
        for reply in replies.iter().flatten() {
            usage += reply.usage;
        }
        let whole = |reply: Reply| (reply.finish == Finish::Stop).then_some(reply.text);
        Ok((replies.into_iter().map(|reply| reply.ok().and_then(whole)).collect(), usage))
    }
}

/// Has judges score one of these rows with its own labels as the answer, before any call is made.
///
/// # Errors
/// If a judge fails.
pub(crate) fn try_judges<'m>(
    mut judges: impl Iterator<Item = &'m Arc<Metric>>,
    program: &Program,
    rows: &[&Example],
) -> Result<(), Stop> {
    let Some((row, step)) = metric::answered(program, rows) else { return Ok(()) };
    judges
        .try_for_each(|judge| judge.try_out(row, &step))
        .map_err(|error| unjudged(format!("tried before the run, with the labels as the answer: {error}")))
}

/// What guards say of an answer.
fn guarded(guards: &[Arc<Metric>], example: &Example, run: &Run) -> Result<Vec<Score>, Stop> {
    let says = |guard: &Arc<Metric>| Ok(guard.score(example, &run.outputs, &run.steps)?.score);
    guards.iter().map(says).collect::<Result<_, MetricError>>().map_err(unjudged)
}

pub(crate) fn unjudged(error: impl std::fmt::Display) -> Stop {
    Stop::Failed { culprit: Culprit::Metric, message: error.to_string() }
}

fn request(ask: &Ask, max_tokens: u32) -> Request {
    Request {
        messages: vec![
            Message::new(Role::System, ask.system.as_str()),
            Message::new(Role::User, ask.user.as_str()),
        ],
        sampling: Sampling {
            temperature: ask.temperature,
            max_tokens,
            seed: u64::from(ask.replicate),
            ..Sampling::default()
        },
        shape: Shape::Free,
        replicate: ask.replicate,
    }
}
