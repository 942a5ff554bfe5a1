//! `ocr`: letters as a scanner misreads them (`rn` for `m`, `d` for `cl`), one per about 20 characters. First and last
//! letters stay, and so does everything protected.

use rand::{
    rngs::ChaCha8Rng,
    seq::{IndexedRandom, SliceRandom},
};

use super::{Family, Guarantee, Scene};

/// See the [module](self).
pub(super) struct Ocr;

/// Characters of text per misreading.
const CHARACTERS_PER_SLIP: usize = 20;

/// What is printed, and what is read.
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
        let mut words = scene.protected.editable(text);
        words.shuffle(rng);
        words.truncate((text.chars().count() / CHARACTERS_PER_SLIP).max(1));
        words.sort_by_key(|word| std::cmp::Reverse(word.start));
        let mut changed = text.to_owned();
        for word in words {
            let misread = misread(&text[word.clone()], rng);
            changed.replace_range(word, &misread);
        }
        Some(changed).filter(|changed| changed != text)
    }
}

/// The word with one confusion between its first and its last letter, if there is any; at least four letters stay.
fn misread(word: &str, rng: &mut ChaCha8Rng) -> String {
    let inside = |at: usize, printed: &str| {
        at > 1 && at + printed.len() + 1 < word.trim_end_matches(|c: char| !c.is_alphabetic()).len()
    };
    let confusions = CONFUSED
        .iter()
        .flat_map(|(printed, read)| word.match_indices(printed).map(move |(at, _)| (at, *printed, *read)));
    let fitting: Vec<_> = confusions
        .filter(|(at, printed, read)| inside(*at, printed) && word.len() + read.len() >= 5 + printed.len())
        .collect();
    match fitting.choose(rng) {
        Some((at, printed, read)) => format!("{}{read}{}", &word[..*at], &word[at + printed.len()..]),
        None => word.to_owned(),
    }
}
