//! Typed rows: the cells of a file as the inputs and outputs of a program.
//!
//! **Invariant:** a [`DataRow`] fits the program: every input is present and typed, every label is typed, ids are unique.

use std::{collections::HashMap, fmt, path::PathBuf};

use proofmark_runtime::{Example, ExampleId, Field, Program, Record, Type, Value, digest};
use serde_json::{Map, Value as Json};

use super::{
    cell,
    error::DataError,
    file::{File, RawRow},
    time::{self, Moment},
};
use crate::{
    config::{BadRow, suggest},
    task::Columns,
};

/// A typed row and the values of its special columns.
#[derive(Clone, Debug)]
pub(super) struct DataRow {
    /// The labelled example.
    pub(super) example: Example,
    /// The value of the group column.
    pub(super) group: Option<String>,
    /// The value of the time column.
    pub(super) time: Option<Moment>,
    /// Whether a candidate must pass it if the baseline passes it.
    pub(super) must_pass: bool,
    /// The prompt whose failures it was mined from.
    pub(super) mined_by: Option<String>,
    /// Whether it comes from the file of adversarial rows.
    pub(super) adversarial: bool,
    /// Its source, if it is adversarial.
    pub(super) source: Option<String>,
    /// Its place.
    pub(super) place: Place,
}

/// The place of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The file.
    pub(super) path: PathBuf,
    /// The line where it begins, counted from 1.
    pub(super) line: usize,
}

/// As `file:line`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        write!(f, "{}:{}", name.to_string_lossy(), self.line)
    }
}

/// The fields and columns by which the rows of a file are read.
struct RowReader<'a> {
    /// The program's inputs and their columns.
    inputs: Vec<(Field, String)>,
    /// The program's outputs that this file labels, and their columns.
    labels: Vec<(Field, String)>,
    columns: &'a Columns,
    typed: bool,
}

/// Reads the rows of a file and adds those that cannot be used to `bad`.
///
/// # Errors
/// If the file lacks a column.
pub(super) fn read(
    file: File,
    program: &Program,
    columns: &Columns,
    bad: &mut Vec<BadRow>,
) -> Result<Vec<DataRow>, DataError> {
    let outputs = program.output_fields();
    check_columns(&file, program.inputs(), &outputs, columns)?;
    let inputs = program.inputs().iter().map(|field| (field.clone(), columns.input(&field.name).to_owned()));
    let labels = outputs.into_iter().map(|field| (columns.output(&field.name).to_owned(), field));
    let labels =
        labels.filter(|(column, _)| file.columns.contains(column)).map(|(column, field)| (field, column));
    let reader = RowReader { inputs: inputs.collect(), labels: labels.collect(), columns, typed: file.typed };
    let mut rows = Vec::new();
    for raw in &file.rows {
        let place = Place { path: file.path.clone(), line: raw.line };
        match reader.row(raw, &place) {
            Ok(row) => rows.push(row),
            Err(message) => bad.push(BadRow { path: place.path, line: place.line, message }),
        }
    }
    bad.extend(file.bad);
    if columns.id.is_some() {
        repeated_ids(&rows, bad);
    } else {
        name_by_content(&mut rows);
    }
    Ok(rows)
}

/// Reports missing columns, with their purpose and the columns of the file.
fn check_columns(
    file: &File,
    inputs: &[Field],
    outputs: &[Field],
    columns: &Columns,
) -> Result<(), DataError> {
    let has = |column: &str| file.columns.iter().any(|other| other == column);
    let mut missing = Vec::new();
    for field in inputs.iter().filter(|field| !matches!(field.ty, Type::Optional(_))) {
        let column = columns.input(&field.name);
        if !has(column) {
            missing.push(format!("no row has the column `{column}` for the input `{}`", field.name));
        }
    }
    if !outputs.iter().any(|field| has(columns.output(&field.name))) {
        let wanted: Vec<_> =
            outputs.iter().map(|field| format!("`{}`", columns.output(&field.name))).collect();
        missing.push(format!("no row has a column with labels ({})", wanted.join(" or ")));
    }
    for field in outputs.iter().filter(|field| columns.outputs.contains_key(&field.name)) {
        if !has(columns.output(&field.name)) {
            missing.push(format!("no row has the column `{}`", columns.output(&field.name)));
        }
    }
    let named = [("id", &columns.id), ("group", &columns.group), ("time", &columns.time)];
    let named = named.into_iter().filter_map(|(key, column)| Some((key, column.as_ref()?)));
    for (key, column) in named.chain(columns.slices.iter().map(|column| ("slices", column))) {
        if !has(column) {
            missing.push(format!(
                "no row has the column `{column}` ({key}; {})",
                suggest(column, &file.columns)
            ));
        }
    }
    if missing.is_empty() || file.rows.is_empty() {
        return Ok(());
    }
    missing.push(format!("its columns are {}", file.columns.join(", ")));
    Err(DataError::Columns { path: file.path.clone(), missing })
}

