//! The desk: typed questions to the writer and the verifier.
//!
//! A question is a program of one module and its inputs; its prompt is made from our own words and the fields of the task,
//! never from a prompt that is judged.

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
    run::Runner,
};

use crate::{
    engine::{StoredModel, pool::Pool},
    watch::{Calls, Watcher},
};

/// A model and how long its replies may be.
pub(crate) struct Clerk {
    pub(crate) model: StoredModel,
    /// Most tokens of a reply, thoughts included.
    pub(crate) max_tokens: u32,
}

/// Who writes, who votes, and where they are awaited.
pub(crate) struct Desk<'d> {
    pub(crate) writer: Clerk,
    pub(crate) verifier: Clerk,
    pub(crate) pool: Pool<'d>,
    pub(crate) watch: Watcher,
    /// Questions that were put so far.
    pub(crate) asked: Cell<u64>,
}

/// What is asked.
pub(super) struct Question {
    program: Program,
    inputs: Record,
}

impl Question {
    /// A question by a signature, with worked examples.
    ///
    /// # Errors
    /// If the parts do not fit each other, which would be a mistake of ours.
    pub(super) fn new(signature: Signature, shown: Vec<Demonstration>, inputs: Record) -> Result<Self, Stop> {
        let program = Program::single("ask", "predict", signature, shown).map_err(|problems| {
            let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Stop::Broken { message: told.join("; ") }
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

impl Clerk {
    fn runner(&self, program: &Program) -> Result<Runner, Stop> {
        let model: Arc<dyn Model> = Arc::clone(&self.model) as Arc<dyn Model>;
        let sampling = Sampling { max_tokens: self.max_tokens, ..Sampling::default() };
        Runner::new(program, &Candidate::baseline(), model, sampling)
            .map_err(|error| Stop::Broken { message: error.to_string() })
    }
}

impl Desk<'_> {
    /// Answers in the order of the questions; none where there was no usable reply, or it was cut off.
    pub(super) fn ask(&self, clerk: &Clerk, questions: Vec<Question>) -> Result<Vec<Option<Record>>, Stop> {
        self.watch.batch(questions.len() as u64, None);
        self.asked.set(self.asked.get() + questions.len() as u64);
        let mut runners: BTreeMap<Digest, Arc<Runner>> = BTreeMap::new();
        let mut work = Vec::with_capacity(questions.len());
        for Question { program, inputs } in questions {
            let runner = match runners.entry(digest(&program)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Arc::new(clerk.runner(&program)?)),
            };
            work.push((Arc::clone(runner), inputs, 0));
        }
        let runs = self.pool.runs(work, || self.watch.done(self.calls()))?;
        let whole = |run: &Run| run.usage.output < u64::from(clerk.max_tokens);
        Ok(runs.into_iter().map(|run| run.ok().filter(whole).map(|run| run.outputs)).collect())
    }

    /// Calls that reached a model and calls answered from the store.
    pub(crate) fn calls(&self) -> Calls {
        let (writer, verifier) = (&self.writer.model, &self.verifier.model);
        // One model may be both.
        let other = (!Arc::ptr_eq(writer, verifier)).then_some(verifier);
        let models = || [Some(writer), other].into_iter().flatten();
        Calls {
            made: models().map(|model| model.made()).sum(),
            replayed: models().map(|model| model.replayed()).sum(),
        }
    }
}
