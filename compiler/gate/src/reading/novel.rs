//! What the leak test compares with sealed rows: the parts of a prompt that neither the baseline nor a visible row holds.
//!
//! A text of 13 words or 50 characters that stands in a sealed row and nowhere that the search could see has no honest way
//! into a prompt (13-grams: Brown et al. 2020, arXiv:2005.14165, appendix C). Boilerplate that visible rows share with sealed
//! ones is no leak, so it is taken out first.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Finding, Flaw, Pages,
    span::{self, Span},
    texts_of,
};
use crate::{sealed::Sealed, text::plain};

/// Parts of a prompt that stand in no visible row, each with its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Novel {
    spans: Vec<Span>,
    /// Runs of [`LONG_RUN`] words, and of [`CHARACTERS`] characters.
    long: BTreeMap<u64, usize>,
    /// Runs of [`SHORT_RUN`] words.
    short: BTreeMap<u64, usize>,
    /// Whole values of demonstrations.
    whole: BTreeMap<u64, usize>,
}

const LONG_RUN: usize = 13;
const SHORT_RUN: usize = 5;
const CHARACTERS: usize = 50;
/// The share of a sealed text's short runs that makes a leak, in parts of 100.
const CONTAINED: usize = 60;
/// Texts with fewer short runs are too common to tell by them.
const LEAST_RUNS: usize = 6;
/// A demonstration with fewer words is not recognized by its text alone.
const LEAST_WORDS: usize = 3;

/// The hashes of one text's runs.
#[derive(Default)]
struct Runs {
    long: BTreeSet<u64>,
    short: BTreeSet<u64>,
    whole: Option<u64>,
}

impl Novel {
    pub(super) fn of(pages: &Pages<'_>) -> Self {
        let mut novel = Self::default();
        for (at, span) in span::all(pages.after).into_iter().enumerate() {
            let runs = Runs::of(&span.text);
            novel.long.extend(runs.long.iter().map(|run| (*run, at)));
            novel.short.extend(runs.short.iter().map(|run| (*run, at)));
            novel.whole.extend(runs.whole.filter(|_| span.is_data()).map(|run| (run, at)));
            novel.spans.push(span);
        }
        let before = span::all(pages.before);
        let known = before.iter().map(|span| span.text.as_str());
        for text in known.chain(pages.visible.iter().flat_map(|example| texts_of(example))) {
            novel.forget(&Runs::of(text));
        }
        novel
    }

    fn forget(&mut self, known: &Runs) {
        known.long.iter().for_each(|run| _ = self.long.remove(run));
        known.short.iter().for_each(|run| _ = self.short.remove(run));
        known.whole.iter().for_each(|run| _ = self.whole.remove(run));
    }

    /// One finding for each place that holds text of sealed rows.
    pub(super) fn leak(&self, sealed: &Sealed) -> Vec<Finding> {
        if self.long.is_empty() && self.short.is_empty() && self.whole.is_empty() {
            return vec![];
        }
        let texts = sealed.rows.iter().filter(|row| row.original).flat_map(|row| texts_of(&row.example));
        let places: BTreeSet<_> = texts.filter_map(|text| self.leaks(&Runs::of(text))).collect();
        places.into_iter().map(|at| Finding::new(Flaw::Leak, true, &self.spans[at])).collect()
    }

    /// Where the text with these runs stands, if it does.
    fn leaks(&self, sealed: &Runs) -> Option<usize> {
        let whole = sealed.whole.and_then(|run| self.whole.get(&run));
        let long = || sealed.long.iter().find_map(|run| self.long.get(run));
        let contained = || {
            let mut found = sealed.short.iter().filter_map(|run| self.short.get(run));
            let first = found.next()?;
            let share = 100 * (1 + found.count()) / sealed.short.len();
            (sealed.short.len() >= LEAST_RUNS && share >= CONTAINED).then_some(first)
        };
        whole.or_else(long).or_else(contained).copied()
    }
}

impl Runs {
    fn of(text: &str) -> Self {
        let plain = plain(text);
        let words: Vec<_> = plain.split(' ').collect();
        let runs =
            |length: usize| words.windows(length).map(|run| hash(&run.join(" "))).collect::<BTreeSet<_>>();
        let ends: Vec<_> = plain.char_indices().map(|(at, _)| at).chain([plain.len()]).collect();
        let characters = ends.windows(CHARACTERS + 1).map(|run| hash(&plain[run[0]..run[CHARACTERS]]));
        let mut long = runs(LONG_RUN);
        long.extend(characters);
        Self { long, short: runs(SHORT_RUN), whole: (words.len() >= LEAST_WORDS).then(|| hash(&plain)) }
    }
}

/// The first 8 bytes of the text's digest.
fn hash(text: &str) -> u64 {
    let digest = blake3::hash(text.as_bytes());
    digest.as_bytes()[..8].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
