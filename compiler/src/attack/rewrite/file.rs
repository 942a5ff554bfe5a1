//! The file of rewritings: JSON lines, one for each row and way that a model was asked for, dropped ones included.
//!
//! A line names its row by the hash of its content, so that a row that is changed, or given another label, no longer has it.
//!
//! **Invariant:** what [`Rewritings`] holds is what was verified: a line with an unknown key, a way of rewriting that does not
//! exist, values that do not fit the program, or a text that was changed since is refused with its number.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use proofmark_runtime::{Digest, Example, Field, Program, Record, digest, model::Identity};
use serde::{Deserialize, Serialize};

use super::{
    super::{Broken, Guarantee, Miss, Protected},
    ways::{Rewriting, find},
};
use crate::{
    data::{BadRow, BadRows},
    task::Task,
    verify::record::content,
};

/// The version of the lines.
const FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The version of this format: 1.
    pub format: u32,
    /// The hash of the row's inputs and labels.
    pub row: Digest,
    /// The way of rewriting.
    pub family: String,
    /// The inputs that are others now; absent where what was written was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Record>,
    /// The answers that are others now: for contrast rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Record>,
    /// Why it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
    /// Who wrote it.
    pub writer: Identity,
    /// Who vouched for it.
    pub verifier: Identity,
    /// How many votes agreed, all of them; 0 for what was dropped.
    pub votes: u32,
    /// The beginning of the hash of all that.
    pub check: String,
}

/// Why something that was written is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The writer gave no usable reply, or one that was cut off.
    NoReply,
    /// A rule found a fault.
    Fault,
    /// It is nearly the same as a row of another group.
    Stray,
    /// The verifier does not give the right answer to the row as it is.
    RowUnsure,
    /// Not all votes agreed.
    Outvoted,
}

impl Dropped {
    /// In words, behind a number.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::NoReply => "without a usable reply",
            Self::Fault => "against a rule",
            Self::Stray => "too near another row",
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
        /// What it should hold.
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
        "{lines}\n  what was changed by hand is not verified any more: rows of your own go into [data] adversarial. \
         To write the file anew: delete it, then proofmark attack TASK --rewrite"
    )]
    Lines {
        /// They.
        lines: BadRows,
    },
    /// Votes by the model that is judged.
    #[error(
        "{}: the votes are by {verifier}, which is judged here. Rows that were picked by what the judged model gets right \
         favour prompts that are like the voters' own. Name another model in [rewriter.verifier], then: proofmark attack \
         TASK --rewrite",
        path.display()
    )]
    Judged {
        /// The file.
        path: PathBuf,
        /// Who voted.
        verifier: String,
    },
    /// A family of which the file holds nothing.
    #[error(
        "{} holds nothing of the family `{family}`. Write it with: proofmark attack TASK --rewrite --family {family}",
        path.display()
    )]
    Family {
        /// The file.
        path: PathBuf,
        /// The family.
        family: String,
    },
}

/// All lines of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rewritings {
    lines: BTreeMap<(String, Digest), Line>,
}

impl Line {
    /// A line with its check.
    pub(super) fn new(row: Digest, family: &str, (writer, verifier): (&Identity, &Identity)) -> Self {
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

    /// The same with its check computed.
    #[must_use]
    pub(super) fn checked(mut self) -> Self {
        self.check = self.sum();
        self
    }

    fn sum(&self) -> String {
        let Self { row, family, inputs, outputs, dropped, writer, verifier, votes, .. } = self;
        digest(&("rewriting", row, family, inputs, outputs, dropped, (writer, verifier), votes)).short()
    }

    /// What is wrong with it, if anything is.
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
            None => self.inputs.is_some() && self.outputs.is_some() == rewriting.turns && self.votes > 0,
        };
        if !sound {
            return Some("it is neither a verified rewriting nor a dropped one".to_owned());
        }
        let fields = program.output_fields();
        misfit(self.inputs.as_ref(), program.inputs()).or_else(|| misfit(self.outputs.as_ref(), &fields))
    }
}

