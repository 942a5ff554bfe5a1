//! Demonstrations: what the pool offers to each module, and how sets are drawn from it.
//!
//! **Invariant:** a drawn set never shows a row twice, and every demonstration knows its row. A labelled row serves a
//! module only where the row itself holds every input and output of that module; for modules in the middle of a program
//! there are traces.

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

/// Most demonstrations of a set: small models get worse long before, and contexts end.
pub const MOST: usize = 32;
/// Set sizes where the answers are not a few labels.
const FREE_SIZES: [usize; 3] = [2, 4, 8];

/// The demonstrations that are on offer for one module, by what they answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Shelf {
    /// The module.
    pub module: String,
    groups: Vec<Vec<Demonstration>>,
}

impl Shelf {
    /// Sorts demonstrations by their answer. Where answers hardly repeat they form one group.
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

    /// One shelf for every module that labelled rows can serve.
    pub fn labelled<'a>(program: &Program, examples: impl Iterator<Item = &'a Example> + Clone) -> Vec<Self> {
        let shelf = |module: &Module| {
            let list: Vec<_> = examples.clone().filter_map(|row| from_row(program, module, row)).collect();
            (!list.is_empty()).then(|| Self::new(&module.name, list))
        };
        program.modules().iter().filter_map(shelf).collect()
    }

    /// One shelf for every module that ran in these accepted traces; a module's last step of a trace counts.
    pub fn traced(program: &Program, traces: &[(ExampleId, Trace)]) -> Vec<Self> {
        let demonstration = |module: &Module, (id, trace): &(ExampleId, Trace)| {
            let step = trace.iter().rev().find(|step| step.module == module.name)?;
            let origin = Origin::Trace(id.clone());
            Some(Demonstration { origin, inputs: step.inputs.clone(), outputs: step.outputs.clone() })
        };
        let shelf = |module: &Module| {
            let list: Vec<_> = traces.iter().filter_map(|trace| demonstration(module, trace)).collect();
            (!list.is_empty()).then(|| Self::new(&module.name, list))
        };
        program.modules().iter().filter_map(shelf).collect()
    }

    /// These demonstrations, and those of `other` whose row is not among them.
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

    /// How many demonstrations there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether sets are balanced over answers.
    pub fn is_balanced(&self) -> bool {
        self.groups.len() > 1
    }

    /// How many different answers sets are balanced over.
    pub fn answers(&self) -> usize {
        self.groups.len()
    }

    /// Set sizes worth trying, most promising first: one, half a one, two per answer; where answers are free 4, 2, 8.
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

    /// A set of that size, as balanced over answers as the shelf allows, in random order.
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

    /// Another demonstration with the same answer as `instead_of` that is not in the set, if there is one.
    pub fn substitute(&self, set: &[Demonstration], at: usize, rng: &mut impl Rng) -> Option<Demonstration> {
        let instead_of = answer(set.get(at)?);
        let shown: BTreeSet<_> = set.iter().map(row).collect();
        let group =
            self.groups.iter().find(|group| !self.is_balanced() || answer(&group[0]) == instead_of)?;
        let others: Vec<_> =
            group.iter().filter(|demonstration| !shown.contains(&row(demonstration))).collect();
        others.choose(rng).map(|&demonstration| demonstration.clone())
    }

    /// A set of that size in words.
    pub fn phrase(&self, size: usize) -> String {
        let per = match (size, self.answers()) {
            (size, answers) if !self.is_balanced() || size < answers => "",
            (size, answers) if size == answers => ", one per answer",
            (size, answers) if size == 2 * answers => ", two per answer",
            _ => ", balanced over answers",
        };
        format!("{size} demonstration{}{per}", if size == 1 { "" } else { "s" })
    }
}

/// The same candidate showing this set in a module.
#[must_use]
pub fn showing(candidate: Candidate, module: &str, set: Vec<Demonstration>) -> Candidate {
    candidate.with(ParamPath::new(module, Slot::Demonstrations), Param::Demonstrations(set))
}

/// The candidate showing a freshly drawn set in every module that has a shelf, and what that is in words. `rank` counts
/// through each shelf's sizes.
pub(crate) fn furnished(
    candidate: Candidate,
    shelves: &[Shelf],
    rank: usize,
    rng: &mut impl Rng,
) -> (Candidate, String) {
    let mut words = Vec::new();
    let full = shelves.iter().fold(candidate, |candidate, shelf| {
        let sizes = shelf.sizes();
        let set = shelf.draw(sizes[rank % sizes.len()], rng);
        words.push(shelf.phrase(set.len()));
        showing(candidate, &shelf.module, set)
    });
    (full, words.join("; "))
}

/// A demonstration's answer as one line, reasoning left out.
pub fn answer(demonstration: &Demonstration) -> String {
    let outputs = demonstration.outputs.iter().filter(|(name, _)| *name != kind::REASONING);
    outputs.map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" | ")
}

/// The labelled row as a demonstration of one module, if it holds all that the module takes and gives.
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

/// What a row says about a value that flows through the program.
fn value_of<'a>(program: &Program, source: &Source, row: &'a Example) -> Option<&'a Value> {
    match source {
        Source::Input(name) => row.inputs.get(name),
        Source::Output { .. } => {
            let public: &Output = program.outputs().iter().find(|output| output.source == *source)?;
            row.outputs.get(&public.name)
        }
    }
}

fn row(demonstration: &Demonstration) -> Option<&ExampleId> {
    match &demonstration.origin {
        Origin::Row(id) | Origin::Trace(id) => Some(id),
        Origin::Task => None,
    }
}

#[cfg(test)]
mod tests;
