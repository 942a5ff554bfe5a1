//! The lab: what an optimizer works with.
//!
//! **Invariant:** random streams are named by purpose and derived from the run's seed alone; adding a draw to one purpose
//! never changes another.

use proofmark_runtime::{Program, digest};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    effects::{Effects, Event, Stop, Trial},
    outcome::Outcome,
    visible::Visible,
};

/// What an optimizer works with.
pub struct Lab<'a> {
    program: &'a Program,
    train: &'a Visible,
    val: &'a Visible,
    seed: u64,
    effects: &'a mut dyn Effects,
}

impl<'a> Lab<'a> {
    /// A lab over a program and its visible rows.
    pub fn new(
        program: &'a Program,
        (train, val): (&'a Visible, &'a Visible),
        seed: u64,
        effects: &'a mut dyn Effects,
    ) -> Self {
        Self { program, train, val, seed, effects }
    }

    /// The program as written.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// Rows to learn from.
    pub fn train(&self) -> &'a Visible {
        self.train
    }

    /// Rows to rank finalists on.
    pub fn val(&self) -> &'a Visible {
        self.val
    }

    /// The random stream of a purpose.
    pub fn rng(&self, purpose: &str) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(*digest(&("lab", self.seed, purpose)).as_bytes())
    }

    /// Scores trials.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        self.effects.evaluate(batch)
    }

    /// Tells the user and the journal.
    pub fn note(&mut self, event: Event) {
        self.effects.note(event);
    }
}
