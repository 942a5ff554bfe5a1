//! `synonym`: a small table of words that mean the same wherever they stand. No embedding chooses them: such swaps often change the answer.

use rand::rngs::ChaCha8Rng;

use super::{
    Family, Guarantee, Scene,
    lexicon::{self, Lexicon},
};

/// See the [module](self).
pub(super) struct Synonym;

const PAIRS: Lexicon = &[
    ("buy", "purchase"),
    ("bought", "purchased"),
    ("big", "large"),
    ("quick", "fast"),
    ("quickly", "rapidly"),
    ("maybe", "perhaps"),
    ("nearly", "almost"),
    ("often", "frequently"),
    ("shop", "store"),
    ("mobile phone", "cell phone"),
    ("begin", "start"),
    ("repair", "fix"),
    ("trip", "journey"),
    ("ill", "sick"),
    ("gift", "present"),
    ("at once", "immediately"),
    ("child", "kid"),
    ("photo", "picture"),
    ("wrong", "incorrect"),
    ("receive", "get"),
    ("received", "got"),
    ("whole", "entire"),
    ("furious", "very angry"),
    ("sofa", "couch"),
];

impl Family for Synonym {
    fn name(&self) -> &'static str {
        "synonym"
    }

    fn about(&self) -> &'static str {
        "everyday words for others that mean the same"
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
