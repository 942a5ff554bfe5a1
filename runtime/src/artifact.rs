//! Artifacts: the file that ships. It holds the program, the candidate's parameters, the exact messages, the model on which
//! they were measured, and the stamp with its numbers.
//!
//! The file is JSON and versioned by `format`. A program in any other language needs only `prompts`: send the messages
//! with every `{{name}}` of the last message replaced by the input of that name (as a JSON string body for the format
//! `json`). A vote has the prompts of every member in turn (`route`, `route_2`, ...). Its answer is the most frequent one; of
//! equally frequent answers the first wins. A prompt whose reply cannot be read has no vote.
//!
//! **Invariant:** the judged messages are the messages that are sent. A file that was changed after it was written, or that
//! this version would render differently, is refused. Every version ever written stays readable (`tests/golden`).

mod file;
mod write;

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    candidate::{Candidate, CandidateId, Param, ParamPath, Slot},
    digest::{Digest, digest},
    model::{Abilities, Identity, Message, Model, Sampling, Shape, Usage},
    program::{BadCandidate, Program},
    prompt::{self, RenderError},
    run::{Prepared, Runner},
    stamp::{Stamp, StampError},
    value::{Record, Value},
};

/// The version that this crate writes. Format 2 records what an accepted prompt was judged against.
pub const FORMAT: u64 = 2;

/// A compiled prompt with its stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    parts: Parts,
    model: Identity,
    prompts: Vec<ModulePrompt>,
    stamp: Stamp,
    tool: String,
    /// The format of the file that was read, so that writing it again changes nothing.
    format: u64,
}

/// The parts of an artifact, except those that [`Artifact::emit`] adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The name of the task.
    pub name: String,
    /// The program as written; [`Artifact::emit`] adds the formats that it leaves open.
    pub program: Program,
    /// The candidate; empty for the baseline.
    pub candidate: Candidate,
    /// The decoding settings.
    pub sampling: Sampling,
    /// The rows that were used.
    pub data: Vec<Split>,
    /// The ancestors of the candidate, oldest first.
    pub lineage: Vec<Ancestor>,
    /// The cost of the run.
    pub cost: Cost,
    /// The random seed of the run.
    pub seed: u64,
    /// The compiler's findings about the parts of the prompt, as it wrote them.
    pub edits: Option<Json>,
    /// The results of the prompt on visible rows when it was stamped, as the compiler wrote them.
    pub recorded: Option<Json>,
    /// The state of its approval; none if it needs none.
    pub approval: Option<Approval>,
}

/// The state of an artifact that needs an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Approval {
    /// It is not approved yet.
    Pending,
    /// It is approved.
    Given {
        /// The name of the person who approved it.
        by: String,
        /// A note by that person.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
}

/// A part of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// `train`, `val` or `gate`.
    pub name: String,
    /// The number of rows.
    pub rows: u64,
    /// Hash of its rows' content.
    pub fingerprint: Digest,
}

/// One step on the way to the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    /// The candidate of that step.
    pub id: CandidateId,
    /// The candidates from which it was made.
    pub parents: Vec<CandidateId>,
    /// The way it was made, in words.
    pub how: String,
}

/// The cost of a run in logical calls. A call that was replayed from the store counts like one that was made, so that a
/// resumed run writes the same file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Calls that tried candidates on visible rows.
    pub task: u64,
    /// Calls to the proposer.
    pub proposer: u64,
    /// Calls on sealed rows.
    pub gate: u64,
    /// Tokens of all calls.
    pub usage: Usage,
}

/// The exact prompt of one module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModulePrompt {
    /// The module.
    pub module: String,
    /// The prompt format.
    pub format: String,
    /// The messages; `{{name}}` in the last one stands for the input of that name.
    pub messages: Vec<Message>,
    /// The number of demonstrations that are shown and the number of all, if the input decides which are shown. Those in the
    /// messages are then only an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<[usize; 2]>,
    /// The required form of the reply.
    #[serde(default, skip_serializing_if = "Shape::is_free")]
    pub shape: Shape,
}

