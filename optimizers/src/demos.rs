//! Demonstrations: the demonstrations that are available for each module, and how sets are drawn from them.
//!
//! **Invariant:** a drawn set never shows a row twice, and every demonstration keeps the id of its row. A labelled row
//! becomes a demonstration of a module only if the row has a value for every input and output of that module. The modules
//! in the middle of a program get their demonstrations from traces.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{
    Candidate, Demonstration, Example, ExampleId, Module, Origin, Output, Param, ParamPath, Program, Record,
    Slot, Source, Value, kind,
};
use rand::{
    Rng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::outcome::Trace;

/// The greatest number of demonstrations of a set: with more, small models get worse and prompts leave the context.
pub const MOST: usize = 32;
/// The sizes of sets for answers that are not a few labels.
const FREE_SIZES: [usize; 3] = [2, 4, 8];

/// The demonstrations that are available for one module, grouped by answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ExamplePool {
    /// The module.
    pub module: String,
    groups: Vec<Vec<Demonstration>>,
}

impl ExamplePool {
    /// Groups demonstrations by their answer. If answers hardly repeat, all form one group.
    pub fn new(module: &str, demonstrations: Vec<Demonstration>) -> Self {
        let total = demonstrations.len();
        let mut groups: BTreeMap<String, Vec<Demonstration>> = BTreeMap::new();
        for demonstration in demonstrations {
            groups.entry(answer(&demonstration)).or_default().push(demonstration);
        }
        let groups: Vec<_> = groups.into_values().collect();
        let repeat = groups.len() * 2 <= total.max(2);
        let groups = if repeat || total == 0 { groups } else { vec![groups.concat()] };
        Self { module: module.to_owned(), groups }
    }

    /// Makes a pool from labelled rows for every module that the rows have all values for.
    pub fn labelled<'a>(program: &Program, examples: impl Iterator<Item = &'a Example> + Clone) -> Vec<Self> {
        let mut pools = Vec::new();
        for module in program.modules() {
            let list: Vec<_> = examples.clone().filter_map(|row| from_row(program, module, row)).collect();
            if !list.is_empty() {
                pools.push(Self::new(&module.name, list));
            }
        }
        pools
    }

    /// Makes a pool from accepted traces for every module that ran in them; the last step of a module counts.
    pub fn traced(program: &Program, traces: &[(ExampleId, Trace)]) -> Vec<Self> {
        let mut pools = Vec::new();
        for module in program.modules() {
            let list: Vec<_> =
                traces.iter().filter_map(|(id, trace)| from_trace(&module.name, id, trace)).collect();
            if !list.is_empty() {
                pools.push(Self::new(&module.name, list));
            }
        }
        pools
    }

    /// The demonstrations of this pool, and those of `other` whose row is not in this pool.
    #[must_use]
    pub fn topped_up(&self, other: &Self) -> Self {
        let here: BTreeSet<_> = self.groups.iter().flatten().map(row).collect();
        let more = other.groups.iter().flatten().filter(|demonstration| !here.contains(&row(demonstration)));
        Self::new(&self.module, self.groups.iter().flatten().chain(more).cloned().collect())
    }

    /// All demonstrations, by answer.
    pub fn demonstrations(&self) -> impl Iterator<Item = &Demonstration> {
        self.groups.iter().flatten()
    }

    /// The number of demonstrations.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Whether there are no demonstrations.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether sets are balanced over answers.
    pub fn is_balanced(&self) -> bool {
        self.groups.len() > 1
    }

    /// The number of different answers that sets are balanced over; 1 if they are not balanced.
    pub fn answers(&self) -> usize {
        self.groups.len()
    }

    /// The sizes of sets to try, the most promising first: one, half a one and two per answer; 4, 2 and 8 if sets are not
    /// balanced.
    pub fn sizes(&self) -> Vec<usize> {
        let answers = self.answers();
        let [small, middle, large] =
            if self.is_balanced() { [answers / 2, answers, 2 * answers] } else { FREE_SIZES };
        let mut sizes = Vec::new();
        for size in [middle, small, large] {
            let size = size.min(MOST).min(self.len());
            if size > 0 && !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }

    /// Draws a set of this size, as balanced over answers as the pool allows, in random order.
    pub fn draw(&self, size: usize, rng: &mut impl Rng) -> Vec<Demonstration> {
        let mut groups: Vec<&Vec<Demonstration>> = self.groups.iter().collect();
        groups.shuffle(rng);
        let each = size.div_ceil(groups.len().max(1));
        let picks: Vec<Vec<&Demonstration>> =
            groups.iter().map(|group| group.sample(rng, each).collect()).collect();
        let rounds = (0..each).flat_map(|round| picks.iter().filter_map(move |pick| pick.get(round)));
        let mut set: Vec<Demonstration> = rounds.take(size).map(|&pick| pick.clone()).collect();
        set.shuffle(rng);
        set
    }

    /// Draws a demonstration for the place `at` of the set: with the same answer, and from a row that the set does not show.
    pub fn substitute(&self, set: &[Demonstration], at: usize, rng: &mut impl Rng) -> Option<Demonstration> {
        let instead_of = answer(set.get(at)?);
        let shown: BTreeSet<_> = set.iter().map(row).collect();
        let group =
            self.groups.iter().find(|group| !self.is_balanced() || answer(&group[0]) == instead_of)?;
        let others: Vec<_> =
            group.iter().filter(|demonstration| !shown.contains(&row(demonstration))).collect();
        others.choose(rng).map(|&demonstration| demonstration.clone())
    }

    /// Describes a set of this size in words.
    pub fn phrase(&self, size: usize) -> String {
        let answers = self.answers();
        let per = if !self.is_balanced() || size < answers {
            ""
        } else if size == answers {
            ", one per answer"
        } else if size == 2 * answers {
            ", two per answer"
        } else {
            ", balanced over answers"
        };
        format!("{size} demonstration{}{per}", if size == 1 { "" } else { "s" })
    }
}

