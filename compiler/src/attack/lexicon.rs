//! Lexicons: pairs of spellings with the same meaning in every context, and the swap between them. A family that is only a
//! table is one [`Lexicon`].
//!
//! **Invariant:** after a swap both texts become equal if every second spelling is replaced by the first. This is checked as
//! the guarantee of these families.

use std::ops::Range;

use rand::{Rng, RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Normalizer, Scene, protect::inside_quotes};

/// A family that swaps spellings, both ways.
pub(super) struct Lexicon {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Pairs of spellings in lower case. No spelling is in two pairs.
    pub(super) pairs: &'static [(&'static str, &'static str)],
}

impl Family for Lexicon {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Respells(self)
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let both: Vec<_> = self.pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
        swap(text, &both, scene, rng)
    }
}

impl Normalizer for Lexicon {
    fn normal(&self, text: &str) -> String {
        let seconds: Vec<_> = self.pairs.iter().map(|(first, second)| (*second, *first)).collect();
        replaced(text, &seconds)
    }
}

/// A spelling in lower case and its replacement.
pub(super) type Spelling<'r> = (&'r str, &'r str);

/// The probability that an occurrence is swapped.
const SWAPPED: f64 = 0.7;

/// The text with some occurrences replaced, at least one; none if there is no occurrence. Quotes and words of the task stay.
pub(super) fn swap(
    text: &str,
    rules: &[Spelling<'_>],
    scene: &Scene<'_>,
    rng: &mut impl Rng,
) -> Option<String> {
    let mut found = occurrences(text, rules);
    found.retain(|(range, _)| {
        !scene.protected.mentions(&text[range.clone()]) && !inside_quotes(text, range.start)
    });
    let sure = rng.random_range(0..found.len().max(1));
    let mut changed = text.to_owned();
    for (i, (range, other)) in found.iter().enumerate().rev() {
        // The draw is made for every occurrence, so that the stream does not depend on the sure one.
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

/// The text in lower case with all occurrences replaced.
pub(super) fn replaced(text: &str, rules: &[Spelling<'_>]) -> String {
    let lower = text.to_lowercase();
    let mut changed = lower.clone();
    for (range, other) in occurrences(&lower, rules).into_iter().rev() {
        changed.replace_range(range, other);
    }
    changed
}

/// The occurrences of the spellings as whole words with their replacements, in order, without overlap; the longest spelling
/// wins.
fn occurrences<'r>(text: &str, rules: &[Spelling<'r>]) -> Vec<(Range<usize>, &'r str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let here = if continues(text[..at].chars().rev()) { None } else { longest(&text[at..], rules) };
        let length = here.map_or(c.len_utf8(), |(length, _)| length);
        found.extend(here.map(|(length, other)| (at..at + length, other)));
        at += length;
    }
    found
}

/// The length in bytes of the longest spelling that the text begins with as a whole word, and its replacement.
fn longest<'r>(text: &str, rules: &[Spelling<'r>]) -> Option<(usize, &'r str)> {
    let begins = |spelling: &str| {
        let head = text.get(..spelling.len()).is_some_and(|head| head.eq_ignore_ascii_case(spelling));
        head && !continues(text[spelling.len()..].chars())
    };
    let fitting = rules.iter().filter(|(spelling, _)| begins(spelling));
    fitting.map(|(spelling, other)| (spelling.len(), *other)).max_by_key(|(length, _)| *length)
}

/// Whether a word continues with these characters, read away from it: `2.5`, `10:30` and `shop.example` contain no whole words.
fn continues(mut away: impl Iterator<Item = char>) -> bool {
    match away.next() {
        Some('.' | ',' | ':') => away.next().is_some_and(char::is_alphanumeric),
        other => other.is_some_and(is_word),
    }
}

/// Whether a character belongs to the word before or after it: letters, digits, and marks that join them.
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
    use rand::SeedableRng;

    const PAIRS: Lexicon = Lexicon { name: "some", about: "", pairs: &[("it is", "it's"), ("two", "2")] };

    #[test]
    fn swapped_words_normalize_back() {
        let text = "It is two of 2021, \"it is\" 2, not 2.5 or 2-3; item two. See two.example";
        let protected = Protected::default();
        let scene = Scene { protected: &protected, wrong_answer: None };
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let changed = PAIRS.perturb(text, &scene, &mut rng).unwrap();
            assert_ne!(changed, text);
            assert_eq!(PAIRS.normal(&changed), PAIRS.normal(text));
            assert!(
                changed.contains("2021, \"it is\"") && changed.contains("not 2.5 or 2-3; item"),
                "{changed}"
            );
            assert!(changed.ends_with("See two.example"), "{changed}");
        }
        assert_eq!(PAIRS.perturb("nothing here", &scene, &mut ChaCha8Rng::seed_from_u64(1)), None);
    }
}