/// The reason why an artifact cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file cannot be accessed.
    #[error("cannot access {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The text is not an artifact.
    #[error("this is not an artifact of Proofmark: {error}")]
    Syntax {
        /// What is wrong and where.
        error: serde_json::Error,
    },
    /// The file has no version.
    #[error("this is not an artifact of Proofmark: it has no `format`")]
    NoFormat,
    /// A newer version of Proofmark wrote the file.
    #[error(
        "this artifact has format {found}, but this version of Proofmark reads up to {FORMAT}; update proofmark"
    )]
    Newer {
        /// The version of the file.
        found: u64,
    },
    /// The content does not match its digest.
    #[error(
        "this artifact was changed after it was written, so its stamp says nothing about it; compile or gate it again"
    )]
    Altered,
    /// This version of Proofmark renders another prompt.
    #[error(
        "this version of Proofmark would send module `{module}` another prompt than the one in the artifact (written by \
         {tool}); use that version or compile again"
    )]
    Drifted {
        /// The module.
        module: String,
        /// The program that wrote the artifact.
        tool: String,
    },
    /// The stamp is about another candidate than the one in the artifact.
    #[error(
        "the stamp was given to the candidate {stamped}, but the artifact holds {held}; gate the artifact's own candidate"
    )]
    OtherCandidate {
        /// The candidate that was accepted.
        stamped: CandidateId,
        /// The candidate of the artifact.
        held: CandidateId,
    },
    /// The stamp was given against another baseline than the artifact's program.
    #[error(
        "the candidate was accepted against another baseline than the program in the artifact, so the stamp would be false; \
         gate it against the task as written"
    )]
    OtherBaseline {
        /// The baseline that was beaten.
        beaten: Digest,
        /// The program of the artifact.
        held: Digest,
    },
    /// The stamp cannot be read, or it differs from its certificate.
    #[error("the stamp of this artifact is refused: {error}")]
    BadStamp {
        /// The problem.
        error: serde_json::Error,
    },
    /// The certificate lacks a field that a stamp needs.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The stamp or the cost holds a number that is not finite.
    #[error("a number in the artifact is not finite")]
    NotFinite,
    /// The candidate does not belong to the program.
    #[error(transparent)]
    Candidate(#[from] BadCandidate),
    /// A prompt format is broken.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// It is not approved.
    #[error("this prompt waits for an approval; `proofmark approve FILE --by NAME` gives it")]
    Pending,
    /// The model is not the one that the artifact was measured on.
    #[error("the stamp is about the model {}, not about {}", named(.stamped), named(.given))]
    OtherModel {
        /// The model of the artifact.
        stamped: Box<Identity>,
        /// The model given.
        given: Box<Identity>,
    },
}

impl Artifact {
    /// Makes an artifact for a model.
    ///
    /// # Errors
    /// If the candidate does not belong to the program, a number is not finite, or the stamp was given to another candidate
    /// or against another baseline than the program of the parts.
    pub fn emit(parts: Parts, model: &dyn Model, stamp: Stamp) -> Result<Self, ArtifactError> {
        let program = with_default_formats(&parts.program, model.abilities())?;
        let parts = Parts { program, ..parts };
        let prompts = rendered(&parts.program.apply(&parts.candidate)?)?;
        let tool = format!("proofmark {}", env!("CARGO_PKG_VERSION"));
        let artifact = Self { parts, model: model.identity().clone(), prompts, stamp, tool, format: FORMAT };
        artifact.check_stamp()?;
        // An artifact that cannot be read back, such as one with a number that is not finite, must not ship.
        match Self::parse(&artifact.to_json()) {
            Ok(back) if back == artifact => Ok(artifact),
            _ => Err(ArtifactError::NotFinite),
        }
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub fn parse(text: &str) -> Result<Self, ArtifactError> {
        let artifact = file::parse(text)?;
        artifact.check_stamp()?;
        let stored = artifact.with_formats();
        let rendered = rendered(&artifact.parts.program.apply(&stored)?)?;
        let differs = rendered.iter().zip(&artifact.prompts).find(|(now, then)| now != then);
        match differs {
            None if rendered.len() == artifact.prompts.len() => Ok(artifact),
            None => Err(ArtifactError::Altered),
            Some((now, _)) => {
                Err(ArtifactError::Drifted { module: now.module.clone(), tool: artifact.tool.clone() })
            }
        }
    }

    /// Checks that the stamp is about this candidate and this baseline.
    fn check_stamp(&self) -> Result<(), ArtifactError> {
        let Stamp::Accepted(accepted) = &self.stamp else { return Ok(()) };
        let held = self.parts.candidate.id();
        if accepted.candidate() != held {
            return Err(ArtifactError::OtherCandidate { stamped: accepted.candidate(), held });
        }
        match accepted.against() {
            None if self.format == 1 => Ok(()),
            None => Err(StampError::Silent { what: "against" }.into()),
            Some(against) => {
                let program = digest_of_baseline(&self.parts.program);
                if against.candidate != held.0 {
                    let stamped = CandidateId(against.candidate);
                    return Err(ArtifactError::OtherCandidate { stamped, held });
                }
                if against.baseline != program {
                    return Err(ArtifactError::OtherBaseline { beaten: against.baseline, held: program });
                }
                Ok(())
            }
        }
    }

    /// Reads an artifact file.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let text = fs::read_to_string(path);
        Self::parse(&text.map_err(|error| ArtifactError::Io { path: path.to_owned(), error })?)
    }

