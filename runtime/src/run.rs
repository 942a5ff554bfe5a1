//! Runs: one record through a program.
//!
//! A [`Runner`] is a program with a candidate laid over it, prepared once for a model: formats chosen, shapes and
//! calibration inputs computed. Modules are asked in running order. A reply that the model was free to write and that
//! cannot be read is answered once with what was wrong; the second reply counts as a call and is visible in the step.
//! In a vote, a member that gives nothing usable has no say; if none gives anything, the run fails as the first did.
//!
//! **Invariant:** what [`Runner::request`] gives is what [`Runner::run`] sends first, byte for byte.

mod prepared;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    candidate::Candidate,
    model::{CallError, Finish, Message, Model, Reply, Request, Role, Sampling, Usage},
    program::{BadCandidate, Output, Program, Source},
    prompt::RenderError,
    reply::{Reading, Repair, ReplyError},
    signature::{Misfit, check_record},
    value::{Record, Value},
};

pub use prepared::CONTENT_FREE;
pub(crate) use prepared::Prepared;

/// How much of an unreadable reply is shown to the model again, in characters.
const SHOWN_AGAIN: usize = 4_000;

/// A program with a candidate laid over it, ready for a model.
#[derive(Clone)]
pub struct Runner {
    program: Program,
    modules: Vec<Prepared>,
    model: Arc<dyn Model>,
    sampling: Sampling,
}

/// What came of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The outputs of the program.
    pub outputs: Record,
    /// What each module did, in running order. Modules of a vote that gave nothing usable are missing, with those after them.
    pub steps: Vec<Step>,
    /// Tokens of all calls.
    pub usage: Usage,
    /// Model calls made.
    pub calls: u32,
}

/// One module's part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The module.
    pub module: String,
    /// What it got.
    pub inputs: Record,
    /// What it gave, with the outputs that its kind adds.
    pub outputs: Record,
    /// What had to be bent to read the reply.
    pub repairs: Vec<Repair>,
    /// Calls it took: 2 if the first reply could not be read.
    pub calls: u32,
}

/// What a run took so far.
#[derive(Default)]
struct Spent {
    usage: Usage,
    calls: u32,
}

