//! `case`: the same letters in lower case, in capitals, as a title, or at random. Only where case does not matter.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene};

/// Changes upper and lower case, nothing else.
pub(super) struct Case;

impl Family for Case {
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
        let variants: [fn(&str, &mut ChaCha8Rng) -> String; 4] = [lower, upper, title, random];
        let start = rng.random_range(0..variants.len());
        let in_turn = (0..variants.len()).map(|i| variants[(start + i) % variants.len()]);
        in_turn.map(|variant| variant(text, rng)).find(|changed| changed != text)
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
    let mut turn = |c: char| {
        let turned = if before.is_alphanumeric() { lowered(c) } else { raised(c) };
        before = c;
        turned
    };
    text.chars().map(&mut turn).collect()
}

fn random(text: &str, rng: &mut ChaCha8Rng) -> String {
    text.chars().map(|c| if rng.random_bool(0.3) { raised(c) } else { lowered(c) }).collect()
}

/// The one-letter capital whose lower case is this letter again; otherwise the letter itself.
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
