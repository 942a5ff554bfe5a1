//! `listing`: the row as it is, answered by prompts that list the choices in another order. A prompt that learned a place in
//! the list ("mostly the first") instead of the task falls here.
//!
//! This is a change of the prompt, the same for every prompt that is judged: the choices of the task's one output in another
//! order wherever the program lists them (`Program::listing`). What an instruction says in its own words stays. Of a prompt
//! that lists no choices it is the clean row once more.
//!
//! Choices are not renamed. Where the labels alone say what is meant, neutral names would take the meaning away from a prompt
//! without demonstrations and not from one with them, so the test would prefer demonstrations.
//!
//! **Invariant:** a listing holds the task's choices, each once, in another order than the task's; there are at most
//! [`LISTINGS`] of them, because each is another beginning of the prompt.

use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

/// The name of the family.
pub const NAME: &str = "listing";
/// One line for help and docs.
pub(super) const ABOUT: &str = "the same row, the choices listed in another order in the prompt";
/// Different orders at most.
const LISTINGS: usize = 3;

/// The other orders that the choices are listed in; none where there is only one order.
pub(super) fn listings(choices: &[String], rng: &mut ChaCha8Rng) -> Vec<Vec<String>> {
    let mut listings: Vec<Vec<String>> = vec![choices.iter().rev().cloned().collect()];
    // Of few choices there are few orders: tried so often, those that there are turn up.
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
            // The order of the task may have been drawn, and is none of them.
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
