//! `whitespace`: the same words in another layout: extra blanks, line breaks, bullets, quote marks, a code fence, a JSON
//! string. Such changes alone can change the score of a prompt by many points (Sclar et al. 2024, arXiv:2310.11324).

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene};

/// Changes the layout, but no words.
pub(super) struct Whitespace;

impl Family for Whitespace {
    fn name(&self) -> &str {
        "whitespace"
    }

    fn about(&self) -> &str {
        "the same words with extra blanks, line breaks, bullets, quote marks or a code fence"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Normalizes(bare)
    }

    fn perturb(&self, text: &str, _: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let changed = match rng.random_range(0..7u32) {
            0 => text.split(' ').collect::<Vec<_>>().join("  "),
            1 => format!("\n\n  {text}   \n"),
            2 => break_lines(text, rng),
            3 => text.lines().map(|line| format!("> {line}\n")).collect(),
            4 => text.lines().map(|line| format!("- {line}\n")).collect(),
            5 => format!("```\n{text}\n```"),
            _ if !text.contains(['\n', '\t', '\r']) => format!("\"{}\"", text.replace('"', "\\\"")),
            _ => text.replace(' ', "\t"),
        };
        Some(changed)
    }
}

/// The text without white space and without characters that only mark layout.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '>' | '-' | '`' | '"' | '\\')).collect()
}

fn break_lines(text: &str, rng: &mut ChaCha8Rng) -> String {
    text.chars().map(|c| if c == ' ' && rng.random_bool(0.25) { '\n' } else { c }).collect()
}
