//! `listing`: the unchanged row, answered by prompts that list the choices in another order. A prompt that learned a position in
//! the list ("mostly the first") instead of the task fails here.
//!
//! It changes the prompt, in the same way for every prompt under test: the choices of the task's only output are in another
//! order wherever the program lists them (`Program::listing`). The words of an instruction stay. For a prompt that lists no
//! choices the variant equals the unperturbed row.
//!
//! Choices are not renamed. If only the labels carry the meaning, neutral names would take it away from a prompt without
//! demonstrations but not from one with them, so the test would favour demonstrations.
//!
//! **Invariant:** a listing holds each of the task's choices once, in another order than the task. There are at most
//! [`LISTINGS`] of them, because each one starts another prompt prefix.

use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

/// The name of the family.
pub const NAME: &str = "listing";
/// Most different orders.
const LISTINGS: usize = 3;

/// The other orders of the choices; empty if there is only one order.
pub(super) fn listings(choices: &[String], rng: &mut ChaCha8Rng) -> Vec<Vec<String>> {
    let mut listings: Vec<Vec<String>> = vec![choices.iter().rev().cloned().collect()];
    // Few choices have few orders; after this many draws all of them have probably been drawn.
    for _ in 0..8 * LISTINGS {
        let mut shuffled = choices.to_vec();
        shuffled.shuffle(rng);
        if listings.len() < LISTINGS && !listings.contains(&shuffled) {
            listings.push(shuffled);
        }
    }
    listings.retain(|listing| listing != choices);
    listings
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn listings_are_other_orders_of_the_same_choices() {
        for choices in 0..7 {
            let choices: Vec<_> = (0..choices).map(|i| format!("choice {i}")).collect();
            let found = listings(&choices, &mut ChaCha8Rng::seed_from_u64(1));
            let expected = [0, 0, 1, LISTINGS, LISTINGS, LISTINGS, LISTINGS][choices.len()];
            // The order of the task may have been drawn, and does not count.
            assert!(found.len() <= expected && found.len() + 1 >= expected, "{found:?}");
            for (i, listing) in found.iter().enumerate() {
                let mut sorted = listing.clone();
                sorted.sort();
                assert_eq!(sorted, choices);
                assert!(*listing != choices && !found[..i].contains(listing));
            }
        }
    }
}
