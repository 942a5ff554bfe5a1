//! `tautology`: sentences that are true whatever the text says (after the stress tests of Naik et al. 2018,
//! arXiv:1806.00692, section 3).

use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{Family, Guarantee, Scene};

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
        "sentences that are true whatever the text says, behind it"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let free: Vec<&str> =
            TRUISMS.iter().copied().filter(|truism| !scene.protected.mentions(truism)).collect();
        let truism = free.choose(rng)?;
        Some(format!("{text}{}", format!(" {truism}").repeat(rng.random_range(1..=MOST))))
    }
}
