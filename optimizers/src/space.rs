//! The joint space: for every module which demonstrations, which wording, which format, which calibration.
//!
//! A [`Point`] picks one option in every dimension; [`Space::realize`] makes a candidate of it. What options are worth is
//! learned by the [additive model](crate::additive). `brevity.rs` has the space of shorter prompts.
//!
//! **Invariant:** every point gives a candidate that fits the program; options that a module does not declare, or that
//! the model cannot serve, are not in the space. The first option of a dimension is the task as written.

mod brevity;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use proofmark_runtime::{
    Calibration, Candidate, Demonstration, Module, Origin, Param, ParamPath, Program, Slot,
    model::{Abilities, Shape},
    prompt::{self, Format, default_format},
};
use rand::{Rng, RngExt, seq::SliceRandom};

use crate::{
    blocks::{Block, blocks, shortest},
    demos::{Shelf, showing},
    phrases,
    terse::terse,
    wording::path,
};

/// Sentences that a point adds to an instruction, on average, before anything was measured.
const ADDED: f64 = 1.0;
/// Parts that an instruction is divided into for deletion.
const CHUNKS: usize = 6;

/// One option of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// As the task says.
    AsWritten,
    /// A drawn set of demonstrations of this size, from the shelf of that place; after those of the task or instead.
    Show {
        /// Place in [`Space::shelves`].
        shelf: usize,
        /// Demonstrations drawn.
        size: usize,
        /// Whether those that the user wrote stay in front.
        keep_written: bool,
    },
    /// No demonstrations although the task has some.
    ShowNone,
    /// This sentence in place of the whole instruction.
    Replace(Block),
    /// The instruction without these of its phrases.
    Delete(Range<usize>),
    /// This sentence after the instruction.
    Add(Block),
    /// The instruction in fewer words.
    Terse,
    /// Without these of its demonstrations.
    Drop(Range<usize>),
    /// So many of the demonstrations, those nearest to the input.
    Nearest(u32),
    /// This description of a field.
    Describe {
        /// The field.
        field: String,
        /// What is said about it; nothing if empty.
        about: String,
    },
    /// Another prompt format.
    Format(&'static str),
    /// Calibrated label scores.
    Calibrate,
}

/// One way to vary one parameter of one module.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// The module.
    pub module: String,
    /// Which of its parameters.
    pub slot: Slot,
    /// Options with what they are worth before anything was measured; the weights sum to 1.
    pub options: Vec<(Choice, f64)>,
}

