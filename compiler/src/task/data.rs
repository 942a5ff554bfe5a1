//! `[data]`: the files of rows and the meaning of their columns.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proofmark_runtime::Program;

use crate::config::{Key, Problem, Section, Shape, TableReader, existing_file, suggest};

/// The files of rows and the meaning of their columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataConfig {
    /// The labelled rows.
    pub files: DataFiles,
    /// Hand-written or natural adversarial rows. They are labelled like the others and only tested on; those mined from
    /// failures of the baseline or a candidate are train rows.
    pub adversarial: Option<PathBuf>,
    /// The meaning of the columns.
    pub columns: Columns,
    /// The random seed of the split. It belongs to the task, not to a run, so that sealed rows stay sealed from run to run.
    pub seed: u64,
}

/// The files with the labelled rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFiles {
    /// One file, split 25/15/60 into train, validation and test rows.
    One(PathBuf),
    /// Files split by the user.
    Given {
        /// Train rows.
        train: PathBuf,
        /// Validation rows, which rank finalists; three eighths of the train rows if left out.
        val: Option<PathBuf>,
        /// Test rows.
        gate: PathBuf,
    },
}

/// The meaning of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The name of a row; a content hash if there is no such column.
    pub id: Option<String>,
    /// Rows with the same value stay in the same split.
    pub group: Option<String>,
    /// The columns that divide the rows into slices, which are reported and guarded separately.
    pub slices: Vec<String>,
    /// The time of a row. The newest rows are test rows.
    pub time: Option<String>,
    /// True for rows that the baseline passes and a candidate must pass too.
    pub must_pass: Option<String>,
    /// The prompt whose failures the row was mined from. Rows mined from the baseline or a candidate are not test rows.
    pub mined_by: Option<String>,
    /// The source of an adversarial row: by hand, from production, ..
    pub source: Option<String>,
    /// The columns of inputs, where a column has another name than its field.
    pub inputs: BTreeMap<String, String>,
    /// The columns of outputs, where a column has another name than its field.
    pub outputs: BTreeMap<String, String>,
}

/// `[data]`
pub(crate) static DATA: Section = Section {
    name: "data",
    about: "The files of rows: JSON lines, a JSON array, CSV or TSV, by suffix.",
    keys: &[
        Key::new("file", Shape::Text, "one file, split 25/15/60 into train, val and gate"),
        Key::new("train", Shape::Text, "train rows, if you split the rows yourself"),
        Key::new("val", Shape::Text, "validation rows, which rank finalists; taken from train if left out"),
        Key::new("gate", Shape::Text, "test rows; only the gate reads them"),
        Key::new("adversarial", Shape::Text, "hand-written or natural hard rows, which are only tested on"),
        Key::new("id", Shape::Text, "column that names a row; a content hash if left out"),
        Key::new("group", Shape::Text, "column whose rows stay together, such as the customer"),
        Key::new("slices", Shape::Texts, "columns that divide the rows, such as the language"),
        Key::new("time", Shape::Text, "column with a date or number: the gate gets the newest rows"),
        Key::new(
            "must_pass",
            Shape::Text,
            "column that is true for rows that the baseline passes and a candidate must pass too",
        ),
        Key::new(
            "mined_by",
            Shape::Text,
            "column with the prompt whose failures a row was mined from; rows of `baseline` or `candidate` are never tested on",
        ),
        Key::new(
            "source",
            Shape::Text,
            "column with the source of an adversarial row; each source is a slice",
        ),
        Key::new(
            "inputs",
            Shape::Map(&Shape::Text),
            "columns of inputs that have another name than the field",
        ),
        Key::new(
            "outputs",
            Shape::Map(&Shape::Text),
            "columns of outputs that have another name than the field",
        ),
        Key::new("seed", Shape::Integer(0, i64::MAX), "random seed of the split; 0 if left out"),
    ],
    variants: None,
};

impl Columns {
    /// The column of an input.
    pub fn input<'a>(&'a self, field: &'a str) -> &'a str {
        self.inputs.get(field).map_or(field, String::as_str)
    }

    /// The column of an output.
    pub fn output<'a>(&'a self, field: &'a str) -> &'a str {
        self.outputs.get(field).map_or(field, String::as_str)
    }
}

/// Reads `[data]`; none if it names no file (reported).
pub(crate) fn read(
    table: TableReader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<DataConfig> {
    let columns = Columns {
        id: table.string("id"),
        group: table.string("group"),
        slices: table.strings("slices"),
        time: table.string("time"),
        must_pass: table.string("must_pass"),
        mined_by: table.string("mined_by"),
        source: table.string("source"),
        inputs: renames(table.table("inputs")),
        outputs: renames(table.table("outputs")),
    };
    if let Some(program) = program {
        let inputs: Vec<_> = program.inputs().iter().map(|field| field.name.as_str()).collect();
        check_renames(table.table("inputs"), "input", &inputs, problems);
        let outputs: Vec<_> = program.outputs().iter().map(|output| output.name.as_str()).collect();
        check_renames(table.table("outputs"), "output", &outputs, problems);
    }
    let adversarial = existing_file(table, "adversarial", folder, problems);
    let seed = table.whole("seed").unwrap_or(0);
    Some(DataConfig { files: files(table, folder, problems)?, adversarial, columns, seed })
}

fn files(table: TableReader<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<DataFiles> {
    if let Some(span) = table.key_span("file") {
        for key in ["train", "val", "gate"] {
            if table.key_span(key).is_some() {
                let message = format!("`data` has both `file` and `{key}`");
                let problem = Problem::new(span.clone(), message, "two ways to split");
                problems.push(
                    problem.hint("name one `file` that Proofmark splits, or your own `train` and `gate`"),
                );
            }
        }
        return Some(DataFiles::One(existing_file(table, "file", folder, problems)?));
    }
    let train = existing_file(table, "train", folder, problems);
    let val = existing_file(table, "val", folder, problems);
    let gate = existing_file(table, "gate", folder, problems);
    if let Some(span) = ["train", "val", "gate"].iter().find_map(|key| table.key_span(key)) {
        for (key, rows) in [("train", "train rows"), ("gate", "test rows")] {
            if table.get(key).is_none() {
                let message = format!("`data` has no `{key}`, the file of the {rows}");
                let problem = Problem::new(span.clone(), message, "incomplete");
                problems.push(problem.hint("name `train` and `gate`, or one `file` that Proofmark splits"));
            }
        }
    } else if table.is_present() {
        let span = table.entries().next().map_or(0..0, |(key, _)| key.span());
        let problem = Problem::new(span, "`data` names no file", "no `file`");
        problems.push(problem.hint("such as file = \"rows.jsonl\""));
    }
    Some(DataFiles::Given { train: train?, val, gate: gate? })
}

/// The texts of a table by key.
fn renames(table: TableReader<'_>) -> BTreeMap<String, String> {
    let entries = table.entries();
    entries
        .filter_map(|(key, value)| Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned())))
        .collect()
}

/// Reports columns that are given for fields that the program does not have.
fn check_renames(table: TableReader<'_>, side: &str, known: &[&str], problems: &mut Vec<Problem>) {
    for (key, _) in table.entries().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
        let message = format!("the program has no {side} `{}`", key.get_ref());
        let problem = Problem::new(key.span(), message, format!("unknown {side}"));
        problems.push(problem.hint(format!("field = \"column\"; {}", suggest(key.get_ref(), known))));
    }
}
