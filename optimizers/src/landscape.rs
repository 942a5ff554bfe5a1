//! Landscapes: test problems with a planted truth, which show whether an optimizer finds it.
//!
//! A landscape is a program, rows, and a function from the program (with a candidate laid over it) to its true probability of
//! a right answer. [`World`] implements [`Effects`] for it, with noise, a budget, a scripted proposer and a record of all
//! requests.
//!
//! **Invariant:** outcomes depend on the seed, the candidate and the row alone, never on the order of requests. The
//! probability of a right answer is exactly the planted one. Rows are hard or easy for all candidates together, as in real
//! data.

mod planted;
mod scripted;
mod vote;

use std::collections::BTreeMap;

use proofmark_runtime::{
    Candidate, CandidateId, Example, ExampleId, Field, Module, Output, Program, Record, Source, Type, Value,
    digest, model::Abilities,
};

use crate::{
    Lab,
    effects::{Ask, Effects, Event, Stop, Trial},
    outcome::{Outcome, Score, Step, Trace},
    visible::Visible,
};

/// The share of rows that all candidates of the same true score get right or wrong together.
const ALIKE: f64 = 0.5;

/// The true probability of a right answer of a program with a candidate laid over it.
pub type Worth = Box<dyn Fn(&Program) -> Chance + Send + Sync>;

/// A true probability of a right answer, 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub enum Chance {
    /// The same on every row.
    Even(f64),
    /// By the label of the row; labels are equally frequent.
    ByLabel(BTreeMap<String, f64>),
}

/// A test problem with a planted truth.
pub struct Landscape {
    /// The name.
    pub name: &'static str,
    /// The program as written.
    pub program: Program,
    /// The training rows.
    pub train: Visible,
    /// The validation rows.
    pub val: Visible,
    /// Whether the simulated model gives label scores.
    pub scores_choices: bool,
    worth: Worth,
    /// The share of rows that all candidates of the same true score get right or wrong together.
    alike: f64,
    /// The metric's remark on a wrong answer.
    remark: Option<fn(&Example) -> String>,
}

/// One run in a landscape.
pub struct World<'a> {
    landscape: &'a Landscape,
    seed: u64,
    calls: u64,
    batches_left: Option<u64>,
    silent: bool,
    has_proposer: bool,
    trials: Vec<Trial>,
    asked: u64,
    events: Vec<Event>,
}

impl Landscape {
    /// The same landscape with independent errors of the candidates.
    #[must_use]
    pub fn with_independent_errors(self) -> Self {
        Self { alike: 0.0, ..self }
    }

    /// The true probability of a right answer of a candidate, or of the majority of a vote; 0 if it does not fit the program.
    pub fn worth(&self, candidate: &Candidate) -> f64 {
        let chances: Vec<Chance> = candidate.members().iter().map(|member| self.chance(member)).collect();
        vote::worth(&chances, self.alike)
    }

    /// Makes a run with this many calls; the seed decides the noise.
    pub fn world(&self, seed: u64, calls: u64) -> World<'_> {
        World {
            landscape: self,
            seed,
            calls,
            batches_left: None,
            silent: false,
            has_proposer: true,
            trials: Vec::new(),
            asked: 0,
            events: Vec::new(),
        }
    }

    /// Makes a lab over the landscape's program and rows.
    pub fn lab<'a>(&'a self, seed: u64, effects: &'a mut dyn Effects) -> Lab<'a> {
        Lab::new(&self.program, &self.train, &self.val, seed, effects)
    }

    fn chance(&self, candidate: &Candidate) -> Chance {
        self.program.apply(candidate).map_or(Chance::Even(0.0), |program| (self.worth)(&program))
    }

    fn example(&self, id: &ExampleId) -> Option<&Example> {
        self.train.get(id).or_else(|| self.val.get(id))
    }
}

impl Chance {
    fn on(&self, row: &Example) -> f64 {
        self.with_label(&row.label())
    }

    fn with_label(&self, label: &str) -> f64 {
        match self {
            Self::Even(chance) => chance.clamp(0.0, 1.0),
            Self::ByLabel(chances) => chances.get(label).map_or(0.0, |chance| chance.clamp(0.0, 1.0)),
        }
    }

    /// The labels that it depends on.
    fn labels(&self) -> impl Iterator<Item = &str> {
        let chances = match self {
            Self::Even(_) => None,
            Self::ByLabel(chances) => Some(chances),
        };
        chances.into_iter().flat_map(|chances| chances.keys().map(String::as_str))
    }
}

impl From<f64> for Chance {
    fn from(chance: f64) -> Self {
        Self::Even(chance)
    }
}