impl RowReader<'_> {
    fn row(&self, raw: &RawRow, place: &Place) -> Result<DataRow, String> {
        let text =
            |column: &Option<String>| column.as_ref().and_then(|column| cell::text(&raw.cells, column));
        let id = match &self.columns.id {
            Some(column) => cell::text(&raw.cells, column).ok_or_else(|| format!("`{column}` is missing"))?,
            None => String::new(),
        };
        let mut problems = Vec::new();
        let inputs = self.inputs(&raw.cells, &mut problems);
        let outputs = self.labels(&raw.cells, &mut problems);
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        let slices = self.columns.slices.iter().map(|column| {
            (column.clone(), cell::text(&raw.cells, column).unwrap_or_else(|| NO_VALUE.into()))
        });
        let time = match &self.columns.time {
            Some(column) => Some(time::read(raw.cells.get(column), column)?),
            None => None,
        };
        let must_pass = match &self.columns.must_pass {
            Some(column) => cell::flag(raw.cells.get(column), column)?,
            None => false,
        };
        Ok(DataRow {
            example: Example { id: ExampleId(id), inputs, outputs, slices: slices.collect() },
            group: text(&self.columns.group),
            time,
            must_pass,
            mined_by: text(&self.columns.mined_by),
            adversarial: false,
            source: text(&self.columns.source),
            place: place.clone(),
        })
    }

    /// The typed inputs; a value that does not fit is added to `problems`.
    fn inputs(&self, cells: &Map<String, Json>, problems: &mut Vec<String>) -> Record {
        let mut record = Record::new();
        for (field, column) in &self.inputs {
            match cell::value(cells.get(column), field, self.typed) {
                Ok(Value::Null) => {}
                Ok(value) => record.insert(&field.name, value),
                Err(problem) => problems.push(problem),
            }
        }
        record
    }

    /// The typed labels. For an optional output null is a label; an absent cell is no label.
    fn labels(&self, cells: &Map<String, Json>, problems: &mut Vec<String>) -> Record {
        let mut record = Record::new();
        for (field, column) in &self.labels {
            let cell = cells.get(column);
            match cell::value(cell, field, self.typed) {
                Ok(_) if cell.is_none() => {}
                Ok(value) => record.insert(&field.name, value),
                Err(problem) => problems.push(problem),
            }
        }
        if record.is_empty() && problems.is_empty() {
            problems.push("the row has no label".into());
        }
        record
    }
}

/// The slice value of rows without one.
pub(super) const NO_VALUE: &str = "(none)";

/// Reports rows whose id another row of the same file has.
fn repeated_ids(rows: &[DataRow], bad: &mut Vec<BadRow>) {
    let mut lines = HashMap::new();
    for row in rows {
        if let Some(line) = lines.insert(&row.example.id, row.place.line) {
            bad.push(BadRow {
                path: row.place.path.clone(),
                line: row.place.line,
                message: format!("line {line} already has the id {:?}", row.example.id.0),
            });
        }
    }
}

/// Makes ids from content, so that they do not depend on the order or the name of the file. Copies are numbered.
fn name_by_content(rows: &mut [DataRow]) {
    let mut copies: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let example = &row.example;
        let about = (&row.group, &row.time, row.must_pass, &row.mined_by);
        let content = digest(&(&example.inputs, &example.outputs, &example.slices, about));
        let name = content.to_string()[..16].to_owned();
        let copy = copies.entry(name.clone()).or_insert(0);
        *copy += 1;
        row.example.id = ExampleId(if *copy == 1 { name } else { format!("{name}-{copy}") });
    }
}