/// The first value that has no field or does not fit it.
fn misfit(values: Option<&Record>, fields: &[Field]) -> Option<String> {
    values.into_iter().flat_map(Record::iter).find_map(|(name, value)| {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => field.check(Some(value)).err().map(|misfit| misfit.to_string()),
            None => Some(format!("the task has no field `{name}`")),
        }
    })
}

impl Rewritings {
    /// Reads the file that a task names, if it names one.
    ///
    /// # Errors
    /// [`RewritingsError`]; among them that a family of the task is not in it.
    pub fn read(task: &Task) -> Result<Self, RewritingsError> {
        let Some(config) = &task.rewriter else { return Ok(Self::default()) };
        let path = &config.file;
        let Some(read) = Self::open(path, &task.program)? else {
            return Err(RewritingsError::Missing { path: path.clone(), families: config.families.clone() });
        };
        if read.lines.values().any(|line| line.votes > 0 && line.verifier.name == task.model.name) {
            return Err(RewritingsError::Judged { path: path.clone(), verifier: task.model.name.clone() });
        }
        let absent =
            config.families.iter().find(|family| !read.lines.keys().any(|(known, _)| known == *family));
        match absent {
            Some(family) => Err(RewritingsError::Family { path: path.clone(), family: family.clone() }),
            None => Ok(read),
        }
    }

    /// Reads a file; nothing if it is not there.
    ///
    /// # Errors
    /// If it cannot be read, or lines of it cannot be used.
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
        let (mut read, mut bad) = (Self::default(), vec![]);
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            if let Err(message) = read.take(line, program) {
                bad.push(BadRow { path: path.to_owned(), line: number, message });
            }
        }
        BadRows::check(bad).map_err(|lines| RewritingsError::Lines { lines })?;
        Ok(Some(read))
    }

    fn take(&mut self, line: &str, program: &Program) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if let Some(problem) = line.problem(program) {
            return Err(problem);
        }
        match self.lines.insert((line.family.clone(), line.row), line) {
            Some(twice) => Err(format!("an earlier line has a `{}` of the same row", twice.family)),
            None => Ok(()),
        }
    }

    /// Puts lines in, in the place of older ones of the same row and family.
    pub(super) fn put(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines.into_iter().map(|line| ((line.family.clone(), line.row), line)));
    }

    /// Takes out lines of rows that are not among these; how many.
    pub(super) fn retain(&mut self, rows: &BTreeSet<Digest>) -> usize {
        let before = self.lines.len();
        self.lines.retain(|(_, row), _| rows.contains(row));
        before - self.lines.len()
    }

    /// How many lines belong to none of these rows.
    pub fn stale<'e>(&self, rows: impl IntoIterator<Item = &'e Example>) -> usize {
        let rows: BTreeSet<_> = rows.into_iter().map(content).collect();
        self.lines.values().filter(|line| !rows.contains(&line.row)).count()
    }

    /// Who wrote and who vouched, without repetition.
    pub fn authors(&self) -> BTreeSet<(&str, &str)> {
        self.lines.values().map(|line| (line.writer.name.as_str(), line.verifier.name.as_str())).collect()
    }

    /// All lines, by family and row.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values()
    }

    /// The text of the file.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        let lines = self.lines.values().map(|line| serde_json::to_string(line).map(|line| line + "\n"));
        lines.collect()
    }

    /// The row rewritten in a way, with all checked again that can be checked without asking.
    pub(in crate::attack) fn apply(
        &self,
        rewriting: &'static Rewriting,
        row: &Example,
        protected: &Protected,
    ) -> Result<Example, Miss> {
        let line = self.lines.get(&(rewriting.name.to_owned(), content(row))).ok_or(Miss::Idle)?;
        let Some(inputs) = &line.inputs else { return Err(Broken::Unvouched.into()) };
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
