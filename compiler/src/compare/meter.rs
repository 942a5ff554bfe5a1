//! Meters: what a search knew after how many calls.
//!
//! **Invariant:** a meter changes no result; it passes on every effect. What single searches tell stays here: among dozens
//! of them nobody could read it.

use proofmark_optimizers::{Ask, Effects, Event, Outcome, Stop, Trial};
use proofmark_runtime::model::Abilities;

/// Effects that are read along.
pub(super) struct Meter<'e> {
    effects: &'e mut dyn Effects,
    budget: u64,
    curve: Vec<(u64, f64)>,
}

impl<'e> Meter<'e> {
    /// Reads along from here on.
    pub(super) fn new(effects: &'e mut dyn Effects) -> Self {
        Self { budget: effects.remaining_calls(), effects, curve: Vec::new() }
    }

    /// Calls spent, and the best score that was told then.
    pub(super) fn curve(self) -> Vec<(u64, f64)> {
        self.curve
    }
}

impl Effects for Meter<'_> {
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        self.effects.evaluate(batch)
    }

    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.effects.ask(asks)
    }

    fn abilities(&self) -> Abilities {
        self.effects.abilities()
    }

    fn has_proposer(&self) -> bool {
        self.effects.has_proposer()
    }

    fn remaining_calls(&self) -> u64 {
        self.effects.remaining_calls()
    }

    fn note(&mut self, event: Event) {
        if let Event::Rung { best, candidates: 1.., .. } = event {
            self.curve.push((self.budget - self.effects.remaining_calls(), best));
        }
    }
}