/// Why a record gave no outputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The record is not what the program takes.
    #[error("the inputs do not fit: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inputs(Vec<Misfit>),
    /// The model could not be asked.
    #[error("module `{module}`: {error}")]
    Call {
        /// The module.
        module: String,
        /// What went wrong.
        error: CallError,
    },
    /// The reply could not be read, also not when the model was asked again.
    #[error("module `{module}`: {error}{}", cut_hint(*.finish))]
    Reply {
        /// The module.
        module: String,
        /// What was wrong with the last reply.
        error: ReplyError,
        /// The last reply.
        text: String,
        /// Why the last reply ended.
        finish: Finish,
    },
    /// The provider withheld the reply.
    #[error("module `{module}`: the provider withheld the reply")]
    Filtered {
        /// The module.
        module: String,
    },
    /// There is no module of that name.
    #[error("the program has no module `{module}`")]
    UnknownModule {
        /// The name.
        module: String,
    },
    /// A prompt format is broken.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Runner {
    /// Lays a candidate over a program and prepares it for a model.
    ///
    /// # Errors
    /// A parameter that is undeclared or does not fit, or a format that cannot carry the module's outputs.
    pub fn new(
        program: &Program,
        candidate: &Candidate,
        model: Arc<dyn Model>,
        sampling: Sampling,
    ) -> Result<Self, BadCandidate> {
        let program = program.apply(candidate)?;
        let abilities = model.abilities();
        let modules = program.modules().iter().map(|module| Prepared::new(module, abilities));
        let modules = modules.collect::<Result<_, _>>()?;
        Ok(Self { program, modules, model, sampling })
    }

    /// The program with the candidate laid over it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The model that is asked.
    pub fn model(&self) -> &Arc<dyn Model> {
        &self.model
    }

    /// Runs one record. `replicate` tells independent draws of the same record apart.
    ///
    /// # Errors
    /// [`RunError`]; nothing is returned for the modules before.
    pub async fn run(&self, inputs: &Record, replicate: u32) -> Result<Run, RunError> {
        check_record(self.program.inputs(), inputs).map_err(RunError::Inputs)?;
        let mut steps = Vec::<Step>::with_capacity(self.modules.len());
        let mut spent = Spent::default();
        let mut silent = None;
        for (module, prepared) in self.program.modules().iter().zip(&self.modules) {
            if module.wiring.values().any(|source| !is_there(source, &steps)) {
                continue;
            }
            let wired = module.signature.inputs.iter().map(|field| {
                let source = module.wiring.get(&field.name);
                let value = source.and_then(|source| value_at(source, inputs, &steps));
                (field.name.clone(), value.cloned().unwrap_or(Value::Null))
            });
            match self.ask(prepared, wired.collect(), replicate, &mut spent).await {
                Ok(step) => steps.push(step),
                Err(error) if self.program.is_vote() && error.is_silence() => {
                    silent.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let said = |output: &Output| output.sources().any(|source| is_there(source, &steps));
        if let Some(error) = silent.filter(|_| !self.program.outputs().iter().all(said)) {
            return Err(error);
        }
        let outputs = self.program.outputs().iter();
        let outputs = outputs.map(|output| {
            let value = output.value(|source| value_at(source, inputs, &steps));
            (output.name.clone(), value)
        });
        Ok(Run { outputs: outputs.collect(), steps, usage: spent.usage, calls: spent.calls })
    }

    /// The first request that a module sends for these inputs of the module.
    ///
    /// # Errors
    /// [`RunError::UnknownModule`], [`RunError::Render`].
    pub fn request(&self, module: &str, inputs: &Record, replicate: u32) -> Result<Request, RunError> {
        let unknown = || RunError::UnknownModule { module: module.to_owned() };
        let prepared = self.modules.iter().find(|prepared| prepared.name == module).ok_or_else(unknown)?;
        self.first_request(prepared, inputs, replicate)
    }

    /// The messages of [`Runner::request`].
    ///
    /// # Errors
    /// [`RunError::UnknownModule`], [`RunError::Render`].
    pub fn messages(&self, module: &str, inputs: &Record) -> Result<Vec<Message>, RunError> {
        Ok(self.request(module, inputs, 0)?.messages)
    }

    fn first_request(&self, module: &Prepared, inputs: &Record, replicate: u32) -> Result<Request, RunError> {
        Ok(Request {
            messages: module.messages(inputs)?,
            sampling: self.sampling.clone(),
            shape: module.shape.clone(),
            replicate,
        })
    }

    async fn ask(
        &self,
        module: &Prepared,
        inputs: Record,
        replicate: u32,
        spent: &mut Spent,
    ) -> Result<Step, RunError> {
        let mut request = self.first_request(module, &inputs, replicate)?;
        let mut calls = 0;
        loop {
            let reply = self.call(module, &request, spent).await?;
            calls += 1;
            match module.format.read(&reply.text, &module.reading) {
                Ok(Reading { outputs, repairs }) => {
                    return Ok(Step { module: module.name.clone(), inputs, outputs, repairs, calls });
                }
                Err(error) if module.free && calls == 1 => {
                    request.messages.extend(complaint(&reply, &error));
                }
                Err(error) => {
                    let Reply { text, finish, .. } = reply;
                    return Err(RunError::Reply { module: module.name.clone(), error, text, finish });
                }
            }
        }
    }

    async fn call(&self, module: &Prepared, request: &Request, spent: &mut Spent) -> Result<Reply, RunError> {
        let name = || module.name.clone();
        let reply = self.model.complete(request).await;
        let reply = reply.map_err(|error| RunError::Call { module: name(), error })?;
        spent.usage += reply.usage;
        spent.calls += 1;
        if reply.finish == Finish::Filtered {
            return Err(RunError::Filtered { module: name() });
        }
        Ok(reply)
    }
}

impl RunError {
    /// Whether the model was asked and there is nothing to be had from it.
    fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Reply { .. } | Self::Filtered { .. } | Self::Call { error: CallError::TooLong { .. }, .. }
        )
    }
}

/// Whether the module of a source was asked and gave something.
fn is_there(source: &Source, steps: &[Step]) -> bool {
    match source {
        Source::Input(_) => true,
        Source::Output { module, .. } => steps.iter().any(|step| step.module == *module),
    }
}

fn value_at<'r>(source: &Source, inputs: &'r Record, steps: &'r [Step]) -> Option<&'r Value> {
    match source {
        Source::Input(name) => inputs.get(name),
        Source::Output { module, field } => {
            steps.iter().find(|step| step.module == *module).and_then(|step| step.outputs.get(field))
        }
    }
}

/// The unreadable reply and what was wrong with it, as the next turns of the conversation.
fn complaint(reply: &Reply, error: &ReplyError) -> [Message; 2] {
    let shown: String = reply.text.chars().take(SHOWN_AGAIN).collect();
    let said = if shown.trim().is_empty() { "(nothing)".into() } else { shown };
    let complaint = format!("This cannot be used: {error}. Reply again, in the form asked for.");
    [Message::new(Role::Assistant, said), Message::new(Role::User, complaint)]
}

/// What to do about a reply that was cut.
fn cut_hint(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => " (the reply was cut at max_tokens; raise it)",
        Finish::Stop | Finish::Filtered => "",
    }
}

#[cfg(test)]
mod tests;
