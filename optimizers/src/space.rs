//! The joint space of prompts: for every module its demonstrations, instruction, format and calibration.
//!
//! A [`Point`] selects one option in every dimension, and [`Space::realize`] makes a candidate of it. The
//! [additive model](crate::additive) learns the effects of the options. `brevity.rs` has the space of shorter prompts.
//!
//! **Invariant:** every point gives a candidate that fits the program. The space has no options that a module does not
//! declare or that the model cannot serve. The first option of a dimension is the task as written.

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
    demos::{ExamplePool, showing},
    phrases,
    terse::terse,
    wording::path,
};

/// The mean number of sentences that a point adds to an instruction, before any measurement.
const ADDED: f64 = 1.0;
/// The number of parts that an instruction is divided into for deletion.
const CHUNKS: usize = 6;

/// One option of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The task as written.
    AsWritten,
    /// A drawn set of demonstrations.
    Show {
        /// The place of its pool in [`Space::pools`].
        pool: usize,
        /// The number of demonstrations drawn.
        size: usize,
        /// Whether the demonstrations of the task stay, before the drawn ones.
        keep_written: bool,
    },
    /// No demonstrations although the task has some.
    ShowNone,
    /// This sentence instead of the whole instruction.
    Replace(Block),
    /// The instruction without these phrases.
    Delete(Range<usize>),
    /// This sentence after the instruction.
    Add(Block),
    /// The instruction in fewer words.
    Terse,
    /// The demonstrations without these.
    Drop(Range<usize>),
    /// This many of the demonstrations, those nearest to the input.
    Nearest(u32),
    /// A description of a field.
    Describe {
        /// The field.
        field: String,
        /// The description; empty for none.
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
    /// The parameter.
    pub slot: Slot,
    /// The options with their prior weights, which sum to 1.
    pub options: Vec<(Choice, f64)>,
}

/// The dimensions of a search.
#[derive(Clone, Debug)]
pub struct Space {
    /// The pools that sets of demonstrations are drawn from, each with its name.
    pub pools: Vec<(&'static str, ExamplePool)>,
    /// The dimensions, each with more than one option.
    pub dimensions: Vec<Dimension>,
    /// The building blocks of each module's instruction.
    pub blocks: BTreeMap<String, Vec<Block>>,
    /// Whether descriptions must name the module.
    many: bool,
}

/// The place of one option per dimension.
pub type Point = Vec<usize>;

impl Space {
    /// Makes the space of a program for a model with these abilities; `pools` are pools of demonstrations with their names.
    pub fn new(program: &Program, abilities: Abilities, pools: Vec<(&'static str, ExamplePool)>) -> Self {
        let mut dimensions = Vec::new();
        let mut all_blocks = BTreeMap::new();
        for module in program.modules() {
            let pool = pools.iter().map(|(_, pool)| pool).find(|pool| pool.module == module.name);
            dimensions.extend(dimension(module, Slot::Demonstrations, 0.85, demonstrations(module, &pools)));
            let blocks = blocks(module, pool);
            for (choice, weight) in instructions(module, &blocks) {
                dimensions.extend(dimension(module, Slot::Instruction, weight, vec![(choice, 1.0)]));
            }
            dimensions.extend(dimension(module, Slot::Format, 0.3, formats(module, abilities)));
            dimensions.extend(dimension(module, Slot::Calibration, 0.6, calibrations(module, abilities)));
            all_blocks.insert(module.name.clone(), blocks);
        }
        Self { pools, dimensions, blocks: all_blocks, many: program.modules().len() > 1 }
    }

    /// Draws points in which every option appears in proportion to its weight (a Latin hypercube with weights; McKay,
    /// Beckman and Conover 1979, Technometrics 21:2).
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

    /// Makes the candidate of a point, with newly drawn demonstrations, and a description of it.
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

    /// Lays one option over a candidate. Options that only count together (changes to the instruction, dropped
    /// demonstrations) leave the candidate as it is.
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
            Choice::Show { pool, size, keep_written } => {
                let drawn = self.pools[*pool].1.draw(*size, rng);
                let written = written(module).take(if *keep_written { usize::MAX } else { 0 });
                showing(candidate, &module.name, written.cloned().chain(drawn).collect())
            }
            Choice::Format(name) => candidate.with(at(Slot::Format), Param::Format((*name).to_owned())),
            Choice::Calibrate => {
                candidate.with(at(Slot::Calibration), Param::Calibration(Calibration::Contextual))
            }
        }
    }

