//! The space of shorter prompts: everything that can be left out of a program or said in fewer words.
//!
//! Structural options drop demonstrations and phrases, one by one or in ranges. Lexical options drop filler words, or replace
//! the whole instruction by one line. These are the mutators of SAMMO that need no model (Schnabel and Neville 2024,
//! arXiv:2404.02319, table 2). Descriptions of fields are cut to their first phrase or dropped.
//!
//! **Invariant:** no option lengthens the prompt, and every instruction keeps at least one phrase.

use std::collections::BTreeMap;

use proofmark_runtime::{Field, Program, Slot};

use super::{Choice, Dimension, Space, chunks, dimension};
use crate::{blocks::shortest, phrases, terse::terse};

/// The number of parts that an instruction, or a list of demonstrations, is divided into.
const PARTS: usize = 12;
/// The prior weight of an option.
const EVEN: f64 = 0.5;
/// The prior weight of the whole instruction in one line, a larger step than the others.
const BOLD: f64 = 0.2;

impl Space {
    /// Makes the space of the parts that can be left out of a program.
    pub fn of_brevity(program: &Program) -> Self {
        let mut dimensions: Vec<Dimension> = Vec::new();
        for module in program.modules() {
            let mut add = |slot: Slot, weight: f64, choices: Vec<Choice>| {
                let choices = choices.into_iter().map(|choice| (choice, 1.0)).collect();
                dimensions.extend(dimension(module, slot, weight, choices));
            };
            let text = &module.signature.instructions;
            let count = phrases::split(text).len();
            for range in chunks(count, PARTS).filter(|range| range.len() < count) {
                add(Slot::Instruction, EVEN, vec![Choice::Delete(range)]);
            }
            if terse(text) != *text {
                add(Slot::Instruction, EVEN, vec![Choice::Terse]);
            }
            let line = shortest(module).filter(|block| block.text.len() < text.len());
            add(Slot::Instruction, BOLD, line.map(Choice::Replace).into_iter().collect());
            match module.nearest {
                0 => {
                    for range in chunks(module.demonstrations.len(), PARTS) {
                        add(Slot::Demonstrations, EVEN, vec![Choice::Drop(range)]);
                    }
                }
                shown => add(Slot::Nearest, EVEN, fewer(shown)),
            }
            for field in module.signature.inputs.iter().chain(&module.signature.outputs) {
                add(Slot::About(field.name.clone()), EVEN, shorter(field));
            }
        }
        let many = program.modules().len() > 1;
        Self { pools: Vec::new(), dimensions, blocks: BTreeMap::new(), many }
    }
}

/// A half and a quarter of the number of nearest demonstrations.
fn fewer(shown: u32) -> Vec<Choice> {
    [shown / 2, shown / 4].into_iter().filter(|&count| count > 0).map(Choice::Nearest).collect()
}

/// Shorter descriptions of a field.
fn shorter(field: &Field) -> Vec<Choice> {
    if field.about.is_empty() {
        return Vec::new();
    }
    let describe = |about: String| Choice::Describe { field: field.name.clone(), about };
    let phrases = phrases::split(&field.about);
    let first = (phrases.len() > 1).then(|| phrases[0].trim().trim_end_matches([',', ';', ':']).to_owned());
    first.into_iter().chain([String::new()]).map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::characters, landscape::Landscape};
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    #[test]
    fn every_point_is_shorter_and_fits() {
        let program = Landscape::wordy(0).unwrap().program;
        let space = Space::of_brevity(&program);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for point in space.spread(64, &mut rng) {
            let (candidate, how) = space.realize(&program, &point, &mut rng);
            let shorter = program.apply(&candidate).unwrap();
            assert!(candidate.is_baseline() || characters(&shorter) < characters(&program), "{how}");
            assert!(!shorter.modules()[0].signature.instructions.is_empty());
        }
    }

    #[test]
    fn descriptions_are_cut_to_a_phrase_or_dropped() {
        let mut field = Field::new("message", proofmark_runtime::Type::Text);
        assert_eq!(shorter(&field), []);
        field.about = "what the customer wrote, in any language".into();
        let about: Vec<_> = shorter(&field)
            .into_iter()
            .map(|choice| match choice {
                Choice::Describe { about, .. } => about,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(about, ["what the customer wrote", ""]);
    }
}
