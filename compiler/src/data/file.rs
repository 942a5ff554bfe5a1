//! Data files: bytes to rows of named cells with line numbers. One reader per suffix.
//!
//! **Invariant:** every row that cannot be read is listed with its line; no row is skipped silently.

mod csv;
mod json;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::error::DataError;
use crate::config::BadRow;

/// A file as read.
#[derive(Debug)]
pub(super) struct File {
    /// Its path.
    pub(super) path: PathBuf,
    /// The names of its columns, in order of appearance.
    pub(super) columns: Vec<String>,
    /// Its rows.
    pub(super) rows: Vec<RawRow>,
    /// The rows that cannot be read.
    pub(super) bad: Vec<BadRow>,
    /// Whether cells are typed as in JSON, or text as in CSV.
    pub(super) typed: bool,
}

/// A row of named cells.
#[derive(Debug)]
pub(super) struct RawRow {
    /// The line where it begins, counted from 1.
    pub(super) line: usize,
    /// Its cells by column.
    pub(super) cells: Map<String, Json>,
}

/// Suffixes and their readers.
const READERS: [(&str, ReadFile); 6] = [
    ("jsonl", json::lines),
    ("ndjson", json::lines),
    ("json", json::any),
    ("csv", |file, text| csv::read(file, text, b',')),
    ("tsv", |file, text| csv::read(file, text, b'\t')),
    ("tab", |file, text| csv::read(file, text, b'\t')),
];

/// Reads the bytes of a file into its rows.
type ReadFile = fn(&mut File, &[u8]) -> Result<(), DataError>;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<File, DataError> {
    let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default().to_lowercase();
    let Some((_, reader)) = READERS.iter().find(|(known, _)| *known == suffix) else {
        let known = READERS.map(|(known, _)| known);
        return Err(DataError::Suffix { path: path.to_owned(), known: known.join(", ") });
    };
    let bytes =
        std::fs::read(path).map_err(|source| DataError::Unreadable { path: path.to_owned(), source })?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let message = "the file is UTF-16; save it as UTF-8".into();
        return Err(DataError::Malformed { path: path.to_owned(), line: 1, message });
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let mut file = File { path: path.to_owned(), columns: vec![], rows: vec![], bad: vec![], typed: true };
    reader(&mut file, text)?;
    if file.rows.is_empty() && file.bad.is_empty() {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    Ok(file)
}

impl File {
    fn push(&mut self, line: usize, cells: Map<String, Json>) {
        for column in cells.keys() {
            if !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
        self.rows.push(RawRow { line, cells });
    }

    fn refuse(&mut self, line: usize, message: impl Into<String>) {
        self.bad.push(BadRow { path: self.path.clone(), line, message: message.into() });
    }

    fn malformed(&self, line: usize, message: impl Into<String>) -> DataError {
        DataError::Malformed { path: self.path.clone(), line, message: message.into() }
    }
}

/// The line of a byte, counted from 1.
fn line_of(text: &[u8], byte: usize) -> usize {
    text[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Why bytes are not text, if they are not.
fn not_text(bytes: &[u8]) -> Option<String> {
    if bytes.contains(&0) {
        return Some("the row has a NUL byte; the file may be cut off or binary".into());
    }
    let error = std::str::from_utf8(bytes).err()?;
    let byte = bytes[error.valid_up_to()];
    Some(format!("the row is not UTF-8: byte {byte:#04x} at position {}", error.valid_up_to() + 1))
}
