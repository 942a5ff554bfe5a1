//! `ocr`: letters as a scanner misreads them (`rn` for `m`, `d` for `cl`), about one in 20 characters. First and last letters
//! and protected words stay.

use rand::{rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{Family, Guarantee, Scene, light::some_words_changed};

/// See the [module](self).
pub(super) struct Ocr;

/// The printed letters, and the letters that are read.
const CONFUSED: &[(&str, &str)] = &[
    ("m", "rn"),
    ("rn", "m"),
    ("d", "cl"),
    ("cl", "d"),
    ("w", "vv"),
    ("h", "li"),
    ("e", "c"),
    ("u", "v"),
    ("n", "ri"),
];

impl Family for Ocr {
    fn name(&self) -> &str {
        "ocr"
    }

    fn about(&self) -> &str {
        "letters as a scanner misreads them"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::EditsLightly
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        some_words_changed(text, scene, rng, misread).filter(|changed| changed != text)
    }
}

/// The word with one misreading between its first and its last letter, if there is one; at least four letters stay.
fn misread(word: &str, rng: &mut ChaCha8Rng) -> String {
    let inside = |at: usize, printed: &str| {
        at > 1 && at + printed.len() + 1 < word.trim_end_matches(|c: char| !c.is_alphabetic()).len()
    };
    let misreadings = CONFUSED
        .iter()
        .flat_map(|(printed, read)| word.match_indices(printed).map(move |(at, _)| (at, *printed, *read)));
    let fitting: Vec<_> = misreadings
        .filter(|(at, printed, read)| inside(*at, printed) && word.len() + read.len() >= 5 + printed.len())
        .collect();
    match fitting.choose(rng) {
        Some((at, printed, read)) => format!("{}{read}{}", &word[..*at], &word[at + printed.len()..]),
        None => word.to_owned(),
    }
}
