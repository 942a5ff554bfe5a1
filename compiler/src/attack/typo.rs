//! `typo`: typing mistakes, about one in 20 characters: a neighbouring key, two letters swapped, one dropped, one doubled.
//! First and last letters and protected words stay.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{Family, Guarantee, Scene, light::some_words_changed};

/// Makes typing mistakes.
pub(super) struct Typo;

/// The rows of a keyboard; the neighbours of a key are beside it.
const KEYS: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm"];

impl Family for Typo {
    fn name(&self) -> &str {
        "typo"
    }

    fn about(&self) -> &str {
        "typing mistakes: a neighbouring key, letters swapped, dropped or doubled"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::EditsLightly
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        some_words_changed(text, scene, rng, mistyped)
    }
}

/// The word with one mistake between its first and its last letter.
fn mistyped(word: &str, rng: &mut ChaCha8Rng) -> String {
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
        // A word of three letters would be protected, so the shortest words keep their length.
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
