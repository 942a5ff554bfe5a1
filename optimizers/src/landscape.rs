//! Landscapes: worlds with a planted truth, so that an optimizer can be asked whether it finds it.
//!
//! A landscape is a program, rows, and a function from the program (with a candidate laid over it) to its true chance of
//! a right answer. [`World`] serves it as [`Effects`], with noise, a budget, a scripted proposer and a record of all that
//! was asked.
//!
//! **Invariant:** outcomes depend on the seed, the candidate and the row alone, never on the order of questions. The
//! chance of a right answer is exactly the planted one; rows are hard or easy for all candidates alike, as real ones are.

mod planted;
mod scripted;
mod vote;

use std::collections::BTreeMap;

use proofmark_runtime::{
    Candidate, CandidateId, Example, ExampleId, Module, Output, Program, Record, Source, Type, Value, digest,
    model::Abilities,
};

use crate::{
    effects::{Ask, Effects, Event, Stop, Trial},
    outcome::{Outcome, Score, Step, Trace},
    visible::Visible,
};

/// Share of rows that are right or wrong for all candidates of the same worth alike, unless errors are independent.
const ALIKE: f64 = 0.5;

/// The true chance of a right answer of a program with a candidate laid over it.
pub type Worth = Box<dyn Fn(&Program) -> Chance + Send + Sync>;

/// A true chance of a right answer, 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub enum Chance {
    /// The same on every row.
    Even(f64),
    /// By the label of the row; labels are equally frequent.
    ByLabel(BTreeMap<String, f64>),
}

/// A world with a planted truth.
pub struct Landscape {
    /// What it is called.
    pub name: &'static str,
    /// The program as written.
    pub program: Program,
    /// Rows to learn from.
    pub train: Visible,
    /// Rows to rank on.
    pub val: Visible,
    /// Whether the model that it stands for gives label scores.
    pub scores_choices: bool,
    worth: Worth,
    /// Share of rows that are right or wrong for all candidates of the same worth alike.
    alike: f64,
    /// What the metric says about a wrong answer.
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
    /// The same landscape where no candidate's errors say anything about another's.
    #[must_use]
    pub fn with_independent_errors(self) -> Self {
        Self { alike: 0.0, ..self }
    }

    /// The true chance of a right answer of a candidate, or of most members of a vote; 0 for what does not fit the program.
    pub fn worth(&self, candidate: &Candidate) -> f64 {
        let chances: Vec<Chance> = candidate.members().iter().map(|member| self.chance(member)).collect();
        vote::worth(&chances, self.alike)
    }

    /// A run with so many calls; the seed decides the noise.
    pub fn world(&self, seed: u64, calls: u64) -> World<'_> {
        let (trials, events) = (Vec::new(), Vec::new());
        World {
            landscape: self,
            seed,
            calls,
            batches_left: None,
            silent: false,
            has_proposer: true,
            trials,
            asked: 0,
            events,
        }
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

    /// The labels that it differs by.
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
    /// Makes the proposer give no answer to anything.
    #[must_use]
    pub fn with_silent_proposer(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Names no proposer, so that the task's own model is one; it answers as well as ever.
    #[must_use]
    pub fn without_proposer(mut self) -> Self {
        self.has_proposer = false;
        self
    }

    /// Makes the run end with [`Stop::Cancelled`] after so many batches.
    #[must_use]
    pub fn cancelled_after(mut self, batches: u64) -> Self {
        self.batches_left = Some(batches);
        self
    }

    /// All that was scored, in order.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Questions to the proposer; each cost a call.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// All that was told, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    fn outcome(&self, members: &[(CandidateId, Chance)], row: &Example) -> Outcome {
        let alike = unit(&(self.seed, "alike", &row.id)) < self.landscape.alike;
        let draw = |id: &CandidateId| {
            if alike { unit(&(self.seed, "row", &row.id)) } else { unit(&(self.seed, id, &row.id)) }
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
        let outcomes = |trial: &Trial| {
            let members = trial.candidate.members();
            let members: Vec<_> =
                members.iter().map(|member| (member.id(), self.landscape.chance(member))).collect();
            let one = |row: &ExampleId| {
                let unknown = || Stop::Broken { message: format!("row `{row}` is not visible") };
                let row = self.landscape.example(row).ok_or_else(unknown)?;
                Ok(self.outcome(&members, row))
            };
            trial.rows.iter().map(one).collect()
        };
        batch.iter().map(outcomes).collect()
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

/// A number in [0, 1) that depends on `parts` alone.
pub fn unit<T: serde::Serialize>(parts: &T) -> f64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest(parts).as_bytes()[..8]);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let unit = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
    unit
}

/// What the modules would have got and given: the labelled outputs, or wrong ones; a note where the row says nothing.
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
        let outputs = module.signature.outputs.iter().map(|field| {
            (field.name.clone(), output(program, module, (&field.name, &field.ty), (row, right)))
        });
        let outputs: Record = outputs.collect();
        trace.push(Step { module: module.name.clone(), inputs, outputs, remark: None });
    }
    trace
}

fn output(
    program: &Program,
    module: &Module,
    (name, ty): (&str, &Type),
    (row, right): (&Example, bool),
) -> Value {
    let source = Source::Output { module: module.name.clone(), field: name.to_owned() };
    let public: Option<&Output> = program.outputs().iter().find(|output| output.source == source);
    let gold = public.and_then(|output| row.outputs.get(&output.name));
    match (gold, ty) {
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
