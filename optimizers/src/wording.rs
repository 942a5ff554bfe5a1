//! Wordings: one module's instruction as phrases, with what may be added to it, and the steps from one wording to the
//! next: delete a phrase, swap two, add a building block, put a deleted phrase back (GrIPS, Prasad et al. 2023,
//! arXiv:2203.07281, section 3; in place of its paraphrases by a model, the [building blocks](crate::blocks)).
//!
//! **Invariant:** a step changes the text and never leaves it empty.

use proofmark_runtime::{Candidate, Module, Param, ParamPath, Slot};
use rand::{Rng, RngExt, seq::IndexedRandom};

use crate::{
    blocks::{self, Block},
    demos::Shelf,
    phrases,
};

/// One module's instruction, in phrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    module: String,
    phrases: Vec<String>,
    /// What is not in it now: blocks, and phrases that were deleted.
    spare: Vec<Block>,
}

impl Wording {
    /// The wording of a module under a candidate.
    pub fn of(candidate: &Candidate, module: &Module, shelf: Option<&Shelf>) -> Self {
        let written = &module.signature.instructions;
        let text = match candidate.get(&path(&module.name)) {
            Some(Param::Instruction(text)) => text,
            _ => written,
        };
        let phrases: Vec<String> = phrases::split(text).into_iter().map(str::to_owned).collect();
        let deleted = phrases::split(written).into_iter();
        let deleted = deleted.map(|phrase| Block { text: phrase.trim().to_owned(), does: "puts back" });
        let mut spare = blocks::blocks(module, shelf);
        spare.extend(deleted);
        spare.retain(|block| !text.contains(block.text.trim_end_matches(['.', ',', ';', ':'])));
        Self { module: module.name.clone(), phrases, spare }
    }

    /// The instruction.
    pub fn text(&self) -> String {
        phrases::join(&self.phrases)
    }

    /// Every wording that is one deletion or one addition away, with what was done.
    pub fn steps(&self) -> Vec<(Self, String)> {
        let deletions = (0..self.phrases.len()).filter_map(|at| self.without(at));
        let additions = (0..self.spare.len()).map(|at| self.adding(at, self.phrases.len()));
        deletions.chain(additions).collect()
    }

    /// A random step: deletions, swaps and additions alike often, as far as there are any.
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
                let (a, gap) = (rng.random_range(..count), rng.random_range(1..count));
                Some(self.swapping(a, (a + gap) % count))
            }
            _ => Some(self.adding(rng.random_range(..self.spare.len()), rng.random_range(..=count))),
        }
    }

    /// The candidate with this wording; the parameter is left out where it says what is written anyway.
    #[must_use]
    pub fn on(&self, candidate: Candidate, module: &Module) -> Candidate {
        let (path, text) = (path(&self.module), self.text());
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
    use crate::landscape::Landscape;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn wording() -> (Landscape, Wording) {
        let landscape = Landscape::instruction(60).unwrap();
        let module = &landscape.program.modules()[0];
        let wording = Wording::of(&Candidate::baseline(), module, None);
        (landscape, wording)
    }

    #[test]
    fn single_steps_delete_and_add() {
        let (_, wording) = wording();
        let texts: Vec<_> = wording.steps().into_iter().map(|(next, how)| (next.text(), how)).collect();
        let listed = "Route the message to a team. Think aloud at great length. Answer with the team only.";
        assert_eq!(texts[0].0, "Think aloud at great length.");
        assert_eq!(texts[1].0, "Route the message to a team.");
        assert_eq!(texts[2], (listed.into(), "asks for the answer only".into()));
    }

    #[test]
    fn what_was_deleted_can_be_put_back() {
        let (landscape, wording) = wording();
        let module = &landscape.program.modules()[0];
        let (shorter, _) = wording.without(1).unwrap();
        let candidate = shorter.on(Candidate::baseline(), module);
        let again = Wording::of(&candidate, module, None);
        let back = again.steps().into_iter().find(|(_, how)| how.starts_with("puts back")).unwrap().0;
        assert_eq!(back.text(), module.signature.instructions);
        assert!(back.on(candidate, module).is_baseline());
    }

    #[test]
    fn random_steps_change_the_text_and_never_empty_it() {
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
