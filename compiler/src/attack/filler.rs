//! `filler`: greetings before the text, and thanks, signatures and disclaimers after it, all without content.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{
    Family, Guarantee, Scene,
    neutral::{CLOSINGS, OPENINGS, pick},
};

/// Adds polite phrases.
pub(super) struct Filler;

impl Family for Filler {
    fn name(&self) -> &str {
        "filler"
    }

    fn about(&self) -> &str {
        "greetings, thanks, signatures and disclaimers around the text"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let opening = pick(OPENINGS, scene, rng)?;
        let closing = pick(CLOSINGS, scene, rng)?;
        let gap = if rng.random_bool(0.5) { "\n\n" } else { " " };
        Some(match rng.random_range(0..3u32) {
            0 => format!("{opening}{gap}{text}"),
            1 => format!("{text}{gap}{closing}"),
            _ => format!("{opening}{gap}{text}{gap}{closing}"),
        })
    }
}
