//! What the page of an audit shows: variants with what changed, and buttons to keep or drop each.

use std::collections::BTreeMap;

use proofmark_runtime::Digest;
use serde::Serialize;

use crate::{
    attack::audit::Case,
    diff::{Piece, words},
};

/// The page.
#[derive(Serialize)]
pub struct AuditPage<'a> {
    task: &'a str,
    cases: Vec<CasePart<'a>>,
    tool: String,
}

/// One variant.
#[derive(Serialize)]
struct CasePart<'a> {
    item: String,
    family: &'a str,
    steps: String,
    class: String,
    edited: String,
    row: &'a str,
    answer: String,
    new_answer: Option<String>,
    pieces: Vec<PiecePart>,
    /// `keep`, `drop` or nothing yet.
    said: &'static str,
}

/// A part of the text; what stays is in both.
#[derive(Serialize)]
struct PiecePart {
    changed: bool,
    before: String,
    after: String,
}

impl<'a> AuditPage<'a> {
    /// The page of a task's sample, with what was said already.
    pub fn new(task: &'a str, sample: &[&'a Case], said: &BTreeMap<Digest, bool>) -> Self {
        let cases = sample.iter().map(|case| CasePart::new(case, said.get(&case.item).copied())).collect();
        Self { task, cases, tool: format!("Proofmark {}", env!("CARGO_PKG_VERSION")) }
    }
}

impl<'a> CasePart<'a> {
    fn new(case: &'a Case, said: Option<bool>) -> Self {
        let (before, after) = case.texts();
        let (old, new) = (case.row.label(), case.variant.label());
        Self {
            item: case.item.to_string(),
            family: &case.family,
            steps: if case.steps.len() > 1 { case.steps.join(", then ") } else { String::new() },
            class: format!("{:?}", case.class),
            edited: format!("{:.0}", 100.0 * case.edit_rate),
            row: &case.row.id.0,
            new_answer: (old != new).then_some(new),
            answer: old,
            pieces: words(&before, &after).into_iter().map(PiecePart::from).collect(),
            said: match said {
                Some(true) => "keep",
                Some(false) => "drop",
                None => "",
            },
        }
    }
}

impl From<Piece> for PiecePart {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Same(text) => Self { changed: false, before: text.clone(), after: text },
            Piece::Changed(before, after) => Self { changed: true, before, after },
        }
    }
}
