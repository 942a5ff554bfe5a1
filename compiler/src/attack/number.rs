//! `number`: small numbers as words or digits, where they stand alone. `one` is left out: it is a pronoun as well.

use rand::rngs::ChaCha8Rng;

use super::{
    Family, Guarantee, Scene,
    lexicon::{self, Lexicon},
};

/// See the [module](self).
pub(super) struct Number;

const PAIRS: Lexicon = &[
    ("2", "two"),
    ("3", "three"),
    ("4", "four"),
    ("5", "five"),
    ("6", "six"),
    ("7", "seven"),
    ("8", "eight"),
    ("9", "nine"),
    ("10", "ten"),
    ("11", "eleven"),
    ("12", "twelve"),
];

impl Family for Number {
    fn name(&self) -> &'static str {
        "number"
    }

    fn about(&self) -> &'static str {
        "small numbers in digits instead of words, and back"
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
