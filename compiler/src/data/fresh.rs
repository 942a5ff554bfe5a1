//! Fresh rows for the continuation of a trial: rows that were labelled later and resemble no row of the task.
//!
//! **Invariant:** a near-duplicate of a row of the task, or of an earlier file of fresh rows, is left out, because a row that was
//! searched or tested on is not fresh. The task's own files must not change, because additional rows would change the
//! split.

use std::path::{Path, PathBuf};

use proofmark_optimizers::Visible;
use proofmark_runtime::{ExampleId, digest};

use super::{
    error::DataError,
    file,
    hygiene::Hygiene,
    row::{self, DataRow},
    rows::read,
    seal::{gate_row, seal},
    shift,
};
use crate::{config::BadRows, gate::Sealed, task::Task};

/// The fresh rows of one file.
#[derive(Debug)]
pub struct Fresh {
    /// The fresh rows and their variants.
    pub sealed: Sealed,
    /// The number of rows in the file.
    pub read: usize,
    /// The number of rows that were left out because they are known.
    pub known: usize,
}

/// Reads files of fresh rows for a task with these train rows, one after the other.
///
/// # Errors
/// If a file or a row cannot be used, or a file has no fresh row.
pub fn fresh(task: &Task, train: &Visible, paths: &[PathBuf]) -> Result<Vec<Fresh>, DataError> {
    let mut known: Vec<DataRow> = read(task)?.into_iter().map(|given| given.row).collect();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let rows = rows_of(task, path)?;
        files.push(fresh_file(task, train, &known, &rows, path)?);
        known.extend(rows);
    }
    Ok(files)
}

fn rows_of(task: &Task, path: &Path) -> Result<Vec<DataRow>, DataError> {
    let mut bad = Vec::new();
    let mut rows = row::read(file::read(path)?, &task.program, &task.data.columns, &mut bad)?;
    BadRows::check(bad)?;
    // Many files number their rows from 0, so ids of different files may be equal.
    for row in &mut rows {
        row.example.id = ExampleId(format!("fresh/{}", row.example.id));
    }
    Ok(rows)
}

/// The fresh rows among the rows of a file.
fn fresh_file(
    task: &Task,
    train: &Visible,
    known: &[DataRow],
    rows: &[DataRow],
    path: &Path,
) -> Result<Fresh, DataError> {
    let all: Vec<_> = known.iter().chain(rows).collect();
    let found = Hygiene::of(&all);
    let keys = found.keys(&all.iter().map(|row| &row.example.id).collect::<Vec<_>>());
    let mut is_fresh = vec![true; all.len()];
    for members in &found.groups {
        let is_known = members.iter().any(|row| *row < known.len());
        members.iter().for_each(|row| is_fresh[*row] = !is_known);
    }
    let fresh = (known.len()..all.len()).filter(|row| is_fresh[*row]);
    let mut fresh: Vec<_> = fresh.map(|row| (all[row].clone(), keys[row].clone())).collect();
    if fresh.is_empty() {
        return Err(DataError::NothingFresh { path: path.to_owned(), rows: rows.len() });
    }
    fresh.sort_by_cached_key(|(row, _)| digest(&("order", task.data.seed, &row.example.id)));
    let times: Vec<_> = fresh.iter().map(|(row, _)| row.time).collect();
    let known = rows.len() - fresh.len();
    let mut gate: Vec<_> = fresh.into_iter().map(|(row, group)| gate_row(row, group)).collect();
    shift::mark(&mut gate, &times, train.examples());
    let (sealed, _) = seal(&task.plan()?, gate)?;
    Ok(Fresh { sealed, read: rows.len(), known })
}
