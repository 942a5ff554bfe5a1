//! `length`: irrelevant text around the row, so that it is two to five times as long.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{
    Family, Guarantee, Scene,
    neutral::{ASIDES, pick},
};

/// Pads the text.
pub(super) struct Length;

/// Most characters of padding, so that long inputs fit into a small context.
const LONGEST_PADDING: usize = 400;

impl Family for Length {
    fn name(&self) -> &str {
        "length"
    }

    fn about(&self) -> &str {
        "irrelevant text around the text, which becomes two to five times as long"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let times = rng.random_range(1..=4usize);
        let wanted = (text.chars().count() * times).clamp(60, LONGEST_PADDING);
        let mut before = Vec::new();
        let mut behind = Vec::new();
        let mut length = 0;
        while length < wanted {
            let aside = pick(ASIDES, scene, rng)?;
            length += aside.chars().count() + 1;
            if rng.random_bool(0.5) { before.push(aside) } else { behind.push(aside) }
        }
        let parts: Vec<&str> = before.into_iter().chain([text]).chain(behind).collect();
        Some(parts.join(" "))
    }
}
