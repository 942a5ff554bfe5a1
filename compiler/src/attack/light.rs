//! Helpers of families that change a text a little.

use std::cmp::Reverse;

use rand::{RngExt, rngs::ChaCha8Rng, seq::SliceRandom};

use super::Scene;

/// A text gets one edit for this many characters.
const CHARACTERS_PER_EDIT: usize = 20;

/// A random edit of a text.
pub(super) type Edit = fn(&str, &mut ChaCha8Rng) -> String;

/// The first edit that changes the text, tried in order from a random one on; none if no edit changes it.
pub(super) fn first_change(text: &str, rng: &mut ChaCha8Rng, edits: &[Edit]) -> Option<String> {
    let start = rng.random_range(0..edits.len());
    let in_turn = edits.iter().cycle().skip(start).take(edits.len());
    in_turn.map(|edit| edit(text, rng)).find(|changed| changed != text)
}

/// The text with `edit` applied to some of its editable words; none if it has no such word.
pub(super) fn some_words_changed(
    text: &str,
    scene: &Scene<'_>,
    rng: &mut ChaCha8Rng,
    edit: Edit,
) -> Option<String> {
    let mut words = scene.protected.editable(text);
    if words.is_empty() {
        return None;
    }
    words.shuffle(rng);
    words.truncate((text.chars().count() / CHARACTERS_PER_EDIT).max(1));
    // From the end, so that the other ranges stay valid.
    words.sort_by_key(|word| Reverse(word.start));
    let mut changed = text.to_owned();
    for word in words {
        let edited = edit(&text[word.clone()], rng);
        changed.replace_range(word, &edited);
    }
    Some(changed)
}
