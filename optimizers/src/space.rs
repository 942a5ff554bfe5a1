//! The joint space: for every module which demonstrations, which wording, which format, which calibration.
//!
//! A [`Point`] picks one option in every dimension; [`Space::realize`] makes a candidate of it. What options are worth is
//! learned from measured points by their main effects ([`Weights::learn`]).
//!
//! **Invariant:** every point gives a candidate that fits the program; options that a module does not declare, or that
//! the model cannot serve, are not in the space. The first option of a dimension is the task as written.

use proofmark_runtime::{
    Calibration, Candidate, Demonstration, Module, Origin, Param, ParamPath, Program, Slot,
    model::Abilities,
    prompt::{self, default_format},
};
use rand::{Rng, RngExt, seq::SliceRandom};

use crate::{
    blocks::{blocks, shortest},
    demos::{Shelf, showing},
    phrases,
    wording::path,
};

/// How much a difference of means counts: an option that is this much better is drawn e times as often.
const TEMPERATURE: f64 = 0.04;
/// Measured points that the prior is worth: an option seen in as many points keeps half of its observed effect.
const SHRINKAGE: f64 = 2.0;

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
    /// Another instruction, and what is new about it.
    Say(String, &'static str),
    /// Another prompt format.
    Format(&'static str),
    /// Calibrated label scores.
    Calibrate,
}

/// One parameter of one module.
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
    /// The dimensions with more than one option.
    pub dimensions: Vec<Dimension>,
}

/// The place of one option per dimension.
pub type Point = Vec<usize>;

/// What the options of a space are worth, per dimension and option.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(Vec<Vec<f64>>);

impl Space {
    /// The space of a program for a model with these abilities; `shelves` are what the pool offers, with their names.
    pub fn new(program: &Program, abilities: Abilities, shelves: Vec<(&'static str, Shelf)>) -> Self {
        let of_module = |module: &Module| {
            let shelf = shelves.iter().map(|(_, shelf)| shelf).find(|shelf| shelf.module == module.name);
            [
                dimension(module, (Slot::Demonstrations, 0.15), demonstrations(module, &shelves)),
                dimension(module, (Slot::Instruction, 0.4), instructions(module, shelf)),
                dimension(module, (Slot::Format, 0.7), formats(module, abilities)),
                dimension(module, (Slot::Calibration, 0.4), calibrations(module, abilities)),
            ]
        };
        let dimensions = program.modules().iter().flat_map(of_module).flatten().collect();
        Self { shelves, dimensions }
    }

    /// The weights before anything was measured.
    pub fn prior(&self) -> Weights {
        let weights = |dimension: &Dimension| dimension.options.iter().map(|(_, weight)| *weight).collect();
        Weights(self.dimensions.iter().map(weights).collect())
    }

    /// The candidate of a point, with freshly drawn demonstrations, and what it is in words.
    pub fn realize(&self, program: &Program, point: &Point, rng: &mut impl Rng) -> (Candidate, String) {
        let mut candidate = Candidate::baseline();
        let mut words = Vec::new();
        for (dimension, &option) in self.dimensions.iter().zip(point) {
            let Some(module) = program.module(&dimension.module) else { continue };
            let choice = &dimension.options[option].0;
            candidate = self.lay(candidate, module, choice, rng);
            words.extend(self.phrase(choice).map(|phrase| match program.modules().len() {
                1 => phrase,
                _ => format!("{} {phrase}", module.name),
            }));
        }
        let how = if words.is_empty() { "as written".to_owned() } else { words.join("; ") };
        (candidate, how)
    }

    /// The candidate with one option laid over it.
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
            Choice::AsWritten => candidate,
            Choice::ShowNone => showing(candidate, &module.name, Vec::new()),
            Choice::Show { shelf, size, keep_written } => {
                let drawn = self.shelves[*shelf].1.draw(*size, rng);
                let written = written(module).take(if *keep_written { usize::MAX } else { 0 });
                showing(candidate, &module.name, written.cloned().chain(drawn).collect())
            }
            Choice::Say(text, _) => candidate.with(path(&module.name), Param::Instruction(text.clone())),
            Choice::Format(name) => candidate.with(at(Slot::Format), Param::Format((*name).to_owned())),
            Choice::Calibrate => {
                candidate.with(at(Slot::Calibration), Param::Calibration(Calibration::Contextual))
            }
        }
    }

    /// An option in words; nothing for the task as written.
    pub fn phrase(&self, choice: &Choice) -> Option<String> {
        match choice {
            Choice::AsWritten => None,
            Choice::ShowNone => Some("no demonstrations".into()),
            Choice::Show { shelf, size, keep_written } => {
                let (kind, shelf) = &self.shelves[*shelf];
                let more = if *keep_written { "the written ones and " } else { "" };
                Some(format!("{more}{} ({kind})", shelf.phrase(*size)))
            }
            Choice::Say(_, does) => Some((*does).to_owned()),
            Choice::Format(name) => Some(format!("format {name}")),
            Choice::Calibrate => Some("calibrated".into()),
        }
    }
}

