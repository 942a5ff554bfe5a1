//! Rows of a file that cannot be used, each with its line.

use std::{fmt, path::PathBuf};

/// The number of bad rows that a message lists.
const LISTED: usize = 20;

/// Rows that cannot be used: the first twenty and the total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRows {
    /// At most twenty rows, in the order of the files.
    pub listed: Vec<BadRow>,
    /// The number of all bad rows.
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

impl BadRows {
    /// Returns an error if there are bad rows.
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
