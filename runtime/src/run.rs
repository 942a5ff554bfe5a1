//! Runs: one record through a program.
//!
//! A [`Runner`] is a program with a candidate applied, prepared once for a model: formats chosen, shapes and calibration
//! inputs computed. Modules run in order. If a free reply cannot be read, the model gets one more turn with the problem; the
//! second reply counts as a call and is visible in the step. In a vote, a member without a usable reply has no vote; if no
//! member has one, the run fails with the error of the first.
//!
//! **Invariant:** [`Runner::request`] returns the first request that [`Runner::run`] sends, byte for byte.

mod prepared;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    candidate::Candidate,
    model::{CallError, Finish, Message, Model, Reply, Request, Role, Sampling, Usage},
    program::{BadCandidate, Module, Program, Source},
    prompt::RenderError,
    reply::{Reading, Repair, ReplyError},
    signature::{Misfit, check_record},
    value::{Record, Value},
};

pub use prepared::CONTENT_FREE;
pub(crate) use prepared::Prepared;

/// The part of an unreadable reply that the model is shown again, in characters.
const SHOWN_AGAIN: usize = 4_000;

/// A program with a candidate applied, ready for a model.
#[derive(Clone)]
pub struct Runner {
    program: Program,
    modules: Vec<Prepared>,
    model: Arc<dyn Model>,
    sampling: Sampling,
}

/// The result of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The outputs of the program.
    pub outputs: Record,
    /// The step of each module, in running order. In a vote, a module without a usable reply is missing, and so are the
    /// modules that it feeds.
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
    /// Its inputs.
    pub inputs: Record,
    /// Its outputs, with those that its kind adds.
    pub outputs: Record,
    /// The repairs that reading the reply needed.
    pub repairs: Vec<Repair>,
    /// The number of calls: 2 if the first reply could not be read.
    pub calls: u32,
}

/// The cost of a run so far.
#[derive(Default)]
struct Spent {
    usage: Usage,
    calls: u32,
}

/// The reason why a record gave no outputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The record does not fit the inputs of the program.
    #[error("the inputs do not fit: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inputs(Vec<Misfit>),
    /// The call failed.
    #[error("module `{module}`: {error}")]
    Call {
        /// The module.
        module: String,
        /// The error of the call.
        error: CallError,
    },
    /// The reply could not be read, also not on the second try.
    #[error("module `{module}`: {error}{}", cut_hint(*.finish))]
    Reply {
        /// The module.
        module: String,
        /// The problem of the last reply.
        error: ReplyError,
        /// The last reply.
        text: String,
        /// The reason why the last reply ended.
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
    /// Applies a candidate to a program and prepares it for a model.
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

    /// The program with the candidate applied.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The model that answers.
    pub fn model(&self) -> &Arc<dyn Model> {
        &self.model
    }

    /// Runs one record. `replicate` tells independent draws of the same record apart.
    ///
    /// # Errors
    /// [`RunError`]. The results of earlier modules are then lost.
    pub async fn run(&self, inputs: &Record, replicate: u32) -> Result<Run, RunError> {
        check_record(self.program.inputs(), inputs).map_err(RunError::Inputs)?;
        let mut steps = Vec::<Step>::with_capacity(self.modules.len());
        let mut spent = Spent::default();
        let mut unusable = None;
        for (module, prepared) in self.program.modules().iter().zip(&self.modules) {
            if module.wiring.values().any(|source| !is_there(source, &steps)) {
                continue;
            }
            let module_inputs = inputs_of(module, inputs, &steps);
            match self.ask(prepared, module_inputs, replicate, &mut spent).await {
                Ok(step) => steps.push(step),
                Err(error) if self.program.is_vote() && error.is_unusable() => {
                    unusable.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let mut outputs = Record::new();
        for output in self.program.outputs() {
            if let Some(error) = &unusable
                && !output.sources().any(|source| is_there(source, &steps))
            {
                return Err(error.clone());
            }
            outputs.insert(output.name.clone(), output.value(|source| value_at(source, inputs, &steps)));
        }
        Ok(Run { outputs, steps, usage: spent.usage, calls: spent.calls })
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
    /// Whether the model was called and gave nothing usable.
    fn is_unusable(&self) -> bool {
        matches!(
            self,
            Self::Reply { .. } | Self::Filtered { .. } | Self::Call { error: CallError::TooLong { .. }, .. }
        )
    }
}

/// The inputs of a module: the values at its sources, null where there is none.
fn inputs_of(module: &Module, inputs: &Record, steps: &[Step]) -> Record {
    let mut wired = Record::new();
    for field in &module.signature.inputs {
        let value = module.wiring.get(&field.name).and_then(|source| value_at(source, inputs, steps));
        wired.insert(field.name.clone(), value.cloned().unwrap_or(Value::Null));
    }
    wired
}

/// Whether a source has a value: an input always has one, an output if its module gave one.
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

/// The unreadable reply and its problem, as the next turns of the conversation. They are part of the second request's
/// cache key, so a change of these words makes stored calls useless.
fn complaint(reply: &Reply, error: &ReplyError) -> [Message; 2] {
    let shown: String = reply.text.chars().take(SHOWN_AGAIN).collect();
    let said = if shown.trim().is_empty() { "(nothing)".into() } else { shown };
    let complaint = format!("This cannot be used: {error}. Reply again, in the form asked for.");
    [Message::new(Role::Assistant, said), Message::new(Role::User, complaint)]
}

/// The advice for a reply that was cut.
fn cut_hint(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => " (the reply was cut at max_tokens; raise it)",
        Finish::Stop | Finish::Filtered => "",
    }
}

#[cfg(test)]
mod tests;
