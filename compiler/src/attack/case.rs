//! `case`: the same letters in lower case, in capitals, as a title, or at random. Only for tasks in which case has no meaning.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene, light::first_change};

/// Changes upper and lower case, nothing else.
pub(super) struct LetterCase;

impl Family for LetterCase {
    fn name(&self) -> &str {
        "case"
    }

    fn about(&self) -> &str {
        "the same letters in lower case, in capitals, as a title or at random"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Normalizes(str::to_lowercase)
    }

    fn needs_case_insensitive(&self) -> bool {
        true
    }

    fn perturb(&self, text: &str, _: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        first_change(text, rng, &[lower, upper, title, random])
    }
}

fn lower(text: &str, _: &mut ChaCha8Rng) -> String {
    text.chars().map(lowered).collect()
}

fn upper(text: &str, _: &mut ChaCha8Rng) -> String {
    text.chars().map(raised).collect()
}

fn title(text: &str, _: &mut ChaCha8Rng) -> String {
    let mut before = ' ';
    let mut titled = String::with_capacity(text.len());
    for c in text.chars() {
        titled.push(if before.is_alphanumeric() { lowered(c) } else { raised(c) });
        before = c;
    }
    titled
}

fn random(text: &str, rng: &mut ChaCha8Rng) -> String {
    text.chars().map(|c| if rng.random_bool(0.3) { raised(c) } else { lowered(c) }).collect()
}

/// The capital of a letter, if it is one character whose lower case is this letter; otherwise the letter itself.
fn raised(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(up), None) if up.to_lowercase().eq([c]) => up,
        _ => c,
    }
}

fn lowered(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(low), None) => low,
        _ => c,
    }
}
