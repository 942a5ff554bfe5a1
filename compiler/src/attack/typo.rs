//! `typo`: slips of the fingers, one per about 20 characters: a neighbouring key, two letters swapped, one dropped, one
//! doubled. First and last letters stay, and so does everything protected.

use std::ops::Range;

use rand::{RngExt, rngs::ChaCha8Rng, seq::SliceRandom};

use super::{Family, Guarantee, Scene};

/// Makes slips of the fingers.
pub(super) struct Typo;

/// Characters of text per slip.
const CHARACTERS_PER_SLIP: usize = 20;

/// Rows of a keyboard; the neighbours of a key stand beside it.
const KEYS: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm"];

impl Family for Typo {
    fn name(&self) -> &str {
        "typo"
    }

    fn about(&self) -> &str {
        "slips of the fingers: a neighbouring key, letters swapped, dropped or doubled"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::EditsLightly
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let mut words: Vec<Range<usize>> = scene.protected.editable(text);
        words.shuffle(rng);
        words.truncate((text.chars().count() / CHARACTERS_PER_SLIP).max(1));
        words.sort_by_key(|word| std::cmp::Reverse(word.start));
        if words.is_empty() {
            return None;
        }
        let mut changed = text.to_owned();
        for word in words {
            let slipped = slip(&text[word.clone()], rng);
            changed.replace_range(word, &slipped);
        }
        Some(changed)
    }
}

/// One slip somewhere between the first and the last letter.
fn slip(word: &str, rng: &mut ChaCha8Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let bare = letters.iter().rposition(|c| c.is_alphabetic()).map_or(0, |last| last + 1);
    let first = letters.iter().position(|c| c.is_alphabetic()).unwrap_or(0);
    if bare < first + 4 {
        return word.to_owned();
    }
    let at = rng.random_range(first + 1..bare - 2);
    match rng.random_range(0..4u32) {
        0 => letters[at] = neighbour(letters[at], rng),
        1 => letters.swap(at, at + 1),
        // A word of three letters would count as protected, so the shortest words keep their length.
        2 if bare > first + 4 => {
            letters.remove(at);
        }
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}

fn neighbour(letter: char, rng: &mut ChaCha8Rng) -> char {
    let beside = KEYS.iter().find_map(|row| {
        let keys: Vec<char> = row.chars().collect();
        let at = keys.iter().position(|key| *key == letter)?;
        Some(match (at, rng.random_bool(0.5)) {
            (0, _) => keys[1],
            (at, true) if at + 1 < keys.len() => keys[at + 1],
            (at, _) => keys[at - 1],
        })
    });
    beside.unwrap_or(letter)
}
