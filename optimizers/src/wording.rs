//! Wordings: one module's instruction as phrases, with a list of sentences that may be added, and the steps from one wording
//! to the next: delete a phrase, swap two, add a building block, put a deleted phrase back (GrIPS, Prasad et al. 2023,
//! arXiv:2203.07281, section 3, with [building blocks](crate::blocks) instead of a model's paraphrases).
//!
//! **Invariant:** a step changes the text and never leaves it empty.

use proofmark_runtime::{Candidate, Module, Param, ParamPath, Slot};
use rand::{Rng, RngExt, seq::IndexedRandom};

use crate::{blocks::Block, phrases};

/// One module's instruction, in phrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    module: String,
    phrases: Vec<String>,
    /// The texts that are not in it now: blocks, and phrases that were deleted.
    spare: Vec<Block>,
}

impl Wording {
    /// The wording of a module with a candidate laid over it, and blocks that may be added.
    pub fn of(candidate: &Candidate, module: &Module, blocks: &[Block]) -> Self {
        let written = &module.signature.instructions;
        let text = match candidate.get(&path(&module.name)) {
            Some(Param::Instruction(text)) => text,
            _ => written,
        };
        let phrases: Vec<String> = phrases::split(text).into_iter().map(str::to_owned).collect();
        let deleted = phrases::split(written).into_iter();
        let deleted = deleted.map(|phrase| Block { text: phrase.trim().to_owned(), does: "puts back" });
        let mut spare = blocks.to_vec();
        spare.extend(deleted);
        spare.retain(|block| !text.contains(block.text.trim_end_matches(['.', ',', ';', ':'])));
        Self { module: module.name.clone(), phrases, spare }
    }

    /// The instruction.
    pub fn text(&self) -> String {
        phrases::join(&self.phrases)
    }

    /// Draws a random step; deletions, swaps and additions are equally likely if they are possible.
    pub fn random_step(&self, rng: &mut impl Rng) -> Option<(Self, String)> {
        let count = self.phrases.len();
        let mut kinds = Vec::new();
        if count > 1 {
            kinds.extend(["delete", "swap"]);
        }
        if !self.spare.is_empty() {
            kinds.push("add");
        }
        match *kinds.choose(rng)? {
            "delete" => self.without(rng.random_range(..count)),
            "swap" => {
                let a = rng.random_range(..count);
                let gap = rng.random_range(1..count);
                Some(self.swapping(a, (a + gap) % count))
            }
            _ => Some(self.adding(rng.random_range(..self.spare.len()), rng.random_range(..=count))),
        }
    }

    /// The candidate with this wording. The text of the task as written removes the parameter.
    #[must_use]
    pub fn on(&self, candidate: Candidate, module: &Module) -> Candidate {
        let path = path(&self.module);
        let text = self.text();
        if text == module.signature.instructions {
            candidate.without(&path)
        } else {
            candidate.with(path, Param::Instruction(text))
        }
    }

    fn without(&self, at: usize) -> Option<(Self, String)> {
        if self.phrases.len() < 2 {
            return None;
        }
        let mut next = self.clone();
        let text = next.phrases.remove(at).trim().to_owned();
        let how = format!("deletes \u{201c}{text}\u{201d}");
        next.spare.push(Block { text, does: "puts back" });
        Some((next, how))
    }

    fn swapping(&self, a: usize, b: usize) -> (Self, String) {
        let mut next = self.clone();
        next.phrases.swap(a, b);
        (next, format!("swaps phrases {} and {}", a.min(b) + 1, a.max(b) + 1))
    }

    fn adding(&self, spare: usize, at: usize) -> (Self, String) {
        let mut next = self.clone();
        let block = next.spare.remove(spare);
        let how = match block.does {
            "puts back" => format!("puts back \u{201c}{}\u{201d}", block.text),
            does => does.to_owned(),
        };
        next.phrases.insert(at, block.text);
        (next, how)
    }
}

/// The path of a module's instruction.
pub(crate) fn path(module: &str) -> ParamPath {
    ParamPath::new(module, Slot::Instruction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blocks::blocks, landscape::Landscape};
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn wording() -> (Landscape, Wording) {
        let landscape = Landscape::instruction(60).unwrap();
        let module = &landscape.program.modules()[0];
        let wording = Wording::of(&Candidate::baseline(), module, &blocks(module, None));
        (landscape, wording)
    }

    #[test]
    fn steps_read_like_text() {
        let (_, wording) = wording();
        let (shorter, how) = wording.without(1).unwrap();
        assert_eq!(shorter.text(), "Route the message to a team.");
        assert_eq!(how, "deletes \u{201c}Think aloud at great length.\u{201d}");
        assert!(shorter.without(0).is_none(), "the last phrase stays");
        let (longer, how) = shorter.adding(0, 1);
        assert_eq!(longer.text(), "Route the message to a team. Answer with the team only.");
        assert_eq!(how, "asks for the answer only");
        assert_eq!(longer.swapping(0, 1).0.text(), "Answer with the team only. Route the message to a team.");
    }

    #[test]
    fn deleted_phrases_can_be_put_back() {
        let (landscape, wording) = wording();
        let module = &landscape.program.modules()[0];
        let candidate = wording.without(1).unwrap().0.on(Candidate::baseline(), module);
        let again = Wording::of(&candidate, module, &[]);
        let place = again.spare.iter().position(|block| block.does == "puts back").unwrap();
        let (back, how) = again.adding(place, 1);
        assert_eq!(how, "puts back \u{201c}Think aloud at great length.\u{201d}");
        assert!(back.on(candidate, module).is_baseline());
    }

    #[test]
    fn random_steps_change_the_text_and_keep_some() {
        let (_, mut wording) = wording();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..200 {
            let (next, how) = wording.random_step(&mut rng).unwrap();
            assert!(!next.text().is_empty() && !how.is_empty());
            assert_ne!(next, wording);
            wording = next;
        }
    }
}
