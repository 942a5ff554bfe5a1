//! Artifacts: the one file that ships. It holds the program, the parameters found, the exact messages, the model that they
//! were measured on, and the stamp with the numbers behind it.
//!
//! The file is JSON and versioned by `format`. A program in any other language needs only `prompts`: send the messages
//! with every `{{name}}` of the last message replaced by the input of that name (as a JSON string body for the format
//! `json`). Of a vote there are the prompts of every member in turn (`route`, `route_2`, ...); what most of them answer is
//! the answer, and of answers given equally often the one given first; a prompt whose reply cannot be read has no say.
//!
//! **Invariant:** what was judged is what is sent. A file whose content was changed after it was written, or that this
//! version would render differently, is refused. Every version ever written stays readable (`tests/golden`).

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
    /// The format that it was read from, so that writing it again changes nothing.
    format: u64,
}

/// What an artifact is made of, beside what [`Artifact::emit`] finds out by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The name of the task.
    pub name: String,
    /// The program as written; [`Artifact::emit`] lays down the formats that it leaves open.
    pub program: Program,
    /// What is laid over it; empty for the baseline.
    pub candidate: Candidate,
    /// How replies are drawn.
    pub sampling: Sampling,
    /// The rows that were used.
    pub data: Vec<Split>,
    /// Where the candidate comes from, oldest first.
    pub lineage: Vec<Ancestor>,
    /// What the search cost.
    pub cost: Cost,
    /// The seed of the run.
    pub seed: u64,
    /// What the compiler found out about the parts of the prompt, as it wrote it.
    pub edits: Option<Json>,
    /// What the prompt did on visible rows when it was stamped, as the compiler wrote it.
    pub recorded: Option<Json>,
    /// Whether somebody has to approve it before it is used, if so.
    pub approval: Option<Approval>,
}

/// Where an artifact stands that somebody has to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Approval {
    /// Nobody has approved it yet.
    Pending,
    /// Somebody has.
    Given {
        /// Who.
        by: String,
        /// What they said.
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
    /// Rows in it.
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
    /// What it was made from.
    pub parents: Vec<CandidateId>,
    /// How, in words.
    pub how: String,
}

/// What a run cost in logical calls: a call that was replayed from the store counts like one that was made, so that a
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
    /// Which demonstrations are shown depends on the input, if so: how many of how many. Those in the messages are then
    /// only an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<[usize; 2]>,
    /// What the reply must look like.
    #[serde(default, skip_serializing_if = "Shape::is_free")]
    pub shape: Shape,
}

/// Why an artifact cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file system said no.
    #[error("cannot access {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The text is not an artifact.
    #[error("this is not an artifact of Proofmark: {error}")]
    Syntax {
        /// What is wrong and where.
        error: serde_json::Error,
    },
    /// The file says no version.
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
        /// What wrote the artifact.
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
    /// The stamp is no stamp, or says something else than its certificate.
    #[error("the stamp of this artifact is refused: {error}")]
    BadStamp {
        /// What is wrong.
        error: serde_json::Error,
    },
    /// The certificate lacks what a stamp needs.
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
    /// Nobody has approved it.
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
        // What cannot be read back, such as a number that is not finite, is found before it is shipped.
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

    /// Compares the stamp with what it was judged against.
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
    /// [`Artifact::runner_on_any`] takes both risks.
    pub fn runner(&self, model: Arc<dyn Model>) -> Result<Runner, ArtifactError> {
        if self.is_pending() {
            return Err(ArtifactError::Pending);
        }
        if *model.identity() != self.model {
            let (stamped, given) = (self.model.clone(), model.identity().clone());
            return Err(ArtifactError::OtherModel { stamped: stamped.into(), given: given.into() });
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

    /// The messages that the artifact's program would send with another candidate laid over it.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn rendered(&self, candidate: &Candidate) -> Result<Vec<ModulePrompt>, ArtifactError> {
        rendered(&self.parts.program.apply(candidate)?)
    }

    /// The same program with another candidate laid over it, which nobody has judged.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn with_candidate(&self, candidate: Candidate) -> Result<Self, ArtifactError> {
        let reason = "this candidate was laid over the artifact's program".to_owned();
        self.laid_over(candidate, Stamp::Unverified { reason, undecided: vec![] })
    }

    /// The same program with a candidate laid over it that was left undecided as one of these finalists.
    ///
    /// # Errors
    /// If the candidate does not belong to the program.
    pub fn with_undecided(
        &self,
        candidate: Candidate,
        undecided: Vec<CandidateId>,
    ) -> Result<Self, ArtifactError> {
        let reason = "whether it is better was left undecided".to_owned();
        self.laid_over(candidate, Stamp::Unverified { reason, undecided })
    }

    fn laid_over(&self, candidate: Candidate, stamp: Stamp) -> Result<Self, ArtifactError> {
        let prompts = self.rendered(&candidate)?;
        Ok(Self { parts: Parts { candidate, ..self.parts.clone() }, prompts, stamp, ..self.clone() })
    }

    /// Whether it waits for an approval.
    pub fn is_pending(&self) -> bool {
        self.parts.approval == Some(Approval::Pending)
    }

    /// The same artifact with an approval on record, or with none asked for.
    #[must_use]
    pub fn with_approval(&self, approval: Option<Approval>) -> Self {
        Self { parts: Parts { approval, ..self.parts.clone() }, ..self.clone() }
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The model that it was measured on.
    pub fn model(&self) -> &Identity {
        &self.model
    }

    /// The exact messages.
    pub fn prompts(&self) -> &[ModulePrompt] {
        &self.prompts
    }

    /// What the gate found.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// What wrote it, such as `proofmark 0.1.0`.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The candidate with every format said, so that the choice of a default cannot change what is sent: artifacts of the
    /// first days leave the program's formats open.
    fn with_formats(&self) -> Candidate {
        let modules =
            self.prompts.iter().filter(|prompt| self.parts.program.module(&prompt.module).is_some());
        modules.fold(self.parts.candidate.clone(), |candidate, prompt| {
            let path = ParamPath::new(&prompt.module, Slot::Format);
            candidate.with(path, Param::Format(prompt.format.clone()))
        })
    }
}

/// The content hash of a baseline: of a program as this model is asked with it, every format written out.
///
/// # Errors
/// If a format that the model's abilities choose does not belong to the program.
pub fn baseline_digest(program: &Program, abilities: Abilities) -> Result<Digest, BadCandidate> {
    Ok(digest_of_baseline(&with_default_formats(program, abilities)?))
}

fn digest_of_baseline(program: &Program) -> Digest {
    digest(&("baseline", program))
}

/// The program with the formats said that this model's abilities choose where the task says none, so that the baseline,
/// too, is always shown and sent as it was measured.
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

/// A model as an error names it.
fn named(identity: &Identity) -> String {
    format!("{} ({})", identity.name, identity.fingerprint)
}

#[cfg(test)]
mod tests;