/// The candidate with this set as the demonstrations of a module.
#[must_use]
pub fn showing(candidate: Candidate, module: &str, set: Vec<Demonstration>) -> Candidate {
    candidate.with(ParamPath::new(module, Slot::Demonstrations), Param::Demonstrations(set))
}

/// Draws a set for every module that has a pool; returns the candidate with these sets and a description. `rank` selects
/// one of each pool's sizes and wraps around.
pub fn with_drawn_demonstrations(
    candidate: Candidate,
    pools: &[ExamplePool],
    rank: usize,
    rng: &mut impl Rng,
) -> (Candidate, String) {
    let mut words = Vec::new();
    let mut candidate = candidate;
    for pool in pools {
        let sizes = pool.sizes();
        let set = pool.draw(sizes[rank % sizes.len()], rng);
        words.push(pool.phrase(set.len()));
        candidate = showing(candidate, &pool.module, set);
    }
    (candidate, words.join("; "))
}

/// A demonstration's answer as one line, without reasoning.
pub fn answer(demonstration: &Demonstration) -> String {
    let outputs = demonstration.outputs.iter().filter(|(name, _)| *name != kind::REASONING);
    outputs.map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" | ")
}

/// Makes a demonstration from the last step of a module in a trace.
fn from_trace(module: &str, id: &ExampleId, trace: &Trace) -> Option<Demonstration> {
    let step = trace.iter().rev().find(|step| step.module == module)?;
    let origin = Origin::Trace(id.clone());
    Some(Demonstration { origin, inputs: step.inputs.clone(), outputs: step.outputs.clone() })
}

/// Makes a demonstration of a module from a labelled row, if the row has a value for every field of the module.
fn from_row(program: &Program, module: &Module, row: &Example) -> Option<Demonstration> {
    let mut inputs = Record::new();
    for field in &module.signature.inputs {
        match value_of(program, module.wiring.get(&field.name)?, row) {
            Some(value) => inputs.insert(&field.name, value.clone()),
            None => field.check(None).ok()?,
        }
    }
    let mut outputs = Record::new();
    for field in &module.signature.outputs {
        let source = Source::Output { module: module.name.clone(), field: field.name.clone() };
        match value_of(program, &source, row) {
            Some(value) => outputs.insert(&field.name, value.clone()),
            None => field.check(None).ok()?,
        }
    }
    let usable = !outputs.is_empty();
    usable.then(|| Demonstration { origin: Origin::Row(row.id.clone()), inputs, outputs })
}

/// The value that a row has for a source in the program.
fn value_of<'a>(program: &Program, source: &Source, row: &'a Example) -> Option<&'a Value> {
    match source {
        Source::Input(name) => row.inputs.get(name),
        Source::Output { .. } => {
            let public: &Output = program.outputs().iter().find(|output| output.source == *source)?;
            row.outputs.get(&public.name)
        }
    }
}

/// The row that a demonstration was made from.
fn row(demonstration: &Demonstration) -> Option<&ExampleId> {
    match &demonstration.origin {
        Origin::Row(id) | Origin::Trace(id) => Some(id),
        Origin::Task => None,
    }
}

#[cfg(test)]
mod tests;
