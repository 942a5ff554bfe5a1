//! Spans: what a prompt says that the one before did not, sentence by sentence.

use std::collections::BTreeSet;

use proofmark_runtime::{Example, Module, Program};

use super::{texts, texts_of};
use crate::text::plain;

/// A sentence, or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The path of the parameter that it stands in.
    pub(super) place: String,
    pub(super) text: String,
    pub(super) source: Source,
}

/// Where a span comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Written to instruct: an instruction, or the description of a field.
    Wording,
    /// A value inside a demonstration.
    Demonstration,
}

/// Sentences with more words are read in parts.
const LONG: usize = 30;
/// Words of a part.
const PART: usize = 20;

impl Span {
    /// Whether it is quoted data rather than an instruction.
    pub(super) fn is_data(&self) -> bool {
        self.source == Source::Demonstration
    }
}

/// Spans of `after` that stand neither in `before` nor, for demonstrations, in visible rows.
pub(super) fn added(before: &Program, after: &Program, visible: &[&Example]) -> Vec<Span> {
    let old: BTreeSet<_> = all(before).iter().flat_map(|whole| sentences(&whole.text)).map(plain).collect();
    let rows: BTreeSet<&str> = visible.iter().flat_map(|example| texts_of(example)).collect();
    let mut added = Vec::new();
    for whole in all(after) {
        if whole.is_data() && rows.contains(whole.text.as_str()) {
            continue;
        }
        let new = sentences(&whole.text).into_iter().filter(|sentence| !old.contains(&plain(sentence)));
        let part = |text: String| Span { text, ..whole.clone() };
        added.extend(new.flat_map(parts).map(part));
    }
    added
}

/// Everything that a program says, parameter by parameter and value by value.
pub(super) fn all(program: &Program) -> Vec<Span> {
    program.modules().iter().flat_map(of_module).collect()
}

/// The wording of a program: all that instructs, as one text.
pub(super) fn wording(program: &Program) -> String {
    program.modules().iter().map(wording_of).collect::<Vec<_>>().join("\n")
}

/// The wording of one module.
pub(super) fn wording_of(module: &Module) -> String {
    let spans = of_module(module).into_iter().filter(|span| !span.is_data());
    spans.map(|span| span.text).collect::<Vec<_>>().join("\n")
}

fn of_module(module: &Module) -> Vec<Span> {
    let span = |place: String, text: &str, source| Span { place, text: text.to_owned(), source };
    let name = &module.name;
    let mut spans =
        vec![span(format!("{name}.instruction"), &module.signature.instructions, Source::Wording)];
    for field in module.signature.inputs.iter().chain(&module.signature.outputs) {
        spans.push(span(format!("{name}.about.{}", field.name), &field.about, Source::Wording));
    }
    for (i, shown) in module.demonstrations.iter().enumerate() {
        let place = format!("{name}.demonstrations, number {}", i + 1);
        let values = shown.inputs.iter().chain(shown.outputs.iter()).flat_map(|(_, value)| texts(value));
        spans.extend(values.map(|text| span(place.clone(), text, Source::Demonstration)));
    }
    spans.retain(|span| !span.text.trim().is_empty());
    spans
}

/// Splits after line ends and after `.`, `!`, `?` with white space behind.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut start, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        if c == '\n' || c.is_whitespace() && matches!(before, '.' | '!' | '?') {
            sentences.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        before = c;
    }
    sentences.push(&text[start..]);
    sentences.into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

/// A long sentence in parts of about equal length.
fn parts(sentence: &str) -> Vec<String> {
    let words: Vec<_> = sentence.split_whitespace().collect();
    if words.len() <= LONG {
        return vec![sentence.to_owned()];
    }
    let size = words.len().div_ceil(words.len().div_ceil(PART));
    words.chunks(size).map(|words| words.join(" ")).collect()
}
