//! `[data]`: where the rows are and which columns mean what.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proofmark_runtime::Program;

use super::{
    nearest::{nearest, suggest},
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};

/// Where the rows are and which columns mean what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataConfig {
    /// The labelled rows.
    pub files: DataFiles,
    /// Hand-written or natural adversarial rows: labelled like the others, judged on only (mined ones are learned from).
    pub adversarial: Option<PathBuf>,
    /// Which columns mean what.
    pub columns: Columns,
    /// Which of the possible splits is dealt. Part of the task, not of a run: sealed rows stay sealed from run to run.
    pub seed: u64,
}

/// The files with the labelled rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFiles {
    /// One file, split 25/15/60 into train, val and gate.
    One(PathBuf),
    /// Files split by the user.
    Given {
        /// Rows to learn from.
        train: PathBuf,
        /// Rows to rank finalists on; three eighths of train if left out.
        val: Option<PathBuf>,
        /// Rows to be judged on.
        gate: PathBuf,
    },
}

/// Which columns mean what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The name of a row; a content hash where there is none.
    pub id: Option<String>,
    /// Rows with the same value stay in the same split.
    pub group: Option<String>,
    /// Columns that divide the rows into slices, each reported and guarded on its own.
    pub slices: Vec<String>,
    /// When the row arose: the gate gets the newest.
    pub time: Option<String>,
    /// True for rows that a new prompt must not newly fail.
    pub must_pass: Option<String>,
    /// Whose failures the row was picked for, if any; rows picked for the baseline's are not judged on.
    pub mined_by: Option<String>,
    /// Where an adversarial row is from: by hand, from production, ...
    pub source: Option<String>,
    /// The column of each input that is not named like its field.
    pub inputs: BTreeMap<String, String>,
    /// The column of each output that is not named like its field.
    pub outputs: BTreeMap<String, String>,
}

/// `[data]`
pub(crate) static DATA: Section = Section {
    name: "data",
    about: "Where the rows are: JSON lines, a JSON array, CSV or TSV, by suffix.",
    keys: &[
        Key::new("file", Shape::Text, "one file, split 25/15/60 into train, val and gate"),
        Key::new("train", Shape::Text, "rows to learn from, where the split is yours"),
        Key::new("val", Shape::Text, "rows to rank finalists on; taken from train if left out"),
        Key::new("gate", Shape::Text, "rows to be judged on; nobody else reads them"),
        Key::new("adversarial", Shape::Text, "hand-written or natural hard rows, judged on only"),
        Key::new("id", Shape::Text, "column that names a row; a content hash if left out"),
        Key::new("group", Shape::Text, "column whose rows stay together, such as the customer"),
        Key::new("slices", Shape::Texts, "columns that divide the rows, such as the language"),
        Key::new("time", Shape::Text, "column with a date or number: the gate gets the newest rows"),
        Key::new("must_pass", Shape::Text, "column that is true for rows that must not newly fail"),
        Key::new(
            "mined_by",
            Shape::Text,
            "column that says whose failures a row was picked for; those of `baseline` or `candidate` are never judged on",
        ),
        Key::new("source", Shape::Text, "column that says where an adversarial row is from; a slice each"),
        Key::new("inputs", Shape::Map(&Shape::Text), "columns of inputs that are not named like the field"),
        Key::new("outputs", Shape::Map(&Shape::Text), "columns of outputs that are not named like the field"),
        Key::new("seed", Shape::Integer(0, i64::MAX), "which of the possible splits is dealt; 0 if left out"),
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

/// Reads `[data]`; nothing if no file is named (reported).
pub(crate) fn read(
    table: Reader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<DataConfig> {
    let columns = Columns {
        id: table.string("id"),
        group: table.string("group"),
        slices: table.texts("slices").iter().map(|column| (*column.get_ref()).to_owned()).collect(),
        time: table.string("time"),
        must_pass: table.string("must_pass"),
        mined_by: table.string("mined_by"),
        source: table.string("source"),
        inputs: renames(table.table("inputs")),
        outputs: renames(table.table("outputs")),
    };
    if let Some(program) = program {
        let inputs: Vec<_> = program.inputs().iter().map(|field| field.name.as_str()).collect();
        check_renames(table.table("inputs"), ("input", &inputs), problems);
        let outputs: Vec<_> = program.outputs().iter().map(|output| output.name.as_str()).collect();
        check_renames(table.table("outputs"), ("output", &outputs), problems);
    }
    let adversarial = path(table, "adversarial", folder, problems);
    let seed = table.whole("seed").unwrap_or(0);
    Some(DataConfig { files: files(table, folder, problems)?, adversarial, columns, seed })
}

fn files(table: Reader<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<DataFiles> {
    if let Some(span) = table.key_span("file") {
        for key in ["train", "val", "gate"] {
            if table.key_span(key).is_some() {
                let message = format!("`data` has both `file` and `{key}`");
                let problem = Problem::new(span.clone(), message, "split by whom?");
                problems.push(problem.hint("`file` is split for you; `train` and `gate` are split by you"));
            }
        }
        return Some(DataFiles::One(path(table, "file", folder, problems)?));
    }
    let (train, val, gate) = (
        path(table, "train", folder, problems),
        path(table, "val", folder, problems),
        path(table, "gate", folder, problems),
    );
    let one = ["train", "val", "gate"].iter().find_map(|key| table.key_span(key));
    let needed = [("train", "rows to learn from"), ("gate", "rows to be judged on")];
    for (key, what) in needed.into_iter().filter(|(key, _)| one.is_some() && table.get(key).is_none()) {
        let problem = Problem::new(one.clone()?, format!("`data` names no `{key}`: {what}"), "incomplete");
        problems.push(problem.hint("name `train` and `gate`, or one `file` that is split for you"));
    }
    if one.is_none() && table.is_there() {
        let span = table.entries().next().map_or(0..0, |(key, _)| key.span());
        let problem = Problem::new(span, "`data` names no file", "no `file`");
        problems.push(problem.hint("file = \"rows.jsonl\""));
    }
    Some(DataFiles::Given { train: train?, val, gate: gate? })
}

/// The path that a key names, checked to exist.
pub(crate) fn path(
    table: Reader<'_>,
    key: &str,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    let (name, span) = (table.text(key)?, table.span(key)?);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    let message =
        if path.is_dir() { format!("`{name}` is a folder") } else { format!("there is no file `{name}`") };
    let mut problem = Problem::new(span, message, "not a file");
    problem.hint = Some(beside(&path).unwrap_or_else(|| format!("looked for {}", path.display())));
    problems.push(problem);
    None
}

/// The file in the same folder that was probably meant.
fn beside(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    nearest(wanted, names.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"))
}

fn renames(table: Reader<'_>) -> BTreeMap<String, String> {
    let entries = table.entries();
    entries
        .filter_map(|(key, value)| Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned())))
        .collect()
}

fn check_renames(table: Reader<'_>, (what, known): (&str, &[&str]), problems: &mut Vec<Problem>) {
    for (key, _) in table.entries().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
        let message = format!("the program has no {what} `{}`", key.get_ref());
        let problem = Problem::new(key.span(), message, format!("unknown {what}"));
        problems.push(problem.hint(format!("field = \"column\"; {}", suggest(key.get_ref(), known))));
    }
}