    /// Writes the artifact to a file, all of it or nothing.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), ArtifactError> {
        let written = write::atomically(path, self.to_json().as_bytes());
        written.map_err(|error| ArtifactError::Io { path: path.to_owned(), error })
    }

    /// The text of the file: indented JSON that ends with a line break.
    pub fn to_json(&self) -> String {
        file::to_json(self)
    }

    /// A runner of the artifact's program on the model that it was measured on.
    ///
    /// # Errors
    /// [`ArtifactError::Pending`] if it waits for an approval; [`ArtifactError::OtherModel`] for any other model.
    /// [`Artifact::runner_on_any`] checks neither.
    pub fn runner(&self, model: Arc<dyn Model>) -> Result<Runner, ArtifactError> {
        if self.is_pending() {
            return Err(ArtifactError::Pending);
        }
        if *model.identity() != self.model {
            let stamped = Box::new(self.model.clone());
            return Err(ArtifactError::OtherModel { stamped, given: Box::new(model.identity().clone()) });
        }
        self.runner_on_any(model)
    }

    /// A runner of the artifact's program on any model. The stamp says nothing about a model other than the artifact's.
    ///
    /// # Errors
    /// [`ArtifactError::Candidate`].
    pub fn runner_on_any(&self, model: Arc<dyn Model>) -> Result<Runner, ArtifactError> {
        let Parts { program, sampling, .. } = &self.parts;
        Ok(Runner::new(program, &self.with_formats(), model, sampling.clone())?)
    }

    /// The messages that the artifact's program would send with another candidate applied.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn rendered(&self, candidate: &Candidate) -> Result<Vec<ModulePrompt>, ArtifactError> {
        rendered(&self.parts.program.apply(candidate)?)
    }

    /// The same program with another candidate, which is not judged.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn with_candidate(&self, candidate: Candidate) -> Result<Self, ArtifactError> {
        let reason = "this candidate was laid over the artifact's program".to_owned();
        self.stamped(candidate, Stamp::Unverified { reason, undecided: vec![] })
    }

    /// The same program with a candidate that was left undecided, as one of these finalists.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn with_undecided(
        &self,
        candidate: Candidate,
        undecided: Vec<CandidateId>,
    ) -> Result<Self, ArtifactError> {
        let reason = "whether it is better was left undecided".to_owned();
        self.stamped(candidate, Stamp::Unverified { reason, undecided })
    }

    fn stamped(&self, candidate: Candidate, stamp: Stamp) -> Result<Self, ArtifactError> {
        let prompts = self.rendered(&candidate)?;
        Ok(Self { parts: Parts { candidate, ..self.parts.clone() }, prompts, stamp, ..self.clone() })
    }

    /// Whether it waits for an approval.
    pub fn is_pending(&self) -> bool {
        self.parts.approval == Some(Approval::Pending)
    }

    /// The same artifact with another state of its approval.
    #[must_use]
    pub fn with_approval(&self, approval: Option<Approval>) -> Self {
        Self { parts: Parts { approval, ..self.parts.clone() }, ..self.clone() }
    }

    /// Its parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The model on which it was measured.
    pub fn model(&self) -> &Identity {
        &self.model
    }

    /// The exact messages.
    pub fn prompts(&self) -> &[ModulePrompt] {
        &self.prompts
    }

    /// The stamp of the gate.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The program that wrote it, such as `proofmark 0.1.0`.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The candidate with every format set, so that the choice of a default cannot change the messages: early artifacts
    /// leave the program's formats open.
    fn with_formats(&self) -> Candidate {
        let modules =
            self.prompts.iter().filter(|prompt| self.parts.program.module(&prompt.module).is_some());
        modules.fold(self.parts.candidate.clone(), |candidate, prompt| {
            let path = ParamPath::new(&prompt.module, Slot::Format);
            candidate.with(path, Param::Format(prompt.format.clone()))
        })
    }
}

/// The content hash of a baseline: of the program with every format that this model's abilities choose.
///
/// # Errors
/// If a format that the model's abilities choose does not belong to the program.
pub fn baseline_digest(program: &Program, abilities: Abilities) -> Result<Digest, BadCandidate> {
    Ok(digest_of_baseline(&with_default_formats(program, abilities)?))
}

fn digest_of_baseline(program: &Program) -> Digest {
    digest(&("baseline", program))
}

/// The program with the formats that this model's abilities choose where the task sets none, so that the baseline as well
/// is always shown and sent as it was measured.
fn with_default_formats(program: &Program, abilities: Abilities) -> Result<Program, BadCandidate> {
    let silent = program.modules().iter().filter(|module| module.format.is_none());
    let formats = silent.fold(Candidate::baseline(), |candidate, module| {
        let format = prompt::default_format(&module.effective(), abilities).name().to_owned();
        candidate.with(ParamPath::new(&module.name, Slot::Format), Param::Format(format))
    });
    program.apply(&formats)
}

/// The prompts of a program's modules with placeholders for their inputs.
fn rendered(program: &Program) -> Result<Vec<ModulePrompt>, ArtifactError> {
    let modules = program.modules().iter().map(|module| {
        let prepared = Prepared::new(module, Abilities::default())?;
        let placeholders = module.signature.inputs.iter().map(|field| {
            let placeholder = format!("{{{{{}}}}}", field.name);
            (field.name.clone(), Value::Text(placeholder))
        });
        Ok(ModulePrompt {
            module: module.name.clone(),
            format: prepared.format.name().to_owned(),
            messages: prepared.messages(&placeholders.collect::<Record>())?,
            nearest: prepared.chosen(),
            shape: prepared.shape,
        })
    });
    modules.collect()
}

/// The name of a model in errors.
fn named(identity: &Identity) -> String {
    format!("{} ({})", identity.name, identity.fingerprint)
}

#[cfg(test)]
mod tests;
