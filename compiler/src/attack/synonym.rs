//! `synonym`: a small table of words with the same meaning in every context. The words are not chosen by embeddings, because
//! such swaps often change the answer.

use super::lexicon::Lexicon;

/// See the [module](self).
pub(super) static SYNONYM: Lexicon = Lexicon {
    name: "synonym",
    about: "everyday words for others with the same meaning",
    pairs: &[
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
    ],
};
