//! The rewrite service: typed questions to the writer and the verifier.
//!
//! A question is a program of one module with its inputs. Its prompt is made of this module's own words and the fields of the
//! task, never of a prompt under test.

use std::{
    cell::Cell,
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Candidate, Digest, Field, Program, Record, Run, Signature, Type,
    candidate::Demonstration,
    digest,
    model::{Model, Sampling},
    run::{RunError, Runner},
    store::Cached,
};

use crate::watch::{Calls, Watcher};

/// A model and the limit of its replies.
pub(crate) struct RewriteModel {
    /// The model, behind the call store.
    pub(crate) model: Arc<Cached<Arc<dyn Model>>>,
    /// Most tokens of a reply, thoughts included.
    pub(crate) max_tokens: u32,
}

/// Runs many calls at once. The engine's pool does it in production.
pub(crate) trait RunBatch {
    /// Runs every input with its runner and returns the results in the order of the batch. Calls `done` after each run.
    ///
    /// # Errors
    /// If the batch was stopped.
    fn run_batch(
        &self,
        batch: Vec<(Arc<Runner>, Record)>,
        done: &dyn Fn(),
    ) -> Result<Vec<Result<Run, RunError>>, Stop>;
}

/// The models that write and vote, and what runs their calls.
pub(crate) struct RewriteService<'s> {
    pub(crate) writer: RewriteModel,
    pub(crate) verifier: RewriteModel,
    pub(crate) calls: &'s dyn RunBatch,
    pub(crate) watch: Watcher,
    /// The number of questions so far.
    pub(crate) asked: Cell<u64>,
}

/// A question to a model.
pub(super) struct RewriteQuestion {
    program: Program,
    inputs: Record,
}

impl RewriteQuestion {
    /// Makes a question from a signature, with demonstrations.
    ///
    /// # Errors
    /// If the parts do not fit each other, which would be a bug.
    pub(super) fn new(
        signature: Signature,
        demonstrations: Vec<Demonstration>,
        inputs: Record,
    ) -> Result<Self, Stop> {
        let program = Program::single("ask", "predict", signature, demonstrations).map_err(|problems| {
            let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Stop::Broken { message: messages.join("; ") }
        })?;
        Ok(Self { program, inputs })
    }
}

/// A signature of these instructions and fields.
pub(super) fn signature(
    instructions: impl Into<String>,
    inputs: Vec<Field>,
    outputs: Vec<Field>,
) -> Signature {
    Signature { instructions: instructions.into(), inputs, outputs }
}

/// A field with a description.
pub(super) fn field(name: &str, ty: Type, about: &str) -> Field {
    Field { about: about.to_owned(), ..Field::new(name, ty) }
}

impl RewriteModel {
    fn runner(&self, program: &Program) -> Result<Runner, Stop> {
        let model: Arc<dyn Model> = Arc::clone(&self.model) as Arc<dyn Model>;
        let sampling = Sampling { max_tokens: self.max_tokens, ..Sampling::default() };
        Runner::new(program, &Candidate::baseline(), model, sampling)
            .map_err(|error| Stop::Broken { message: error.to_string() })
    }

    /// Whether a reply ended before the limit.
    fn is_complete(&self, run: &Run) -> bool {
        run.usage.output < u64::from(self.max_tokens)
    }
}

impl RewriteService<'_> {
    /// The answers in the order of the questions; none where the reply could not be used or was cut off.
    pub(super) fn ask(
        &self,
        model: &RewriteModel,
        questions: Vec<RewriteQuestion>,
    ) -> Result<Vec<Option<Record>>, Stop> {
        self.watch.batch(questions.len() as u64, None);
        self.asked.set(self.asked.get() + questions.len() as u64);
        let mut runners: BTreeMap<Digest, Arc<Runner>> = BTreeMap::new();
        let mut batch = Vec::with_capacity(questions.len());
        for RewriteQuestion { program, inputs } in questions {
            let runner = match runners.entry(digest(&program)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Arc::new(model.runner(&program)?)),
            };
            batch.push((Arc::clone(runner), inputs));
        }
        let runs = self.calls.run_batch(batch, &|| self.watch.done(self.calls()))?;
        let answer =
            |run: Result<Run, RunError>| run.ok().filter(|run| model.is_complete(run)).map(|run| run.outputs);
        Ok(runs.into_iter().map(answer).collect())
    }

    /// The number of calls to a model and of calls answered from the store.
    pub(crate) fn calls(&self) -> Calls {
        let writer = &self.writer.model;
        let verifier = &self.verifier.model;
        let mut calls = Calls { made: writer.made(), replayed: writer.replayed() };
        // One model may be both.
        if !Arc::ptr_eq(writer, verifier) {
            calls.made += verifier.made();
            calls.replayed += verifier.replayed();
        }
        calls
    }
}
