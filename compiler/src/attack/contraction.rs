//! `contraction`: contractions made and undone. Contractions of `not` are left out, because a negation must stay.

use super::lexicon::Lexicon;

/// See the [module](self).
pub(super) static CONTRACTION: Lexicon = Lexicon {
    name: "contraction",
    about: "I'm for I am, we will for we'll",
    pairs: &[
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
    ],
};
