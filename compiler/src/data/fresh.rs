//! Fresh rows for a trial that goes on: labelled later, and like no row that the task has.
//!
//! **Invariant:** a row that is nearly the same as a row of the task, or of an earlier file of fresh rows, is left out, whatever
//! split that row is in: what was searched on or judged on is not fresh. The task's own files stay as they are, because
//! other rows in them would be dealt anew.

use std::path::{Path, PathBuf};

use proofmark_optimizers::Visible;
use proofmark_runtime::{ExampleId, digest};

use super::{
    error::{BadRows, DataError},
    file,
    hygiene::Hygiene,
    row::{self, Row},
    rows::{Given, read},
    seal::{gate_row, seal},
    shift,
};
use crate::{attack::Plan, gate::Sealed, task::Task};

/// Fresh rows of one file.
#[derive(Debug)]
pub struct Fresh {
    /// They and their variants.
    pub sealed: Sealed,
    /// Rows that were read.
    pub read: usize,
    /// Rows that were left out because they are known.
    pub known: usize,
}

/// Reads files of fresh rows for a task of which `train` is searched on, one after the other.
///
/// # Errors
/// If a file or a row cannot be used, or nothing in a file is fresh.
pub fn fresh(task: &Task, train: &Visible, paths: &[PathBuf]) -> Result<Vec<Fresh>, DataError> {
    let mut known: Vec<Row> = read(task)?.into_iter().map(|Given { row, .. }| row).collect();
    paths
        .iter()
        .map(|path| {
            let rows = rows_of(task, path)?;
            let fresh = one(task, train, (&known, &rows), path)?;
            known.extend(rows);
            Ok(fresh)
        })
        .collect()
}

fn rows_of(task: &Task, path: &Path) -> Result<Vec<Row>, DataError> {
    let mut bad = Vec::new();
    let mut rows = row::read(file::read(path)?, &task.program, &task.data.columns, &mut bad)?;
    BadRows::check(bad)?;
    // Files often count their rows from 0 each.
    for row in &mut rows {
        row.example.id = ExampleId(format!("fresh/{}", row.example.id));
    }
    Ok(rows)
}

fn one(
    task: &Task,
    train: &Visible,
    (known, rows): (&[Row], &[Row]),
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
    let (sealed, _) = seal(&Plan::of(task)?, gate)?;
    Ok(Fresh { sealed, read: rows.len(), known })
}
