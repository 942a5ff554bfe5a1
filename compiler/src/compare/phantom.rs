//! Phantom gains: the same searches where there is nothing to be found, because every score is a coin flip.
//!
//! Whatever a search claims above 50 % here is selection from noise, and every honest number must be 50 %. No model is
//! asked for answers, since they would not matter; only a named proposer still writes its proposals.
//!
//! **Invariant:** a coin depends on the seed, the candidate and the row alone, so visible and held rows are independent, and
//! the same comparison flips the same coins.

use std::collections::BTreeMap;

use proofmark_optimizers::{Ask, Effects, Event, Outcome, Score, Stop, Trial, outcome::Step};
use proofmark_runtime::{
    Candidate, Example, ExampleId, Program, digest,
    model::{Abilities, Usage},
};

use crate::engine::{Answered, Asked, Bench, Spent};

/// A bench whose scores are coin flips.
pub struct Phantom<'b> {
    bench: &'b mut dyn Bench,
    program: &'b Program,
    rows: BTreeMap<&'b ExampleId, &'b Example>,
    seed: u64,
    left: u64,
    task: u64,
}

impl<'b> Phantom<'b> {
    /// Coins in place of the scores of a bench, for a search over these rows with a budget of its own.
    pub fn new(
        bench: &'b mut dyn Bench,
        program: &'b Program,
        rows: &[&'b Example],
        (seed, budget): (u64, u64),
    ) -> Self {
        let rows = rows.iter().map(|example| (&example.id, *example)).collect();
        Self { bench, program, rows, seed, left: budget, task: 0 }
    }

    fn flip(&self, candidate: &Candidate, example: &Example) -> Outcome {
        let coin = digest(&("coin", self.seed, candidate.id(), &example.id));
        let score = if coin.as_bytes()[0].is_multiple_of(2) { Score::ZERO } else { Score::ONE };
        Outcome::Scored { score, feedback: None, trace: self.trace(example) }
    }

    /// A program of one module is taken to have answered what is right, so that there is something to demonstrate.
    fn trace(&self, example: &Example) -> Vec<Step> {
        let [module] = self.program.modules() else { return vec![] };
        let (inputs, outputs) = (example.inputs.clone(), example.outputs.clone());
        vec![Step { module: module.name.clone(), inputs, outputs, remark: None }]
    }

    fn reserve(&mut self, calls: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(calls).ok_or(Stop::Budget)?;
        Ok(())
    }
}

impl Bench for Phantom<'_> {
    fn measure(&mut self, cells: &[Asked<'_>]) -> Result<Vec<Answered>, Stop> {
        let flip = |asked: &Asked<'_>| Answered {
            outcome: self.flip(asked.candidate, asked.example),
            usage: Usage::default(),
            guards: vec![],
        };
        Ok(cells.iter().map(flip).collect())
    }

    fn spent(&self) -> Spent {
        Spent { task: self.task, ..self.bench.spent() }
    }
}

impl Effects for Phantom<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        let runs: usize = batch.iter().map(Trial::runs).sum();
        let calls = (runs * self.program.calls_per_record()) as u64;
        self.reserve(calls)?;
        self.task += calls;
        let unknown =
            |id: &ExampleId| Stop::Broken { message: format!("row {id} is not visible to the search") };
        let of = |trial: &Trial| {
            let flip = |id| {
                let example = self.rows.get(id).ok_or_else(|| unknown(id))?;
                Ok(self.flip(&trial.candidate, example))
            };
            trial.rows.iter().map(flip).collect()
        };
        batch.iter().map(of).collect()
    }

    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.reserve(asks.len() as u64)?;
        self.bench.ask(asks)
    }

    fn abilities(&self) -> Abilities {
        self.bench.abilities()
    }

    fn has_proposer(&self) -> bool {
        self.bench.has_proposer()
    }

    fn remaining_calls(&self) -> u64 {
        self.left
    }

    fn note(&mut self, event: Event) {
        self.bench.note(event);
    }
}
