//! The file of rewritings: JSON lines, one for each row and way that a model was asked for, including dropped ones.
//!
//! A line names its row by the hash of the row's content, so that it does not apply to a row that was changed or relabelled.
//!
//! **Invariant:** [`Rewritings`] holds verified lines only. A line with an unknown key, an unknown way of rewriting, values that
//! do not fit the program, or a text that was changed later is an error with its number.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proofmark_runtime::{Digest, Example, Field, Program, Record, digest, model::Identity};
use serde::{Deserialize, Serialize};

use super::{
    super::{Broken, Guarantee, Miss, Protected},
    config::RewriterConfig,
    ways::{Rewriting, find},
};
use crate::config::{BadRow, BadRows};

/// The version of the lines.
const FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewriteLine {
    /// The version of this format: 1.
    pub format: u32,
    /// The hash of the row's inputs and labels.
    pub row: Digest,
    /// The way of rewriting.
    pub family: String,
    /// The new inputs; absent if the rewriting was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Record>,
    /// The new answers, for contrast rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Record>,
    /// Why it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<DropReason>,
    /// The model that wrote it.
    pub writer: Identity,
    /// The model that voted on it.
    pub verifier: Identity,
    /// The number of votes, all of which accepted it; 0 if it was dropped.
    pub votes: u32,
    /// The beginning of the hash of the other fields.
    pub check: String,
}

/// Why a rewriting is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The writer's reply could not be used or was cut off.
    NoReply,
    /// It breaks a rule.
    Fault,
    /// It is a near-duplicate of a row of another group.
    Stray,
    /// The verifier does not give the right answer to the unchanged row.
    RowUnsure,
    /// Not all votes accepted it.
    Outvoted,
}

impl DropReason {
    /// The reason in words, after a number of rewritings.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::NoReply => "without a usable reply",
            Self::Fault => "that break a rule",
            Self::Stray => "too similar to another row",
            Self::RowUnsure => "whose row the verifier gets wrong",
            Self::Outvoted => "outvoted",
        }
    }
}

/// Why there are no rewritings.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RewritingsError {
    /// The file is not there.
    #[error(
        "the famil{} of [rewriter] ({}) {} written by a model, and there is no file {} yet. \
         Write it with: proofmark attack TASK --rewrite",
        if families.len() == 1 { "y" } else { "ies" }, families.join(", "),
        if families.len() == 1 { "is" } else { "are" }, path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The families that it should hold.
        families: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// Lines that cannot be used.
    #[error(
        "{lines}\n  lines that were changed by hand are not verified: put rows of your own into [data] adversarial. \
         To write the file again: delete it, then proofmark attack TASK --rewrite"
    )]
    Lines {
        /// The lines.
        lines: BadRows,
    },
    /// Votes by the model under test.
    #[error(
        "{}: the votes are by {verifier}, which is the model under test. Rows selected by what this model gets right favour \
         prompts like those of the voters. Name another model in [rewriter.verifier], then: proofmark attack TASK --rewrite",
        path.display()
    )]
    Judged {
        /// The file.
        path: PathBuf,
        /// The model that voted.
        verifier: String,
    },
    /// A family without lines in the file.
    #[error(
        "{} has no lines of the family `{family}`. Write them with: proofmark attack TASK --rewrite --family {family}",
        path.display()
    )]
    Family {
        /// The file.
        path: PathBuf,
        /// The family.
        family: String,
    },
}

/// The lines of a file by family and row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rewritings {
    lines: BTreeMap<(String, Digest), RewriteLine>,
}

impl RewriteLine {
    /// Makes a line without a rewriting and without its check.
    pub(super) fn new(row: Digest, family: &str, writer: &Identity, verifier: &Identity) -> Self {
        Self {
            format: FORMAT,
            row,
            family: family.to_owned(),
            inputs: None,
            outputs: None,
            dropped: None,
            writer: writer.clone(),
            verifier: verifier.clone(),
            votes: 0,
            check: String::new(),
        }
    }

    /// Computes the check.
    #[must_use]
    pub(super) fn checked(mut self) -> Self {
        self.check = self.sum();
        self
    }

    fn sum(&self) -> String {
        let Self { row, family, inputs, outputs, dropped, writer, verifier, votes, .. } = self;
        digest(&("rewriting", row, family, inputs, outputs, dropped, (writer, verifier), votes)).short()
    }

    /// What is wrong with it, if anything.
    fn problem(&self, program: &Program) -> Option<String> {
        let Some(rewriting) = find(&self.family) else {
            return Some(format!("there is no way of rewriting `{}`", self.family));
        };
        if self.format != FORMAT {
            return Some(format!("`format` is {}, but this version reads {FORMAT}", self.format));
        }
        if self.check != self.sum() {
            return Some("it was changed after it was verified".to_owned());
        }
        let sound = match self.dropped {
            Some(_) => self.inputs.is_none() && self.outputs.is_none(),
            None => {
                self.inputs.is_some() && self.outputs.is_some() == rewriting.changes_answer && self.votes > 0
            }
        };
        if !sound {
            return Some("it is neither a verified rewriting nor a dropped one".to_owned());
        }
        let fields = program.output_fields();
        misfit(self.inputs.as_ref(), program.inputs()).or_else(|| misfit(self.outputs.as_ref(), &fields))
    }
}

