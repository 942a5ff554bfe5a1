//! Score tables: scores that another tool measured, judged by the same code as our own prompts.
//!
//! A table is one file per prompt, JSON lines or CSV, with one row per answer: `id` or `seed` (the original row), `variant`
//! (`clean` or the name of a perturbation; `clean` if left out), `score` (0 to 1, `true` or `false`), and optionally `slice` and
//! `valid`. Rows of two tables pair by id and variant.
//!
//! **Invariant:** no row is dropped: a row without a partner, a row twice, or a score outside 0 to 1 stops the judgement, and
//! the error names its line.

mod read;

use std::collections::BTreeMap;

use proofmark_runtime::{Digest, Example, ExampleId, Record, Score, digest, model::Usage};

use super::{
    measure::{Cell, Contender, Measure, Measured},
    sealed::{CLEAN, Plan, Sealed},
};

/// The scores of one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    name: String,
    rows: BTreeMap<Key, Entry>,
}

/// The id of the unit, and the variant.
type Key = (String, String);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    line: usize,
    score: Score,
    valid: bool,
    slice: Option<String>,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    JsonLines,
    /// Comma-separated with a header.
    Csv,
}

/// Why tables cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Rows that cannot be read.
    #[error("{table} has {count} bad row(s):\n  {}\na row looks like {EXAMPLE}", problems.join("\n  "))]
    Rows {
        /// The table.
        table: String,
        /// How many.
        count: usize,
        /// The first of them, each with its line.
        problems: Vec<String>,
    },
    /// There is nothing in it.
    #[error("{table} has no rows; a row looks like {EXAMPLE}")]
    Empty {
        /// The table.
        table: String,
    },
    /// Rows that two tables put into different slices.
    #[error(
        "{candidate} and {baseline} put {count} rows into different slices:\n  {}\n\
         a slice says what a row is, so it is the same for both prompts",
        rows.join("\n  ")
    )]
    Sliced {
        /// One table.
        baseline: String,
        /// The other.
        candidate: String,
        /// How many rows.
        count: usize,
        /// The first of them.
        rows: Vec<String>,
    },
    /// Rows that only one of two tables has.
    #[error(
        "{candidate} and {baseline} do not cover the same rows; {count} have no partner:\n  {}\n\
         score both prompts on every row and try again",
        rows.join("\n  ")
    )]
    Unpaired {
        /// One table.
        baseline: String,
        /// The other.
        candidate: String,
        /// How many rows.
        count: usize,
        /// The first of them, and the table that lacks them.
        rows: Vec<String>,
    },
}

const EXAMPLE: &str = r#"{"id": "row-17", "variant": "clean", "score": 1, "slice": "email", "valid": true}"#;

/// The most problems that an error lists.
const LISTED: usize = 20;

impl Table {
    /// Reads a table from text.
    ///
    /// # Errors
    /// All bad rows: unreadable, twice, or with a score that is none.
    pub fn parse(name: &str, text: &str, format: Format) -> Result<Self, TableError> {
        let mut problems = vec![];
        let mut rows: BTreeMap<Key, Entry> = BTreeMap::new();
        for row in read::rows(text.trim_start_matches('\u{feff}'), format) {
            match row {
                Ok((key, entry)) => match rows.get(&key) {
                    Some(first) => problems.push(format!(
                        "line {}: id {:?}, variant {:?} was already on line {}",
                        entry.line, key.0, key.1, first.line
                    )),
                    None => _ = rows.insert(key, entry),
                },
                Err(problem) => problems.push(problem),
            }
        }
        let table = name.to_owned();
        let count = problems.len();
        if count > 0 {
            problems.truncate(LISTED);
            return Err(TableError::Rows { table, count, problems });
        }
        if rows.is_empty() { Err(TableError::Empty { table }) } else { Ok(Self { name: table, rows }) }
    }

    /// A table of clean rows, whose keys are their positions.
    pub(crate) fn of_scores(name: &str, scores: impl IntoIterator<Item = Score>) -> Self {
        let mut rows = BTreeMap::new();
        for (position, score) in scores.into_iter().enumerate() {
            let entry = Entry { line: position + 1, score, valid: true, slice: None };
            rows.insert((position.to_string(), CLEAN.to_owned()), entry);
        }
        Self { name: name.to_owned(), rows }
    }

    /// The content hash of its rows.
    pub fn fingerprint(&self) -> Digest {
        let rows = self.rows.iter().map(|(key, entry)| (key, entry.score, entry.valid, &entry.slice));
        digest(&("score table", rows.collect::<Vec<_>>()))
    }

