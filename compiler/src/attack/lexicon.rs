//! Lexicons: pairs of spellings that mean the same wherever they stand, and the swap between them.
//!
//! **Invariant:** after a swap both texts become the same once every second spelling is replaced by the first; that is
//! checked as the families' guarantee.

use std::ops::Range;

use rand::{Rng, RngExt};

use super::{Scene, protect::inside_quotes};

/// Pairs of spellings in lower case. No spelling stands in two pairs.
pub(super) type Lexicon = &'static [(&'static str, &'static str)];

/// How often a spelling that occurs is swapped.
const SWAPPED: f64 = 0.7;

/// The text with some spellings swapped, at least one; nothing if none occurs. Quotes and words of the task stay.
pub(super) fn swap(text: &str, lexicon: Lexicon, scene: &Scene<'_>, rng: &mut impl Rng) -> Option<String> {
    let mut found = occurrences(text, lexicon);
    found.retain(|(range, _)| {
        !scene.protected.mentions(&text[range.clone()]) && !inside_quotes(text, range.start)
    });
    let sure = rng.random_range(0..found.len().max(1));
    let mut changed = text.to_owned();
    for (i, (range, other)) in found.iter().enumerate().rev() {
        // Drawn for every one, so that the stream does not depend on which is sure.
        if rng.random_bool(SWAPPED) || i == sure {
            let capital = text[range.clone()].starts_with(char::is_uppercase);
            changed.replace_range(
                range.clone(),
                &if capital { capitalized(other) } else { (*other).to_owned() },
            );
        }
    }
    (!found.is_empty()).then_some(changed)
}

/// The text in lower case with every second spelling replaced by the first.
pub(super) fn normal(text: &str, lexicon: Lexicon) -> String {
    let lower = text.to_lowercase();
    let mut changed = lower.clone();
    for (range, other) in occurrences(&lower, lexicon).into_iter().rev() {
        let first = lexicon.iter().any(|(first, _)| *first == other);
        if first {
            changed.replace_range(range, other);
        }
    }
    changed
}

/// Where spellings stand as whole words, the longest first, each with its other spelling; in order, none overlapping.
fn occurrences(text: &str, lexicon: Lexicon) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    let (mut at, mut before) = (0, ' ');
    while let Some(c) = text[at..].chars().next() {
        let here = if is_word(before) { None } else { longest(&text[at..], lexicon) };
        let length = here.map_or(c.len_utf8(), |(length, _)| length);
        found.extend(here.map(|(length, other)| (at..at + length, other)));
        before = text[at..at + length].chars().last().unwrap_or(' ');
        at += length;
    }
    found
}

/// The longest spelling that the text begins with as a whole word, in bytes, and its other spelling.
fn longest(text: &str, lexicon: Lexicon) -> Option<(usize, &'static str)> {
    let both = lexicon.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
    let begins = |spelling: &str| {
        let head = text.get(..spelling.len()).is_some_and(|head| head.eq_ignore_ascii_case(spelling));
        head && !text[spelling.len()..].starts_with(is_word)
    };
    let fitting = both.filter(|(spelling, _)| begins(spelling));
    fitting.map(|(spelling, other)| (spelling.len(), other)).max_by_key(|(length, _)| *length)
}

/// Whether a character belongs to the word before or behind it: letters, digits, and what joins them.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}' | '-' | '_' | '/' | '@')
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Protected;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    const PAIRS: Lexicon = &[("it is", "it's"), ("two", "2")];

    #[test]
    fn whole_words_are_swapped_and_normalize_back() {
        let text = "It is two of 2021, \"it is\" 2, not 2.5 or 2-3; item two";
        let protected = Protected::default();
        let scene = Scene { protected: &protected, wrong_answer: None };
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let changed = swap(text, PAIRS, &scene, &mut rng).unwrap();
            assert_ne!(changed, text);
            assert_eq!(normal(&changed, PAIRS), normal(text, PAIRS));
            assert!(changed.contains("2021, \"it is\"") && changed.contains("2-3; item"), "{changed}");
        }
        assert_eq!(swap("nothing here", PAIRS, &scene, &mut ChaCha8Rng::seed_from_u64(1)), None);
    }
}
