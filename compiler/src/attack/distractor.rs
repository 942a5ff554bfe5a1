//! `distractor`: one sentence that is unrelated to the task, before or after the text.
//!
//! The sentence comes from a list of neutral sentences and not from another row. In routing and classification a sentence of
//! another row may imply that row's label and so change the right answer.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{
    Family, Guarantee, Scene,
    neutral::{ASIDES, pick},
};

/// Adds an irrelevant sentence.
pub(super) struct Distractor;

impl Family for Distractor {
    fn name(&self) -> &str {
        "distractor"
    }

    fn about(&self) -> &str {
        "one sentence that is unrelated to the task, before or after the text"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let aside = pick(ASIDES, scene, rng)?;
        Some(if rng.random_bool(0.5) { format!("{aside} {text}") } else { format!("{text} {aside}") })
    }
}
