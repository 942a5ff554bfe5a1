//! The rows of all files of a task.

use std::{collections::BTreeSet, path::Path};

use proofmark_runtime::{Example, ExampleId, Program};

use super::{
    assign::is_mined,
    error::DataError,
    file,
    row::{self, DataRow},
    split::Role,
};
use crate::{
    config::{BadRow, BadRows, suggest},
    task::{Columns, DataFiles, Task},
};

/// A row and its place in the user's files.
pub(super) struct GivenRow {
    /// The row.
    pub(super) row: DataRow,
    /// The split of its file; none if Proofmark splits the rows.
    pub(super) role: Option<Role>,
    /// The key that names its file in `[data]`.
    from: &'static str,
}

/// The rows of all files of a task.
pub(super) struct GivenRows {
    pub(super) rows: Vec<GivenRow>,
    /// Columns that are named like a key of `[data]` and that the task file does not map, so that they are not read.
    pub(super) unmapped: Vec<String>,
}

/// Reads the rows of all files of a task.
///
/// # Errors
/// If a file or a row cannot be used.
pub(super) fn read(task: &Task) -> Result<Vec<GivenRow>, DataError> {
    Ok(read_all(task)?.rows)
}

/// Reads all files of a task, and finds columns that are probably meant to be read.
///
/// # Errors
/// If a file or a row cannot be used.
pub(super) fn read_all(task: &Task) -> Result<GivenRows, DataError> {
    let mut files = Files { task, rows: vec![], bad: vec![], columns: vec![], adversarial_columns: vec![] };
    match &task.data.files {
        DataFiles::One(path) => files.read("file", path, None)?,
        DataFiles::Given { train, val, gate } => {
            files.read("train", train, val.is_some().then_some(Role::Train))?;
            if let Some(val) = val {
                files.read("val", val, Some(Role::Val))?;
            }
            files.read("gate", gate, Some(Role::Gate))?;
        }
    }
    if let Some(path) = &task.data.adversarial {
        files.read(ADVERSARIAL, path, Some(Role::Gate))?;
    }
    BadRows::check(std::mem::take(&mut files.bad))?;
    check_optional_columns(task, &files.columns)?;
    qualify_ids(&mut files.rows);
    Ok(GivenRows { unmapped: files.unmapped(), rows: files.rows })
}

/// The files of a task that were read so far.
struct Files<'t> {
    task: &'t Task,
    rows: Vec<GivenRow>,
    bad: Vec<BadRow>,
    /// The columns of all files.
    columns: Vec<String>,
    /// The columns of the file of adversarial rows.
    adversarial_columns: Vec<String>,
}

impl Files<'_> {
    /// Reads the file of a key of `[data]`.
    fn read(&mut self, from: &'static str, path: &Path, role: Option<Role>) -> Result<(), DataError> {
        let file = file::read(path)?;
        let adversarial = from == ADVERSARIAL;
        self.columns.extend(file.columns.iter().cloned());
        if adversarial {
            self.adversarial_columns.extend(file.columns.iter().cloned());
        }
        for row in row::read(file, &self.task.program, &self.task.data.columns, &mut self.bad)? {
            // Rows that were mined from failures of the baseline or a candidate cannot be test rows, but train rows.
            let is_train = adversarial && is_mined(&row) && !row.must_pass;
            let role = if is_train { Some(Role::Train) } else { role };
            self.rows.push(GivenRow { row: DataRow { adversarial, ..row }, role, from });
        }
        Ok(())
    }

    /// The columns that are named like a key of `[data]` and that the task file does not use. A column `source` counts only in the
    /// file of adversarial rows.
    fn unmapped(&self) -> Vec<String> {
        let task = self.task;
        let columns = &task.data.columns;
        let inputs = task.program.inputs().iter().map(|field| columns.input(&field.name));
        let outputs = task.program.outputs().iter().map(|output| columns.output(&output.name));
        let Columns { id, group, slices, time, must_pass, mined_by, source, .. } = columns;
        let named = [id, group, time, must_pass, mined_by, source].into_iter().flatten().chain(slices);
        let used: BTreeSet<_> = inputs.chain(outputs).chain(named.map(String::as_str)).collect();
        let keys = [
            ("must_pass", must_pass, &self.columns),
            ("mined_by", mined_by, &self.columns),
            ("source", source, &self.adversarial_columns),
        ];
        let mut unmapped = vec![];
        for (key, column, present) in keys {
            if column.is_none() && present.iter().any(|other| other == key) && !used.contains(key) {
                unmapped.push(key.to_owned());
            }
        }
        unmapped
    }
}

/// Reports columns for marks of some rows that no file has. One file with them is enough.
fn check_optional_columns(task: &Task, columns: &[String]) -> Result<(), DataError> {
    let known: Vec<_> = columns.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let Columns { must_pass, mined_by, source, .. } = &task.data.columns;
    let mut missing = vec![];
    for (key, column) in [("must_pass", must_pass), ("mined_by", mined_by), ("source", source)] {
        if let Some(column) = column.as_deref().filter(|column| !known.contains(column)) {
            let hint = suggest(column, &known);
            missing.push(format!("no row of any file has the column `{column}` ({key}; {hint})"));
        }
    }
    let path = match &task.data.files {
        DataFiles::One(path) | DataFiles::Given { train: path, .. } => path.clone(),
    };
    if missing.is_empty() { Ok(()) } else { Err(DataError::Columns { path, missing }) }
}

/// Reads the labelled rows of one file, not split.
///
/// # Errors
/// If the file or a row cannot be used.
pub fn read_rows(program: &Program, columns: &Columns, path: &Path) -> Result<Vec<Example>, DataError> {
    let mut bad = Vec::new();
    let rows = row::read(file::read(path)?, program, columns, &mut bad)?;
    BadRows::check(bad)?;
    Ok(rows.into_iter().map(|row| row.example).collect())
}

/// The key of the file of adversarial rows.
const ADVERSARIAL: &str = "adversarial";

/// Adds the key of its file to every id, if ids of different files are equal. Many files number their rows from 0.
fn qualify_ids(given: &mut [GivenRow]) {
    let ids: BTreeSet<_> = given.iter().map(|given| &given.row.example.id).collect();
    if ids.len() < given.len() {
        for GivenRow { row, from, .. } in given {
            row.example.id = ExampleId(format!("{from}/{}", row.example.id));
        }
    }
}
