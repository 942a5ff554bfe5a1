//! Why there are no splits.

use std::{fmt, io, path::PathBuf};

use crate::{attack::PlanError, gate::SealError};

/// How many bad rows are listed.
const LISTED: usize = 20;

/// Why there are no splits.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A suffix without a reader.
    #[error("cannot tell the format of {} from its name; known suffixes: {known}", path.display())]
    Suffix {
        /// The file.
        path: PathBuf,
        /// The known suffixes.
        known: String,
    },
    /// A file that is broken as a whole.
    #[error("{}:{line}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file without rows.
    #[error("{} has no rows", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Columns that a file does not have.
    #[error("{}: {}", path.display(), missing.join("; "))]
    Columns {
        /// The file.
        path: PathBuf,
        /// One sentence for each missing column.
        missing: Vec<String>,
    },
    /// Rows that cannot be used.
    #[error(transparent)]
    Rows(#[from] BadRows),
    /// Too few independent rows for three splits.
    #[error("{} for a split into train, val and gate; add rows, or name the files of each split", too_few(*rows, *groups))]
    TooFew {
        /// Rows.
        rows: usize,
        /// Groups of rows that must stay together.
        groups: usize,
    },
    /// Nothing to tell apart.
    #[error("all {rows} rows have the same {label}: there is nothing to learn and nothing to judge")]
    OneLabel {
        /// Rows.
        rows: usize,
        /// The label, as `field` = value.
        label: String,
    },
    /// Rows that are all known already.
    #[error("all {rows} rows of {} are in the task's data already, or nearly the same as rows there", path.display())]
    NothingFresh {
        /// The file.
        path: PathBuf,
        /// How many rows it has.
        rows: usize,
    },
    /// Rows that the gate refuses.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Perturbations that cannot be made.
    #[error(transparent)]
    Attack(#[from] PlanError),
    /// A split of the user's that is left empty when its copies of sealed rows are taken out.
    #[error(
        "every row of {split} is a near-duplicate of a row in a split that is judged on: nothing is left of it"
    )]
    Overlap {
        /// The split.
        split: &'static str,
    },
}

/// Rows that cannot be used: the first twenty, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRows {
    /// At most twenty, in the order of the files.
    pub listed: Vec<BadRow>,
    /// All of them.
    pub total: usize,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The file.
    pub path: PathBuf,
    /// The line where the row begins, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl DataError {
    /// What to do about it, where the message does not say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Suffix { .. } => "save the rows as one of these, or rename the file",
            Self::Empty { .. } => {
                "each row is a line such as {\"message\": \"...\", \"team\": \"...\"}, named like the task's fields"
            }
            Self::Columns { .. } => {
                "[data] says which column is which: id, group, slices and so on, and for fields \
                 inputs = { field = \"column\" } and outputs = { field = \"column\" }"
            }
            Self::Rows(_) => "correct these rows or take them out; nothing was run",
            Self::OneLabel { .. } => "add rows with other labels",
            Self::Overlap { .. } => "name files whose rows differ",
            Self::NothingFresh { .. } => {
                "label rows that are not in the task's files yet, and leave those files as they are"
            }
            Self::Unreadable { .. }
            | Self::Malformed { .. }
            | Self::TooFew { .. }
            | Self::Seal(_)
            | Self::Attack(_) => return None,
        })
    }
}

impl BadRows {
    /// An error if there are any.
    pub(crate) fn check(mut rows: Vec<BadRow>) -> Result<(), Self> {
        if rows.is_empty() {
            return Ok(());
        }
        let total = rows.len();
        rows.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        rows.truncate(LISTED);
        Err(Self { listed: rows, total })
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total {
            1 => f.write_str("1 row cannot be used:")?,
            total => write!(f, "{total} rows cannot be used:")?,
        }
        for row in &self.listed {
            write!(f, "\n  {}:{}: {}", row.path.display(), row.line, row.message)?;
        }
        match self.total - self.listed.len() {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for BadRows {}

fn too_few(rows: usize, groups: usize) -> String {
    let rows_are = if rows == 1 { "1 row is" } else { &format!("{rows} rows are") };
    if rows == groups {
        return format!("{rows_are} too few");
    }
    format!("{rows_are}, in {groups} groups that must stay together, too few")
}
