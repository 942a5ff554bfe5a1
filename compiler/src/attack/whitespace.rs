//! `whitespace`: the same words in another layout: extra blanks, broken lines, bullets, quote marks, a code fence, a JSON
//! string. Prompts are known to move by many points under such changes alone (Sclar et al. 2024, arXiv:2310.11324).

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene};

/// Changes layout, never words.
pub(super) struct Whitespace;

impl Family for Whitespace {
    fn name(&self) -> &str {
        "whitespace"
    }

    fn about(&self) -> &str {
        "the same words with extra blanks, broken lines, bullets, quote marks or a code fence"
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

/// What is left when layout is taken away: no white space, no characters that only mark layout.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '>' | '-' | '`' | '"' | '\\')).collect()
}

fn break_lines(text: &str, rng: &mut ChaCha8Rng) -> String {
    text.chars().map(|c| if c == ' ' && rng.random_bool(0.25) { '\n' } else { c }).collect()
}
