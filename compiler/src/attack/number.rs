//! `number`: small numbers as words or digits, as whole words. `one` is left out, because it is a pronoun too.

use super::lexicon::Lexicon;

/// See the [module](self).
pub(super) static NUMBER: Lexicon = Lexicon {
    name: "number",
    about: "small numbers in digits instead of words, and back",
    pairs: &[
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
    ],
};
