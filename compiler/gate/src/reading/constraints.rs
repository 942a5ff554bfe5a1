//! Constraints that exclude each other or say the same twice, an answer's form that got lost, and sheer length. None of it
//! refuses a prompt: the rows say whether it hurts. All findings are worth a look by the owner of the prompt.

use std::collections::BTreeSet;

use proofmark_runtime::Module;

use super::{
    Finding, Flaw, Pages,
    patterns::{Patterns, compiled},
    span::{self, Source, Span, sentences},
};
use crate::text::plain;

/// Sentences share at least this much of their words, in parts of 100, when they are about the same thing.
const SAME: usize = 80;
/// Shorter constraints are too alike.
const LEAST_WORDS: usize = 3;
/// How many times longer than the baseline, and by how many characters at least, a wording is long.
const LONG: (usize, usize) = (3, 600);

/// What says how the answer shall look.
static FORM: Patterns = Patterns::new(|| {
    compiled(&[
        r"\b(answer|reply|respond|output|return|write|give)\b.*\b(only|exactly|json|xml|words?|lines?|format|sentences?|number|letter)\b",
        r"\b(format|json|at most \d+|no more than \d+)\b",
    ])
});

/// Words that turn a constraint round, or say no more than that it is one.
const NEGATIVE: &[&str] = &["never", "not", "don", "dont", "avoid", "without", "cannot", "mustn", "shouldn"];
const EMPTY: &[&str] =
    &["always", "must", "should", "do", "please", "you", "the", "a", "an", "t", "to", "be", "sure", "make"];

pub(super) fn read(pages: &Pages<'_>) -> Vec<Finding> {
    let mut findings = pairs(pages);
    let [before, after] = [pages.before, pages.after].map(span::wording);
    let place = span::all(pages.after).into_iter().next().map_or_else(String::new, |span| span.place);
    let whole = |text: &str| Span { place: place.clone(), text: text.to_owned(), source: Source::Wording };
    if let Some(lost) = sentences(&before).into_iter().find(|sentence| is_form(sentence))
        && !sentences(&after).into_iter().any(is_form)
    {
        findings.push(Finding::new(Flaw::NoOutputForm, false, &whole(lost)));
    }
    let [old, new] = [&before, &after].map(|text| text.chars().count());
    if new > LONG.0 * old && new > old + LONG.1 {
        findings.push(Finding::new(Flaw::Long, false, &whole("")));
    }
    findings
}

fn is_form(sentence: &str) -> bool {
    FORM.hit(sentence)
}

/// Every added sentence that another sentence of the same module's wording excludes or repeats.
fn pairs(pages: &Pages<'_>) -> Vec<Finding> {
    let of_module = |module: &Module| {
        let text = span::wording_of(module);
        let all: Vec<_> = sentences(&text).into_iter().map(Constraint::of).collect();
        let own = format!("{}.", module.name);
        let wording = pages.added.iter().filter(|span| !span.is_data() && span.place.starts_with(&own));
        wording.filter_map(|added| pair(&all, added)).collect::<Vec<_>>()
    };
    pages.after.modules().iter().flat_map(of_module).collect()
}

fn pair(all: &[Constraint], added: &Span) -> Option<Finding> {
    let own = Constraint::of(&added.text);
    let others = all.iter().filter(|other| other.is_like(&own));
    // The sentence itself is among all of them once.
    let (same, turned): (Vec<_>, Vec<_>) = others.partition(|other| other.negative == own.negative);
    match (turned.is_empty(), same.len() > 1) {
        (false, _) => Some(Finding::new(Flaw::Contradiction, false, added)),
        (true, true) => Some(Finding::new(Flaw::Duplicate, false, added)),
        (true, false) => None,
    }
}

struct Constraint {
    words: BTreeSet<String>,
    negative: bool,
}

impl Constraint {
    fn of(sentence: &str) -> Self {
        let plain = plain(sentence);
        let negative = plain.split(' ').any(|word| NEGATIVE.contains(&word));
        let told = plain.split(' ').filter(|word| !NEGATIVE.contains(word) && !EMPTY.contains(word));
        Self { words: told.map(str::to_owned).collect(), negative }
    }

    fn is_like(&self, other: &Self) -> bool {
        let shared = self.words.intersection(&other.words).count();
        let all = self.words.union(&other.words).count();
        self.words.len().min(other.words.len()) >= LEAST_WORDS && 100 * shared >= SAME * all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(FORM.len(), 2);
    }
}
