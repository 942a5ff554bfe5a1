//! Repetition: the rules for documents of Rae et al. 2021 (Gopher, arXiv:2112.11446, table A1) on the new wording, and on
//! each added span the most frequent pair of words.

use std::collections::BTreeMap;

use proofmark_runtime::Module;

use super::{
    Finding, Flaw, Pages,
    span::{self, Source, Span},
};
use crate::text::plain;

/// Runs of n words and the share of characters that the most frequent one may take up, in parts of 100.
const TOP: [(usize, usize); 3] = [(2, 20), (3, 18), (4, 16)];
/// Runs of n words and the share of characters that repeated ones may take up.
const REPEATED: [(usize, usize); 6] = [(5, 15), (6, 14), (7, 13), (8, 12), (9, 11), (10, 10)];
/// The share of lines, and of characters in lines, that may be repeats.
const LINES: (usize, usize) = (30, 20);
/// Wordings with fewer words repeat themselves by chance.
const LEAST_WORDS: usize = 50;
/// A rule that is exceeded this many times over is grave; 2 of 100 good prompts exceed one.
const GRAVE: usize = 2;
/// The share of a span that its most frequent pair of words may take up before it is worth a look, and before it is grave.
const PAIR: (usize, usize) = (23, 35);
/// The least number of words of a span that is read, and of occurrences of the pair.
const SPAN: (usize, usize) = (8, 3);

pub(super) fn read(pages: &Pages<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = pages.added.iter().filter_map(of_span).collect();
    if !findings.iter().any(|finding| finding.grave) {
        findings.extend(pages.after.modules().iter().filter_map(|module| of_module(pages, module)));
    }
    findings
}

/// The rules on the wording of one module: modules are separate prompts, and two that say the same repeat nothing.
fn of_module(pages: &Pages<'_>, module: &Module) -> Option<Finding> {
    let before = pages.before.modules().iter().find(|before| before.name == module.name);
    let old = before.map_or(0.0, |before| excess(&span::wording_of(before)));
    let text = span::wording_of(module);
    let new = excess(&text);
    let whole = Span { place: format!("{}.instruction", module.name), text, source: Source::Wording };
    (new > 1.0 && new > old).then(|| Finding::new(Flaw::Repetition, new > GRAVE as f64, &whole))
}

fn of_span(span: &Span) -> Option<Finding> {
    let plain = plain(&span.text);
    let words: Vec<_> = plain.split(' ').collect();
    let (share, count) = top(&words, 2);
    let repeats = words.len() >= SPAN.0 && count >= SPAN.1 && share > PAIR.0 as f64;
    repeats.then(|| Finding::new(Flaw::Repetition, share > PAIR.1 as f64, span))
}

/// The largest share of a rule in parts of what the rule allows: above 1 a rule fires.
fn excess(text: &str) -> f64 {
    let plain = plain(text);
    let words: Vec<_> = plain.split(' ').collect();
    if words.len() < LEAST_WORDS {
        return 0.0;
    }
    let top = TOP.iter().map(|(n, allowed)| top(&words, *n).0 / *allowed as f64);
    let repeated = REPEATED.iter().map(|(n, allowed)| repeated(&words, *n) / *allowed as f64);
    top.chain(repeated).fold(lines(text), f64::max)
}

/// The share of characters, in percent, in the run of `n` words that takes up most, and how often that occurs (at least
/// twice, else 0).
fn top(words: &[&str], n: usize) -> (f64, usize) {
    let mut counts: BTreeMap<&[&str], usize> = BTreeMap::new();
    words.windows(n).for_each(|run| *counts.entry(run).or_default() += 1);
    let size = |run: &[&str]| run.iter().map(|word| word.chars().count()).sum::<usize>();
    let most = counts.iter().filter(|(_, count)| **count > 1).max_by_key(|(run, count)| size(run) * **count);
    most.map_or((0.0, 0), |(run, count)| (percent(size(run) * count, size(words)), *count))
}

/// The share of characters, in percent, in runs of `n` words that occurred before, none counted twice.
fn repeated(words: &[&str], n: usize) -> f64 {
    let mut seen = std::collections::BTreeSet::new();
    let mut again = vec![false; words.len()];
    for (at, run) in words.windows(n).enumerate() {
        if !seen.insert(run) {
            again[at..at + n].fill(true);
        }
    }
    let size = |word: &&str| word.chars().count();
    let in_repeats = words.iter().zip(&again).filter(|(_, again)| **again).map(|(word, _)| size(word)).sum();
    percent(in_repeats, words.iter().map(size).sum())
}

fn lines(text: &str) -> f64 {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut seen = std::collections::BTreeSet::new();
    let again: Vec<_> = lines.iter().filter(|line| !seen.insert(**line)).collect();
    let characters = |lines: usize, of: usize| percent(lines, of);
    let size = |line: &&str| line.chars().count();
    let in_repeats = again.iter().map(|line| size(line)).sum();
    let by_lines = characters(again.len(), lines.len()) / LINES.0 as f64;
    by_lines.max(characters(in_repeats, lines.iter().map(size).sum()) / LINES.1 as f64)
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
