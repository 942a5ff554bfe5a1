//! `tautology`: sentences that are true for every text (after the stress tests of Naik et al. 2018, arXiv:1806.00692,
//! section 3).

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene, neutral::pick};

/// See the [module](self).
pub(super) struct Tautology;

const TRUISMS: &[&str] =
    &["And true is true.", "Which is what it is.", "And what is so is so.", "As sure as a day is a day."];
/// Most repetitions.
const MOST: usize = 4;

impl Family for Tautology {
    fn name(&self) -> &str {
        "tautology"
    }

    fn about(&self) -> &str {
        "sentences that are true for every text, after it"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let truism = pick(TRUISMS, scene, rng)?;
        Some(format!("{text}{}", format!(" {truism}").repeat(rng.random_range(1..=MOST))))
    }
}
