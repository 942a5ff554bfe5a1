//! Reading the rows of a score table.

use proofmark_runtime::Score;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Entry, Format, Key};
use crate::sealed::CLEAN;

/// A row as it is written in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(alias = "seed")]
    id: Json,
    variant: Option<String>,
    score: Json,
    slice: Option<String>,
    valid: Option<bool>,
}

/// A row as it is written in CSV.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Separated {
    #[serde(alias = "seed")]
    id: String,
    variant: Option<String>,
    score: String,
    slice: Option<String>,
    valid: Option<String>,
}

/// The rows with their keys, or what is wrong with them; empty lines are skipped.
pub(super) fn rows(text: &str, format: Format) -> Vec<Result<(Key, Entry), String>> {
    match format {
        Format::JsonLines => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            lines
                .map(|(i, line)| {
                    json_row(line)
                        .map_err(|problem| at(i + 1, &problem))
                        .map(|(key, entry)| (key, Entry { line: i + 1, ..entry }))
                })
                .collect()
        }
        Format::Csv => {
            let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
            let headers = reader.headers().cloned().unwrap_or_default();
            reader.records().map(|record| csv_row(record, &headers)).collect()
        }
    }
}

fn at(line: usize, problem: &str) -> String {
    format!("line {line}: {problem}")
}

fn json_row(line: &str) -> Result<(Key, Entry), String> {
    let written: Written = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let id = match written.id {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        other => return Err(format!("id must be text or a number, not {other}")),
    };
    let number = match written.score {
        Json::Bool(right) => f64::from(right),
        Json::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        other => return Err(format!("score must be a number from 0 to 1, not {other}")),
    };
    entry(id, written.variant, written.slice, number, written.valid.unwrap_or(true))
}

fn csv_row(
    record: Result<csv::StringRecord, csv::Error>,
    headers: &csv::StringRecord,
) -> Result<(Key, Entry), String> {
    let record = record.map_err(|error| csv_problem(&error))?;
    let line = line_of(record.position());
    csv_entry(&record, headers)
        .map_err(|problem| at(line, &problem))
        .map(|(key, entry)| (key, Entry { line, ..entry }))
}

fn line_of(position: Option<&csv::Position>) -> usize {
    position.map_or(0, |position| usize::try_from(position.line()).unwrap_or(0))
}

fn csv_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            at(line_of(pos.as_ref()), &format!("the row has {len} fields, but the header has {expected_len}"))
        }
        _ => at(line_of(error.position()), &error.to_string()),
    }
}

fn csv_entry(record: &csv::StringRecord, headers: &csv::StringRecord) -> Result<(Key, Entry), String> {
    let row: Separated = record.deserialize(Some(headers)).map_err(|error| error.to_string())?;
    let number = match row.score.to_lowercase().as_str() {
        "true" => 1.0,
        "false" => 0.0,
        number => {
            number.parse().map_err(|_| format!("score must be a number from 0 to 1, not {:?}", row.score))?
        }
    };
    let valid = match row.valid.as_deref().map(str::to_lowercase).as_deref() {
        None | Some("" | "true" | "1" | "yes") => true,
        Some("false" | "0" | "no") => false,
        Some(other) => return Err(format!("valid must be true or false, not {other:?}")),
    };
    entry(row.id, row.variant, row.slice, number, valid)
}

fn entry(
    id: String,
    variant: Option<String>,
    slice: Option<String>,
    score: f64,
    valid: bool,
) -> Result<(Key, Entry), String> {
    if id.is_empty() {
        return Err("id is empty".into());
    }
    let score = Score::new(score).map_err(|error| error.to_string())?;
    let is_clean = |name: &String| name.is_empty() || name.eq_ignore_ascii_case(CLEAN);
    let variant = variant.filter(|name| !is_clean(name)).unwrap_or_else(|| CLEAN.to_owned());
    let slice = slice.filter(|name| !name.is_empty());
    Ok(((id, variant), Entry { line: 0, score, valid, slice }))
}