/// The first value that has no field or does not fit its field.
fn misfit(values: Option<&Record>, fields: &[Field]) -> Option<String> {
    values.into_iter().flat_map(Record::iter).find_map(|(name, value)| {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => field.check(Some(value)).err().map(|misfit| misfit.to_string()),
            None => Some(format!("the task has no field `{name}`")),
        }
    })
}

impl Rewritings {
    /// Reads the file of `[rewriter]` for a task. `tested` is the name of the model under test.
    ///
    /// # Errors
    /// [`RewritingsError`], also if a family of the task has no lines.
    pub fn read(config: &RewriterConfig, program: &Program, tested: &str) -> Result<Self, RewritingsError> {
        let path = &config.file;
        let Some(read) = Self::open(path, program)? else {
            return Err(RewritingsError::Missing { path: path.clone(), families: config.families.clone() });
        };
        if read.lines.values().any(|line| line.votes > 0 && line.verifier.name == tested) {
            return Err(RewritingsError::Judged { path: path.clone(), verifier: tested.to_owned() });
        }
        let absent =
            config.families.iter().find(|family| !read.lines.keys().any(|(known, _)| known == *family));
        match absent {
            Some(family) => Err(RewritingsError::Family { path: path.clone(), family: family.clone() }),
            None => Ok(read),
        }
    }

    /// Reads a file; none if it does not exist.
    ///
    /// # Errors
    /// If it cannot be read, or some of its lines cannot be used.
    pub fn open(path: &Path, program: &Program) -> Result<Option<Self>, RewritingsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(RewritingsError::Unreadable {
                    path: path.to_owned(),
                    message: error.to_string(),
                });
            }
        };
        let mut read = Self::default();
        let mut bad = vec![];
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            if let Err(message) = read.add(line, program) {
                bad.push(BadRow { path: path.to_owned(), line: number, message });
            }
        }
        BadRows::check(bad).map_err(|lines| RewritingsError::Lines { lines })?;
        Ok(Some(read))
    }

    /// Reads one line.
    fn add(&mut self, line: &str, program: &Program) -> Result<(), String> {
        let line: RewriteLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if let Some(problem) = line.problem(program) {
            return Err(problem);
        }
        match self.lines.insert((line.family.clone(), line.row), line) {
            Some(twice) => Err(format!("an earlier line has a `{}` of the same row", twice.family)),
            None => Ok(()),
        }
    }

    /// Adds lines and replaces older ones of the same row and family.
    pub(super) fn put(&mut self, lines: impl IntoIterator<Item = RewriteLine>) {
        self.lines.extend(lines.into_iter().map(|line| ((line.family.clone(), line.row), line)));
    }

    /// Removes lines of all other rows and returns their number.
    pub(super) fn retain(&mut self, rows: &BTreeSet<Digest>) -> usize {
        let before = self.lines.len();
        self.lines.retain(|(_, row), _| rows.contains(row));
        before - self.lines.len()
    }

    /// The number of lines that belong to none of these rows.
    pub fn stale<'e>(&self, rows: impl IntoIterator<Item = &'e Example>) -> usize {
        let rows: BTreeSet<_> = rows.into_iter().map(Example::content).collect();
        self.lines.values().filter(|line| !rows.contains(&line.row)).count()
    }

    /// The pairs of writer and verifier.
    pub fn authors(&self) -> BTreeSet<(&str, &str)> {
        self.lines.values().map(|line| (line.writer.name.as_str(), line.verifier.name.as_str())).collect()
    }

    /// All lines, by family and row.
    pub fn lines(&self) -> impl Iterator<Item = &RewriteLine> {
        self.lines.values()
    }

    /// The text of the file.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        let lines = self.lines.values().map(|line| serde_json::to_string(line).map(|line| line + "\n"));
        lines.collect()
    }

    /// The row with its rewriting, after the rules were checked again.
    pub(in crate::attack) fn apply(
        &self,
        rewriting: &'static Rewriting,
        row: &Example,
        protected: &Protected,
    ) -> Result<Example, Miss> {
        let line = self.lines.get(&(rewriting.name.to_owned(), row.content())).ok_or(Miss::Idle)?;
        let Some(inputs) = &line.inputs else { return Err(Broken::Outvoted.into()) };
        let mut changed = row.clone();
        for (name, value) in inputs.iter() {
            let text = |record: &Record| record.get(name).map(ToString::to_string).unwrap_or_default();
            Guarantee::Rewrites(rewriting).check(&text(&row.inputs), &value.to_string(), protected)?;
            changed.inputs.insert(name, value.clone());
        }
        for (name, value) in line.outputs.iter().flat_map(Record::iter) {
            changed.outputs.insert(name, value.clone());
        }
        Ok(changed)
    }
}
