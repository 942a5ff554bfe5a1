//! Why rows cannot be read or split.

use std::{io, path::PathBuf};

use crate::{attack::PlanError, config::BadRows, gate::SealError};

/// Why rows cannot be read or split.
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
    /// A file with an unknown suffix.
    #[error("the suffix of {} is not known; known suffixes: {known}", path.display())]
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
    /// All rows have the same label.
    #[error("all {rows} rows have the same label {label}, so there is nothing to learn and nothing to test")]
    OneLabel {
        /// Rows.
        rows: usize,
        /// The label, as `field` = value.
        label: String,
    },
    /// A file without fresh rows.
    #[error("all {rows} rows of {} are already in the task's data, or near-duplicates of rows there", path.display())]
    NothingFresh {
        /// The file.
        path: PathBuf,
        /// The number of its rows.
        rows: usize,
    },
    /// Rows that the gate refuses.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Perturbations that cannot be made.
    #[error(transparent)]
    Attack(#[from] PlanError),
    /// A split of the user's that is empty without its near-duplicates of rows in other splits.
    #[error("every row of {split} is a near-duplicate of a row in another split, so {split} would be empty")]
    Overlap {
        /// The split.
        split: &'static str,
    },
}

impl DataError {
    /// What to do about it, if the message does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Suffix { .. } => "save the rows as one of these, or rename the file",
            Self::Empty { .. } => {
                "each row is a line such as {\"message\": \"...\", \"team\": \"...\"}, with the names of the task's fields"
            }
            Self::Columns { .. } => {
                "[data] maps columns: id, group, slices and so on; and for fields inputs = { field = \"column\" } and \
                 outputs = { field = \"column\" }"
            }
            Self::Rows(_) => "correct these rows or remove them; no model was called",
            Self::OneLabel { .. } => "add rows with other labels",
            Self::Overlap { .. } => "name files with different rows",
            Self::NothingFresh { .. } => {
                "label new rows that are not in the task's files, and do not change those files"
            }
            Self::Unreadable { .. }
            | Self::Malformed { .. }
            | Self::TooFew { .. }
            | Self::Seal(_)
            | Self::Attack(_) => return None,
        })
    }
}

fn too_few(rows: usize, groups: usize) -> String {
    let rows_are = if rows == 1 { "1 row is" } else { &format!("{rows} rows are") };
    if rows == groups {
        return format!("{rows_are} too few");
    }
    format!("{rows_are}, in {groups} groups that must stay together, too few")
}