impl World<'_> {
    /// Makes the proposer give no reply to any question.
    #[must_use]
    pub fn with_silent_proposer(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Makes [`Effects::has_proposer`] false. Questions get the same replies, as from the task's own model.
    #[must_use]
    pub fn without_proposer(mut self) -> Self {
        self.has_proposer = false;
        self
    }

    /// Makes the run end with [`Stop::Cancelled`] after this many batches.
    #[must_use]
    pub fn cancelled_after(mut self, batches: u64) -> Self {
        self.batches_left = Some(batches);
        self
    }

    /// All trials in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The number of questions to the proposer; each cost a call.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// All events in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The outcome of a candidate, given by the members of its vote, on a row.
    fn outcome(&self, members: &[(CandidateId, Chance)], row: &Example) -> Outcome {
        let alike = uniform(&(self.seed, "alike", &row.id)) < self.landscape.alike;
        let draw = |id: &CandidateId| {
            if alike { uniform(&(self.seed, "row", &row.id)) } else { uniform(&(self.seed, id, &row.id)) }
        };
        let votes = members.iter().filter(|(id, chance)| draw(id) < chance.on(row)).count();
        let right = 2 * votes > members.len();
        let score = if right { Score::ONE } else { Score::ZERO };
        let feedback = self.landscape.remark.filter(|_| !right).map(|remark| remark(row));
        Outcome::Scored { score, feedback, trace: trace(&self.landscape.program, row, right) }
    }
}

impl Effects for World<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        if self.batches_left == Some(0) {
            return Err(Stop::Cancelled);
        }
        let runs: usize = batch.iter().map(Trial::runs).sum();
        let cost = (runs * self.landscape.program.calls_per_record()) as u64;
        self.calls = self.calls.checked_sub(cost).ok_or(Stop::Budget)?;
        self.batches_left = self.batches_left.map(|left| left - 1);
        self.trials.extend_from_slice(batch);
        let mut results = Vec::with_capacity(batch.len());
        for trial in batch {
            let members = trial.candidate.members();
            let members: Vec<_> =
                members.iter().map(|member| (member.id(), self.landscape.chance(member))).collect();
            let mut outcomes = Vec::with_capacity(trial.rows.len());
            for id in &trial.rows {
                let unknown = || Stop::Broken { message: format!("row `{id}` is not visible") };
                let row = self.landscape.example(id).ok_or_else(unknown)?;
                outcomes.push(self.outcome(&members, row));
            }
            results.push(outcomes);
        }
        Ok(results)
    }

    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.calls = self.calls.checked_sub(asks.len() as u64).ok_or(Stop::Budget)?;
        self.asked += asks.len() as u64;
        let reply = |ask: &Ask| (!self.silent).then(|| scripted::reply(self.seed, ask));
        Ok(asks.iter().map(reply).collect())
    }

    fn abilities(&self) -> Abilities {
        Abilities { scores_choices: self.landscape.scores_choices, enforces_schema: false }
    }

    fn has_proposer(&self) -> bool {
        self.has_proposer
    }

    fn remaining_calls(&self) -> u64 {
        self.calls
    }

    fn note(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// A pseudo-random number in [0, 1) that depends on `parts` alone.
pub fn uniform<T: serde::Serialize>(parts: &T) -> f64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest(parts).as_bytes()[..8]);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let uniform = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
    uniform
}

/// A simulated trace: the labels as outputs, or wrong ones; a note for outputs that the row has no label for.
fn trace(program: &Program, row: &Example, right: bool) -> Trace {
    let mut trace: Trace = Vec::new();
    for module in program.modules() {
        let input = |name: &String| match module.wiring.get(name)? {
            Source::Input(name) => row.inputs.get(name).cloned(),
            Source::Output { module, field } => {
                trace.iter().find(|step| step.module == *module)?.outputs.get(field).cloned()
            }
        };
        let names = module.signature.inputs.iter().map(|field| &field.name);
        let inputs: Record = names.filter_map(|name| Some((name.clone(), input(name)?))).collect();
        let fields = module.signature.outputs.iter();
        let outputs: Record =
            fields.map(|field| (field.name.clone(), output(program, module, field, row, right))).collect();
        trace.push(Step { module: module.name.clone(), inputs, outputs, remark: None });
    }
    trace
}

/// A simulated output of a module: right, wrong, or a note.
fn output(program: &Program, module: &Module, field: &Field, row: &Example, right: bool) -> Value {
    let source = Source::Output { module: module.name.clone(), field: field.name.clone() };
    let public: Option<&Output> = program.outputs().iter().find(|output| output.source == source);
    let gold = public.and_then(|output| row.outputs.get(&output.name));
    match (gold, &field.ty) {
        (Some(gold), _) if right => gold.clone(),
        (Some(gold), Type::Choice(choices)) => {
            let wrong = choices.iter().find(|choice| gold.as_text() != Some(choice));
            wrong.map_or_else(|| gold.clone(), |choice| Value::Text(choice.clone()))
        }
        _ => Value::Text(format!("a note on row {}", row.id)),
    }
}

#[cfg(test)]
mod tests;
