//! All rows of all files of a task.

use std::{collections::BTreeSet, path::Path};

use proofmark_runtime::{Example, ExampleId, Program};

use super::{
    assign::is_mined,
    error::{BadRows, DataError},
    file,
    row::{self, Row},
    split::Role,
};
use crate::task::{Columns, DataFiles, Task, suggest};

/// A row and what the user's files make of it.
pub(super) struct Given {
    /// The row.
    pub(super) row: Row,
    /// The split that it is in; none where rows are to be dealt.
    pub(super) role: Option<Role>,
    /// The key that names its file in `[data]`.
    from: &'static str,
}

/// Reads all files.
///
/// # Errors
/// If a file or a row cannot be used.
pub(super) fn read(task: &Task) -> Result<Vec<Given>, DataError> {
    Ok(read_and_tell(task)?.0)
}

/// Reads all files; with the columns that look like marks of rows and that the task file does not map, so that nobody reads
/// them.
///
/// # Errors
/// If a file or a row cannot be used.
pub(super) fn read_and_tell(task: &Task) -> Result<(Vec<Given>, Vec<String>), DataError> {
    let (config, mut bad, mut given) = (&task.data, Vec::new(), Vec::new());
    let (mut seen, mut hard) = (BTreeSet::new(), BTreeSet::new());
    let mut take = |from: &'static str, path: &Path, role: Option<Role>| -> Result<(), DataError> {
        let file = file::read(path)?;
        let adversarial = from == ADVERSARIAL;
        seen.extend(file.columns.iter().cloned());
        hard.extend(file.columns.iter().filter(|_| adversarial).cloned());
        let rows = row::read(file, &task.program, &config.columns, &mut bad)?;
        given.extend(rows.into_iter().map(|row| {
            // Rows picked because a contender fails them cannot be judged on, but they can be learned from.
            let learned = adversarial && is_mined(&row) && !row.must_pass;
            let role = if learned { Some(Role::Train) } else { role };
            Given { row: Row { adversarial, ..row }, role, from }
        }));
        Ok(())
    };
    match &config.files {
        DataFiles::One(path) => take("file", path, None)?,
        DataFiles::Given { train, val, gate } => {
            take("train", train, val.is_some().then_some(Role::Train))?;
            if let Some(val) = val {
                take("val", val, Some(Role::Val))?;
            }
            take("gate", gate, Some(Role::Gate))?;
        }
    }
    if let Some(path) = &config.adversarial {
        take(ADVERSARIAL, path, Some(Role::Gate))?;
    }
    BadRows::check(bad)?;
    check_marks(task, &seen)?;
    qualify_ids(&mut given);
    Ok((given, unmapped(task, (&seen, &hard))))
}

/// The columns that are named like a mark of rows, and that the task file uses for nothing. Where a row is from is asked of hard
/// rows only.
fn unmapped(task: &Task, (seen, hard): (&BTreeSet<String>, &BTreeSet<String>)) -> Vec<String> {
    let columns = &task.data.columns;
    let Columns { id, group, slices, time, must_pass, mined_by, source, .. } = columns;
    let marks = [("must_pass", must_pass, seen), ("mined_by", mined_by, seen), ("source", source, hard)];
    let inputs = task.program.inputs().iter().map(|field| columns.input(&field.name));
    let outputs = task.program.outputs().iter().map(|output| columns.output(&output.name));
    let named = [id, group, time, must_pass, mined_by, source].into_iter().flatten().chain(slices);
    let used: BTreeSet<_> = inputs.chain(outputs).chain(named.map(String::as_str)).collect();
    let unmapped = marks
        .into_iter()
        .filter(|(name, column, there)| column.is_none() && there.contains(*name) && !used.contains(name));
    unmapped.map(|(name, ..)| name.to_owned()).collect()
}

/// Columns that only mark some rows need not be in every file, but in one of them.
fn check_marks(task: &Task, seen: &BTreeSet<String>) -> Result<(), DataError> {
    let Columns { must_pass, mined_by, source, .. } = &task.data.columns;
    let marks = [("must_pass", must_pass), ("mined_by", mined_by), ("source", source)];
    let named = marks.into_iter().filter_map(|(key, column)| Some((key, column.as_ref()?)));
    let known: Vec<_> = seen.iter().map(String::as_str).collect();
    let missing: Vec<_> = named
        .filter(|(_, column)| !seen.contains(*column))
        .map(|(key, column)| {
            format!("no row of any file has the column `{column}` ({key}; {})", suggest(column, &known))
        })
        .collect();
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

const ADVERSARIAL: &str = "adversarial";

/// Files often count their rows from 0 each: where ids of different files collide, all rows say which file they are of.
fn qualify_ids(given: &mut [Given]) {
    let ids: BTreeSet<_> = given.iter().map(|given| &given.row.example.id).collect();
    if ids.len() < given.len() {
        for Given { row, from, .. } in given {
            row.example.id = ExampleId(format!("{from}/{}", row.example.id));
        }
    }
}
