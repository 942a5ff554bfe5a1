//! Sentences that are relevant to no task: the material of fillers, distractors and padding, written for this project.
//!
//! **Invariant:** a sentence that contains a protected word of the task (a label, a field name) is never used for that task.

use rand::{rngs::ChaCha8Rng, seq::IndexedRandom};

use super::Scene;

/// Openings without content.
pub(super) const OPENINGS: &[&str] = &[
    "Hi there,",
    "Hello,",
    "Good morning!",
    "Dear team,",
    "Hey,",
    "I hope this finds you well.",
    "Sorry to bother you.",
    "Quick one from me.",
    "Not sure whether this is the right place, but here goes:",
    "Me again.",
];

/// Closings without content.
pub(super) const CLOSINGS: &[&str] = &[
    "Thanks in advance!",
    "Kind regards",
    "Best, M.",
    "Many thanks for your time.",
    "Have a nice day!",
    "Sent from my phone",
    "Cheers",
    "Looking forward to your reply.",
    "Thank you so much.",
    "This message is meant for the addressee only.",
];

/// Sentences about everyday life.
pub(super) const ASIDES: &[&str] = &[
    "It has been raining here since Tuesday.",
    "My neighbour just got a new puppy.",
    "The train was late again this morning.",
    "We are having soup for dinner tonight.",
    "My daughter starts school next week.",
    "I am writing this on the bus, so excuse the brevity.",
    "The kitchen smells of fresh bread.",
    "Our cat is asleep on the keyboard again.",
    "It is already dark outside.",
    "I finally finished that book about lighthouses.",
    "The birds are loud today.",
    "My brother says hello, by the way.",
    "There is a street festival below my window.",
    "I have been drinking far too much coffee.",
    "We went hiking on Sunday and it was lovely.",
    "The radio is playing that song again.",
    "My glasses are somewhere, I just cannot see them.",
    "The tomatoes on the balcony are turning red.",
];

/// One of the sentences without a protected word.
pub(super) fn pick<'a>(sentences: &[&'a str], scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<&'a str> {
    let free: Vec<&str> =
        sentences.iter().copied().filter(|sentence| !scene.protected.mentions(sentence)).collect();
    free.choose(rng).copied()
}
