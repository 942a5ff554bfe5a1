//! `contraction`: contractions made and undone. Those with `not` are left alone: a negation is never touched.

use rand::rngs::ChaCha8Rng;

use super::{
    Family, Guarantee, Scene,
    lexicon::{self, Lexicon},
};

/// See the [module](self).
pub(super) struct Contraction;

const PAIRS: Lexicon = &[
    ("i am", "i'm"),
    ("you are", "you're"),
    ("we are", "we're"),
    ("they are", "they're"),
    ("it is", "it's"),
    ("that is", "that's"),
    ("there is", "there's"),
    ("i have", "i've"),
    ("you have", "you've"),
    ("we have", "we've"),
    ("they have", "they've"),
    ("i will", "i'll"),
    ("you will", "you'll"),
    ("we will", "we'll"),
    ("they will", "they'll"),
    ("i would", "i'd"),
    ("we would", "we'd"),
];

impl Family for Contraction {
    fn name(&self) -> &'static str {
        "contraction"
    }

    fn about(&self) -> &'static str {
        "I'm for I am, we will for we'll"
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