    /// Describes an option in words; none for the task as written.
    pub fn phrase(&self, module: &Module, choice: &Choice) -> Option<String> {
        let words = match choice {
            Choice::AsWritten => return None,
            Choice::ShowNone => "no demonstrations".into(),
            Choice::Show { pool, size, keep_written } => {
                let (kind, pool) = &self.pools[*pool];
                let more = if *keep_written { "the written ones and " } else { "" };
                format!("{more}{} ({kind})", pool.phrase(*size))
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

/// The candidate with the instruction that the choices give together.
fn worded(candidate: Candidate, module: &Module, choices: &[&Choice]) -> Candidate {
    let written = phrases::split(&module.signature.instructions);
    let mut deleted: BTreeSet<usize> = BTreeSet::new();
    let mut replacement: Option<&str> = None;
    let mut added: Vec<&str> = Vec::new();
    for choice in choices {
        match choice {
            Choice::Delete(range) => deleted.extend(range.clone()),
            Choice::Replace(block) => replacement = Some(&block.text),
            Choice::Add(block) => added.push(&block.text),
            _ => {}
        }
    }
    let mut now: Vec<&str> = match replacement {
        Some(text) => vec![text],
        None => (0..written.len()).filter(|i| !deleted.contains(i)).map(|i| written[i]).collect(),
    };
    now.extend(added);
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
    let mut dropped: BTreeSet<usize> = BTreeSet::new();
    for choice in choices {
        if let Choice::Drop(range) = choice {
            dropped.extend(range.clone());
        }
    }
    if dropped.is_empty() {
        return candidate;
    }
    let kept = module.demonstrations.iter().enumerate().filter(|(place, _)| !dropped.contains(place));
    showing(candidate, &module.name, kept.map(|(_, demonstration)| demonstration.clone()).collect())
}

/// Picks `count` options, each of them its share of times, rounded up or down: systematic sampling from `start` in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "a count of candidates")]
fn apportion(weights: &[f64], count: usize, start: f64) -> Vec<usize> {
    let mut sum = 0.0;
    let mut ends: Vec<f64> = Vec::with_capacity(weights.len());
    for weight in weights {
        sum += weight;
        ends.push(sum);
    }
    let pick = |i: usize| {
        let at = (i as f64 + start) / count as f64;
        ends.iter().position(|end| at < *end).unwrap_or(weights.len() - 1)
    };
    (0..count).map(pick).collect()
}

/// A dimension of the task as written and other choices. The others share `weight` in proportion to their own weights. None
/// without other choices.
fn dimension(module: &Module, slot: Slot, weight: f64, others: Vec<(Choice, f64)>) -> Option<Dimension> {
    let total: f64 = others.iter().map(|(_, weight)| weight).sum();
    let scaled = others.into_iter().map(|(choice, part)| (choice, weight * part / total));
    let options: Vec<_> = std::iter::once((Choice::AsWritten, 1.0 - weight)).chain(scaled).collect();
    (options.len() > 1).then(|| Dimension { module: module.name.clone(), slot, options })
}

/// Sets of demonstrations, each with its weight.
fn demonstrations(module: &Module, pools: &[(&'static str, ExamplePool)]) -> Vec<(Choice, f64)> {
    let has_written = written(module).next().is_some();
    let mut choices = Vec::new();
    for (place, (_, pool)) in pools.iter().enumerate() {
        if pool.module != module.name {
            continue;
        }
        for (rank, size) in pool.sizes().into_iter().enumerate() {
            let weight = if rank == 0 { 2.0 } else { 1.0 };
            choices.push((Choice::Show { pool: place, size, keep_written: false }, weight));
            if has_written && rank < 2 {
                choices.push((Choice::Show { pool: place, size, keep_written: true }, 1.0));
            }
        }
    }
    if has_written {
        choices.push((Choice::ShowNone, 0.5));
    }
    choices
}

/// Changes to the instruction, each with its weight. Each becomes a dimension of its own, so that a few points give
/// information about all of them, as in a screening design.
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

/// Divides `count` places into at most `most` ranges.
fn chunks(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let chunk = count.div_ceil(most).max(1);
    (0..count).step_by(chunk).map(move |start| start..(start + chunk).min(count))
}

/// Other formats. If the model scores the choices of a module, only formats whose reply is the choice itself: with the
/// others the model writes text, which is slower and cannot be calibrated.
fn formats(module: &Module, abilities: Abilities) -> Vec<(Choice, f64)> {
    let signature = module.effective();
    let usual = default_format(&signature, abilities).name();
    let now = module.format.as_deref().unwrap_or(usual);
    let scored = abilities.scores_choices && signature.sole_choice().is_some();
    let serves = |format: &&&dyn Format| !scored || matches!(format.shape(&signature), Shape::Choice { .. });
    let others = prompt::ALL.iter().filter(|format| format.fits(&signature) && format.name() != now);
    others.filter(serves).map(|format| (Choice::Format(format.name()), 1.0)).collect()
}

/// Calibration, if the module declares it and the model gives label scores.
fn calibrations(module: &Module, abilities: Abilities) -> Vec<(Choice, f64)> {
    let declared = module.parameters().iter().any(|path| path.slot == Slot::Calibration);
    let new = abilities.scores_choices && declared && module.calibration == Calibration::None;
    if new { vec![(Choice::Calibrate, 1.0)] } else { Vec::new() }
}

/// The demonstrations of the task file.
fn written(module: &Module) -> impl Iterator<Item = &Demonstration> {
    module.demonstrations.iter().filter(|demonstration| demonstration.origin == Origin::Task)
}

#[cfg(test)]
mod tests;
