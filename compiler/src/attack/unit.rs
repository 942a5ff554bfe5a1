//! `unit`: units and currencies spelled out or shortened.

use rand::rngs::ChaCha8Rng;

use super::{
    Family, Guarantee, Scene,
    lexicon::{self, Lexicon},
};

/// See the [module](self).
pub(super) struct Unit;

const PAIRS: Lexicon = &[
    ("kg", "kilograms"),
    ("km", "kilometres"),
    ("cm", "centimetres"),
    ("eur", "euros"),
    ("usd", "dollars"),
    ("percent", "per cent"),
    ("hours", "hrs"),
    ("minutes", "mins"),
    ("approximately", "approx."),
    ("versus", "vs."),
    ("and so on", "etc."),
    ("for example", "e.g."),
];

impl Family for Unit {
    fn name(&self) -> &'static str {
        "unit"
    }

    fn about(&self) -> &'static str {
        "kg for kilograms, hrs for hours, and back"
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Respells(|text| lexicon::normal(text, PAIRS))
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        lexicon::swap(text, PAIRS, scene, rng)
    }
}