/// All that can be varied.
#[derive(Clone, Debug)]
pub struct Space {
    /// What sets of demonstrations are drawn from: a name, and the shelf.
    pub shelves: Vec<(&'static str, Shelf)>,
    /// The dimensions, each with more than one option.
    pub dimensions: Vec<Dimension>,
    /// The building blocks of each module's instruction.
    pub blocks: BTreeMap<String, Vec<Block>>,
    /// Whether modules must be named in words.
    many: bool,
}

/// The place of one option per dimension.
pub type Point = Vec<usize>;

impl Space {
    /// The space of a program for a model with these abilities; `shelves` are what the pool offers, with their names.
    pub fn new(program: &Program, abilities: Abilities, shelves: Vec<(&'static str, Shelf)>) -> Self {
        let (mut dimensions, mut material) = (Vec::new(), BTreeMap::new());
        for module in program.modules() {
            let shelf = shelves.iter().map(|(_, shelf)| shelf).find(|shelf| shelf.module == module.name);
            dimensions.extend(dimension(
                module,
                (Slot::Demonstrations, 0.85),
                demonstrations(module, &shelves),
            ));
            let blocks = blocks(module, shelf);
            for (choice, weight) in instructions(module, &blocks) {
                dimensions.extend(dimension(module, (Slot::Instruction, weight), vec![(choice, 1.0)]));
            }
            dimensions.extend(dimension(module, (Slot::Format, 0.3), formats(module, abilities)));
            dimensions.extend(dimension(module, (Slot::Calibration, 0.6), calibrations(module, abilities)));
            material.insert(module.name.clone(), blocks);
        }
        Self { shelves, dimensions, blocks: material, many: program.modules().len() > 1 }
    }

    /// Points in which every option appears about as often as its weight says (a Latin hypercube: McKay, Beckman and
    /// Conover 1979, Technometrics 21:2, with weights).
    pub fn spread(&self, count: usize, rng: &mut impl Rng) -> Vec<Point> {
        let columns = self.dimensions.iter().map(|dimension| {
            let weights: Vec<f64> = dimension.options.iter().map(|(_, weight)| *weight).collect();
            let mut column = apportion(&weights, count, rng.random());
            column.shuffle(rng);
            column
        });
        let columns: Vec<Vec<usize>> = columns.collect();
        (0..count).map(|i| columns.iter().map(|column| column[i]).collect()).collect()
    }

    /// The candidate of a point, with freshly drawn demonstrations, and what it is in words.
    pub fn realize(&self, program: &Program, point: &Point, rng: &mut impl Rng) -> (Candidate, String) {
        let mut candidate = Candidate::baseline();
        let mut words = Vec::new();
        for module in program.modules() {
            let mine =
                self.dimensions.iter().zip(point).filter(|(dimension, _)| dimension.module == module.name);
            let choices: Vec<&Choice> =
                mine.map(|(dimension, &option)| &dimension.options[option].0).collect();
            for choice in &choices {
                candidate = self.lay(candidate, module, choice, rng);
            }
            candidate = thinned(worded(candidate, module, &choices), module, &choices);
            words.extend(choices.iter().filter_map(|choice| self.phrase(module, choice)));
        }
        let how = if candidate.is_baseline() { "as written".to_owned() } else { words.join("; ") };
        (candidate, how)
    }

    /// The candidate with one option laid over it, unless it is one of those that only count together: changes to the
    /// instruction, and demonstrations left out.
    #[must_use]
    pub fn lay(
        &self,
        candidate: Candidate,
        module: &Module,
        choice: &Choice,
        rng: &mut impl Rng,
    ) -> Candidate {
        let at = |slot| ParamPath::new(&module.name, slot);
        match choice {
            Choice::AsWritten
            | Choice::Replace(_)
            | Choice::Delete(_)
            | Choice::Add(_)
            | Choice::Terse
            | Choice::Drop(_) => candidate,
            Choice::Nearest(count) => candidate.with(at(Slot::Nearest), Param::Nearest(*count)),
            Choice::Describe { field, about } => {
                candidate.with(at(Slot::About(field.clone())), Param::About(about.clone()))
            }
            Choice::ShowNone => showing(candidate, &module.name, Vec::new()),
            Choice::Show { shelf, size, keep_written } => {
                let drawn = self.shelves[*shelf].1.draw(*size, rng);
                let written = written(module).take(if *keep_written { usize::MAX } else { 0 });
                showing(candidate, &module.name, written.cloned().chain(drawn).collect())
            }
            Choice::Format(name) => candidate.with(at(Slot::Format), Param::Format((*name).to_owned())),
            Choice::Calibrate => {
                candidate.with(at(Slot::Calibration), Param::Calibration(Calibration::Contextual))
            }
        }
    }

    /// An option in words; nothing for the task as written.
    pub fn phrase(&self, module: &Module, choice: &Choice) -> Option<String> {
        let words = match choice {
            Choice::AsWritten => return None,
            Choice::ShowNone => "no demonstrations".into(),
            Choice::Show { shelf, size, keep_written } => {
                let (kind, shelf) = &self.shelves[*shelf];
                let more = if *keep_written { "the written ones and " } else { "" };
                format!("{more}{} ({kind})", shelf.phrase(*size))
            }
            Choice::Replace(block) | Choice::Add(block) => block.does.to_owned(),
            Choice::Delete(range) => {
                let phrases = phrases::split(&module.signature.instructions);
                format!("deletes \u{201c}{}\u{201d}", phrases[range.clone()].concat().trim())
            }
            Choice::Terse => "says it in fewer words".into(),
            Choice::Drop(range) if range.len() == 1 => format!("drops demonstration {}", range.end),
            Choice::Drop(range) => format!("drops demonstrations {} to {}", range.start + 1, range.end),
            Choice::Nearest(count) => format!("the {count} nearest demonstrations"),
            Choice::Describe { field, about } if about.is_empty() => format!("does not describe {field}"),
            Choice::Describe { field, .. } => format!("describes {field} in short"),
            Choice::Format(name) => format!("format {name}"),
            Choice::Calibrate => "calibrated".into(),
        };
        Some(if self.many { format!("{} {words}", module.name) } else { words })
    }
}

/// The candidate with the instruction that the choices make together.
fn worded(candidate: Candidate, module: &Module, choices: &[&Choice]) -> Candidate {
    let written = phrases::split(&module.signature.instructions);
    let deleted: BTreeSet<usize> = choices
        .iter()
        .filter_map(|choice| match choice {
            Choice::Delete(range) => Some(range.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let mut now: Vec<&str> =
        (0..written.len()).filter(|i| !deleted.contains(i)).map(|i| written[i]).collect();
    for choice in choices {
        if let Choice::Replace(block) = choice {
            now = vec![&block.text];
        }
    }
    now.extend(choices.iter().filter_map(|choice| match choice {
        Choice::Add(block) => Some(block.text.as_str()),
        _ => None,
    }));
    let shorter = choices.contains(&&Choice::Terse);
    if now.is_empty() || (now == written && !shorter) {
        return candidate;
    }
    let text = if now == written { module.signature.instructions.clone() } else { phrases::join(&now) };
    let text = if shorter { terse(&text) } else { text };
    candidate.with(path(&module.name), Param::Instruction(text))
}

/// The candidate without the demonstrations that the choices drop together.
fn thinned(candidate: Candidate, module: &Module, choices: &[&Choice]) -> Candidate {
    let dropped = choices.iter().filter_map(|choice| match choice {
        Choice::Drop(range) => Some(range.clone()),
        _ => None,
    });
    let dropped: BTreeSet<usize> = dropped.flatten().collect();
    if dropped.is_empty() {
        return candidate;
    }
    let kept = module.demonstrations.iter().enumerate().filter(|(place, _)| !dropped.contains(place));
    showing(candidate, &module.name, kept.map(|(_, demonstration)| demonstration.clone()).collect())
}

/// `count` options, each its share rounded up or down: systematic sampling from `start` in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "a count of candidates")]
fn apportion(weights: &[f64], count: usize, start: f64) -> Vec<usize> {
    let ends: Vec<f64> = weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let pick = |i: usize| {
        let at = (i as f64 + start) / count as f64;
        ends.iter().position(|end| at < *end).unwrap_or(weights.len() - 1)
    };
    (0..count).map(pick).collect()
}

/// The task as written, and other choices with this weight, in proportion to theirs.
fn dimension(module: &Module, (slot, weight): (Slot, f64), others: Vec<(Choice, f64)>) -> Option<Dimension> {
    let total: f64 = others.iter().map(|(_, weight)| weight).sum();
    let scaled = others.into_iter().map(|(choice, part)| (choice, weight * part / total));
    let options: Vec<_> = std::iter::once((Choice::AsWritten, 1.0 - weight)).chain(scaled).collect();
    (options.len() > 1).then(|| Dimension { module: module.name.clone(), slot, options })
}

fn demonstrations(module: &Module, shelves: &[(&'static str, Shelf)]) -> Vec<(Choice, f64)> {
    let has_written = written(module).next().is_some();
    let mut choices = Vec::new();
    for (place, (_, shelf)) in
        shelves.iter().enumerate().filter(|(_, (_, shelf))| shelf.module == module.name)
    {
        for (rank, size) in shelf.sizes().into_iter().enumerate() {
            let weight = if rank == 0 { 2.0 } else { 1.0 };
            choices.push((Choice::Show { shelf: place, size, keep_written: false }, weight));
            if has_written && rank < 2 {
                choices.push((Choice::Show { shelf: place, size, keep_written: true }, 1.0));
            }
        }
    }
    if has_written {
        choices.push((Choice::ShowNone, 0.5));
    }
    choices
}

/// Changes to the instruction, each with its weight. Each is a dimension of its own, so that a few points tell about
/// all of them at once, as in any screening design.
fn instructions(module: &Module, blocks: &[Block]) -> Vec<(Choice, f64)> {
    let written = &module.signature.instructions;
    let blocks: Vec<&Block> = blocks.iter().filter(|block| !written.contains(&block.text)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let each = ADDED / blocks.len().max(1) as f64;
    let additions = blocks.into_iter().map(|block| (Choice::Add(block.clone()), each.min(0.5)));
    let replacement = shortest(module).filter(|block| block.text != *written);
    let replacement = replacement.map(|block| (Choice::Replace(block), 0.15));
    let count = phrases::split(written).len();
    let deletions = chunks(count, CHUNKS).filter(|range| range.len() < count);
    additions.chain(replacement).chain(deletions.map(|range| (Choice::Delete(range), 0.15))).collect()
}

/// So many places in at most so many runs.
fn chunks(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let chunk = count.div_ceil(most).max(1);
    (0..count).step_by(chunk).map(move |start| start..(start + chunk).min(count))
}

/// Other formats. Where the model scores the choices of a module, only formats whose reply is the choice itself: the
/// others would have it write freely, which is slower and cannot be calibrated.
fn formats(module: &Module, abilities: Abilities) -> Vec<(Choice, f64)> {
    let signature = module.effective();
    let usual = default_format(&signature, abilities).name();
    let now = module.format.as_deref().unwrap_or(usual);
    let scored = abilities.scores_choices && signature.sole_choice().is_some();
    let serves = |format: &&&dyn Format| !scored || matches!(format.shape(&signature), Shape::Choice { .. });
    let others = prompt::ALL.iter().filter(|format| format.fits(&signature) && format.name() != now);
    others.filter(serves).map(|format| (Choice::Format(format.name()), 1.0)).collect()
}

fn calibrations(module: &Module, abilities: Abilities) -> Vec<(Choice, f64)> {
    let declared = module.parameters().iter().any(|path| path.slot == Slot::Calibration);
    let new = abilities.scores_choices && declared && module.calibration == Calibration::None;
    if new { vec![(Choice::Calibrate, 1.0)] } else { Vec::new() }
}

fn written(module: &Module) -> impl Iterator<Item = &Demonstration> {
    module.demonstrations.iter().filter(|demonstration| demonstration.origin == Origin::Task)
}

#[cfg(test)]
mod tests;