    /// The name it was read under.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Tables of a baseline and its finalists, paired.
#[derive(Debug)]
pub struct Paired {
    sealed: Sealed,
    /// By contender, the baseline first, then by row.
    answers: Vec<Vec<Measured>>,
}

impl Paired {
    /// Pairs tables.
    ///
    /// # Errors
    /// If a row of one has no partner in another.
    pub fn new(baseline: &Table, finalists: &[Table]) -> Result<Self, TableError> {
        finalists.iter().try_for_each(|finalist| check_pairs(baseline, finalist))?;
        finalists.iter().try_for_each(|finalist| check_slices(baseline, finalist))?;
        let mut plan = Plan::default();
        for (key, entry) in &baseline.rows {
            let slices = finalists.iter().filter_map(|finalist| finalist.rows.get(key)?.slice.as_ref());
            let slice = entry.slice.as_ref().or(slices.into_iter().next());
            plan.add_bare(&key.0, &key.1, bare_example(key, slice));
        }
        let mut sealed = plan.seal(vec![]);
        sealed.open = true;
        let answers = [baseline].into_iter().chain(finalists).map(|table| table.answers(&sealed)).collect();
        Ok(Self { sealed, answers })
    }

    /// Whether there are rows as they are, beside their perturbations.
    pub fn has_clean_rows(&self) -> bool {
        self.sealed.units.iter().any(|unit| !unit.clean.is_empty())
    }

    /// The rows, for the gate; and the scores, for measuring.
    pub fn parts(&mut self) -> (&Sealed, Scores<'_>) {
        (&self.sealed, Scores { answers: &self.answers })
    }
}

/// Looks scores up.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    answers: &'a [Vec<Measured>],
}

/// The gate asked for the scores of a prompt that has no score table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gate asked for a prompt that has no score table; this is a mistake in the program")]
pub struct NoTable;

impl Measure for Scores<'_> {
    type Error = NoTable;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, NoTable> {
        let position = match contender {
            Contender::Baseline => 0,
            Contender::Finalist(position) => position + 1,
        };
        let answers = self.answers.get(position).ok_or(NoTable)?;
        cells.iter().map(|cell| answers.get(cell.index).cloned().ok_or(NoTable)).collect()
    }
}

impl Table {
    fn answers(&self, sealed: &Sealed) -> Vec<Measured> {
        let key = |row: &super::sealed::Row| {
            let id = row.unit.map_or("", |unit| &sealed.units[unit].key);
            (id.to_owned(), row.variant.clone())
        };
        let entries = sealed.rows.iter().filter_map(|row| self.rows.get(&key(row)));
        entries
            .map(|entry| Measured {
                score: entry.score,
                valid: entry.valid,
                usage: Usage::default(),
                guards: vec![],
            })
            .collect()
    }
}

fn bare_example((id, variant): &Key, slice: Option<&String>) -> Example {
    Example {
        id: ExampleId(format!("{id}/{variant}")),
        inputs: Record::new(),
        outputs: Record::new(),
        slices: slice.iter().map(|slice| ("slice".to_owned(), (*slice).clone())).collect(),
    }
}

fn check_pairs(baseline: &Table, finalist: &Table) -> Result<(), TableError> {
    let lacks = |of: &Table, by: &Table| {
        let lonely = of.rows.iter().filter(|(key, _)| !by.rows.contains_key(*key));
        let name = by.name.clone();
        lonely
            .map(|((id, variant), entry)| {
                format!(
                    "id {id:?}, variant {variant:?} (line {} of {}) is missing in {name}",
                    entry.line, of.name
                )
            })
            .collect::<Vec<_>>()
    };
    let mut rows = [lacks(baseline, finalist), lacks(finalist, baseline)].concat();
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    rows.truncate(LISTED);
    Err(TableError::Unpaired {
        baseline: baseline.name.clone(),
        candidate: finalist.name.clone(),
        count,
        rows,
    })
}

/// A slice that only one of two tables names is taken from that one.
fn check_slices(baseline: &Table, finalist: &Table) -> Result<(), TableError> {
    let mut rows = vec![];
    for ((id, variant), entry) in &baseline.rows {
        let Some(other) = finalist.rows.get(&(id.clone(), variant.clone())) else { continue };
        let (Some(old), Some(new)) = (&entry.slice, &other.slice) else { continue };
        if old != new {
            rows.push(format!(
                "id {id:?}, variant {variant:?}: {old:?} (line {}) and {new:?} (line {})",
                entry.line, other.line
            ));
        }
    }
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    rows.truncate(LISTED);
    Err(TableError::Sliced { baseline: baseline.name.clone(), candidate: finalist.name.clone(), count, rows })
}

#[cfg(test)]
mod tests;
