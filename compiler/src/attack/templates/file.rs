//! The file of templates: JSON lines with one template each.
//!
//! **Invariant:** every line is a sound template, or a mistake with its line number and a hint.

use std::collections::BTreeMap;

use proofmark_runtime::Field;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    draw::{self, Draw},
    expression::Expression,
    pattern::{Pattern, Piece, pieces},
    template::Template,
};
use crate::config::suggest;

/// An example of a template, for hints.
pub(super) const EXAMPLE: &str = r#"{"text": "{name} buys {n} pens at {p} dollars each. How much does {name} pay?", "draw": {"name": ["Ann", "Omar"], "n": {"from": 2, "to": 40}, "p": {"from": 1, "to": 9}}, "answer": "n * p"}"#;

/// A mistake in a file of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// What is wrong with a line, and what to do about it.
#[derive(Debug)]
pub(super) struct LineProblem {
    pub(super) message: String,
    pub(super) hint: String,
}

impl LineProblem {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateLine {
    text: String,
    draw: Map<String, Json>,
    #[serde(rename = "where")]
    condition: Option<String>,
    answer: Json,
}

/// Reads all templates of a file.
///
/// # Errors
/// All mistakes in it.
pub(super) fn read(text: &str, outputs: &[Field]) -> Result<Vec<Template>, Vec<Mistake>> {
    let lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let mut templates = vec![];
    let mut mistakes = vec![];
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        match template(line, text, outputs) {
            Ok(template) => templates.push(template),
            Err(problems) => {
                mistakes.extend(problems.into_iter().map(|LineProblem { message, hint }| Mistake {
                    line,
                    message,
                    hint,
                }))
            }
        }
    }
    if templates.is_empty() && mistakes.is_empty() {
        let hint = format!("a template is a line such as {EXAMPLE}");
        mistakes.push(Mistake { line: 1, message: "there is no template".into(), hint });
    }
    if mistakes.is_empty() { Ok(templates) } else { Err(mistakes) }
}

fn template(number: usize, line: &str, outputs: &[Field]) -> Result<Template, Vec<LineProblem>> {
    let line = parse(line).map_err(|problem| vec![problem])?;
    let pieces = pieces(&line.text)
        .map_err(|message| vec![LineProblem::new(message, "a hole is a name in braces, such as {n}")])?;
    let mut problems = vec![];
    let draws = draws(&pieces, &line.draw, &mut problems);
    let holes = holes(&pieces);
    let condition = line.condition.and_then(|source| compiled("where", &source, &holes, &mut problems));
    let answers = answers(&line.answer, &holes, outputs, &mut problems);
    let is_number = |hole: &str| draws.get(hole).is_some_and(Draw::is_number);
    let pattern = Pattern::new(&pieces, is_number).map_err(|error| {
        vec![LineProblem::new(format!("the text cannot be a pattern: {error}"), "shorten it")]
    })?;
    if !problems.is_empty() {
        return Err(problems);
    }
    let draws = draws.into_iter().map(|(hole, draw)| (hole.to_owned(), draw)).collect();
    let template = Template { line: number, pattern, draws, condition, answers };
    let hint = "`draw`, `where` and `answer` must fit each other and the task's outputs";
    template.can_be_drawn(outputs).map_err(|message| vec![LineProblem::new(message, hint)])?;
    Ok(template)
}

fn parse(line: &str) -> Result<TemplateLine, LineProblem> {
    let hint = || format!("a template is a line such as {EXAMPLE}");
    let json: Json = serde_json::from_str(line).map_err(|error| {
        let full = error.to_string();
        let what = full.split(" at line ").next().unwrap_or(&full);
        LineProblem::new(format!("not JSON: {what} (at byte {} of {})", error.column(), line.len()), hint())
    })?;
    if !json.is_object() {
        return Err(LineProblem::new("the line is not a JSON object", hint()));
    }
    TemplateLine::deserialize(json).map_err(|error| LineProblem::new(error.to_string(), hint()))
}

/// The names of the holes, each once, in order.
fn holes(pieces: &[Piece]) -> Vec<&str> {
    let mut holes: Vec<&str> = vec![];
    for piece in pieces {
        if let Piece::Hole(name) = piece
            && !holes.contains(&name.as_str())
        {
            holes.push(name);
        }
    }
    holes
}

/// The values of each hole, by its name.
fn draws<'l>(
    pieces: &[Piece],
    draw: &'l Map<String, Json>,
    problems: &mut Vec<LineProblem>,
) -> BTreeMap<&'l str, Draw> {
    let holes = holes(pieces);
    if holes.is_empty() {
        let hint = "write a hole, such as {n}, for each value that may be drawn";
        problems.push(LineProblem::new("the text has no hole", hint));
    }
    for hole in holes.iter().filter(|hole| !draw.contains_key(**hole)) {
        problems
            .push(LineProblem::new(format!("`draw` has no values for the hole {{{hole}}}"), draw::EXAMPLE));
    }
    let mut draws = BTreeMap::new();
    for (name, json) in draw {
        if !holes.contains(&name.as_str()) {
            let message = format!("`draw` has values for `{name}`, but the text has no such hole");
            problems.push(LineProblem::new(message, suggest(name, &holes)));
        }
        match Draw::read(json) {
            Ok(draw) => _ = draws.insert(name.as_str(), draw),
            Err(problem) => problems.push(LineProblem::new(format!("`{name}` {problem}"), draw::EXAMPLE)),
        }
    }
    draws
}

/// The expression of each output: one for the only output, or an object of them.
fn answers(
    json: &Json,
    holes: &[&str],
    outputs: &[Field],
    problems: &mut Vec<LineProblem>,
) -> Vec<(String, Expression)> {
    let names: Vec<_> = outputs.iter().map(|field| field.name.as_str()).collect();
    let hint = || match names.as_slice() {
        [_] => "an expression over the holes, such as \"n * p\"".to_owned(),
        _ => format!("an object with an expression for each output: {}", names.join(", ")),
    };
    let written: Vec<_> = match (json, names.as_slice()) {
        (Json::String(source), [only]) => vec![((*only).to_owned(), source.as_str())],
        (Json::Object(map), _) if !map.is_empty() && map.values().all(Json::is_string) => {
            map.iter().filter_map(|(name, source)| Some((name.clone(), source.as_str()?))).collect()
        }
        _ => {
            problems.push(LineProblem::new("`answer` has no expression for the outputs", hint()));
            vec![]
        }
    };
    let mut answers = vec![];
    for (name, source) in written {
        if !names.contains(&name.as_str()) {
            let message = format!("`answer` names `{name}`, which is not an output");
            problems.push(LineProblem::new(message, suggest(&name, &names)));
        }
        answers.extend(compiled("answer", source, holes, problems).map(|answer| (name, answer)));
    }
    answers
}

/// The compiled expression of a key; none if it has a mistake (reported).
fn compiled(key: &str, source: &str, holes: &[&str], problems: &mut Vec<LineProblem>) -> Option<Expression> {
    match Expression::new(source, holes) {
        Ok(expression) => Some(expression),
        Err(LineProblem { message, hint }) => {
            problems.push(LineProblem::new(format!("`{key}` is {source:?}: {message}"), hint));
            None
        }
    }
}