impl Weights {
    /// Weights after measuring: each option's main effect, the mean score of its points less the mean of all, shrunk
    /// towards zero where it was seen seldom, raises or lowers its prior weight.
    pub fn learn(space: &Space, measured: &[(Point, f64)]) -> Self {
        let Self(mut weights) = space.prior();
        let scores: Vec<f64> = measured.iter().map(|(_, score)| *score).collect();
        let overall = crate::board::mean(&scores);
        for (place, options) in weights.iter_mut().enumerate() {
            for (option, weight) in options.iter_mut().enumerate() {
                let mine = measured.iter().filter(|(point, _)| point[place] == option);
                let (sum, count) =
                    mine.fold((0.0, 0.0), |(sum, n), (_, score)| (sum + score - overall, n + 1.0));
                *weight *= (sum / (count + SHRINKAGE) / TEMPERATURE).exp();
            }
            let total: f64 = options.iter().sum();
            options.iter_mut().for_each(|weight| *weight /= total);
        }
        Self(weights)
    }

    /// Points in which every option appears about as often as its weight says, in every dimension (a Latin hypercube:
    /// McKay, Beckman and Conover 1979, Technometrics 21:2, with weights).
    pub fn draw(&self, count: usize, rng: &mut impl Rng) -> Vec<Point> {
        let columns = self.0.iter().map(|weights| {
            let mut column = apportion(weights, count, rng.random());
            column.shuffle(rng);
            column
        });
        let columns: Vec<Vec<usize>> = columns.collect();
        (0..count).map(|i| columns.iter().map(|column| column[i]).collect()).collect()
    }
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

/// The task as written with that weight, and the other choices in proportion to theirs.
fn dimension(module: &Module, (slot, written): (Slot, f64), others: Vec<(Choice, f64)>) -> Option<Dimension> {
    let total: f64 = others.iter().map(|(_, weight)| weight).sum();
    let scaled = others.into_iter().map(|(choice, weight)| (choice, (1.0 - written) * weight / total));
    let options: Vec<_> = std::iter::once((Choice::AsWritten, written)).chain(scaled).collect();
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

fn instructions(module: &Module, shelf: Option<&Shelf>) -> Vec<(Choice, f64)> {
    let written = &module.signature.instructions;
    let added = blocks(module, shelf).into_iter();
    let added =
        added.map(|block| (Choice::Say(phrases::with_sentence(written, &block.text), block.does), 1.0));
    let short = shortest(module).filter(|block| block.text != *written);
    added.chain(short.map(|block| (Choice::Say(block.text, block.does), 1.0))).collect()
}

fn formats(module: &Module, abilities: Abilities) -> Vec<(Choice, f64)> {
    let signature = module.effective();
    let usual = default_format(&signature, abilities).name();
    let now = module.format.as_deref().unwrap_or(usual);
    let others = prompt::ALL.iter().filter(|format| format.fits(&signature) && format.name() != now);
    others.map(|format| (Choice::Format(format.name()), 1.0)).collect()
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
