//! Effects: everything that a search can do to the outside world, as one trait. The compiler's engine implements it with
//! models and the call store; tests implement it with a planted landscape.
//!
//! **Invariant:** results come back in the order of the request. The budget of a whole batch is reserved before its first
//! call, so a stop for the budget never discards paid work.

use proofmark_runtime::{Candidate, CandidateId, ExampleId, model::Abilities};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// One candidate to be scored on some visible rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The candidate.
    pub candidate: Candidate,
    /// The rows, all of them visible.
    pub rows: Vec<ExampleId>,
}

impl Trial {
    /// The number of runs of the program that it takes: one per row and member of the vote.
    pub fn runs(&self) -> usize {
        self.rows.len() * self.candidate.votes()
    }
}

/// One question to the proposer model.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The purpose, such as `instruction`; the journal names it.
    pub purpose: &'static str,
    /// The system message.
    pub system: String,
    /// The user message.
    pub user: String,
    /// The sampling temperature; 0 is greedy.
    pub temperature: f64,
    /// The number of this draw among draws of the same question, from 0.
    pub replicate: u32,
}

/// An event of a search, shown as progress and kept in the journal and the report. It never changes the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The search enters a stage.
    Stage {
        /// Its name, such as "headroom" or "racing 48 candidates".
        name: String,
    },
    /// A candidate was registered.
    Born(Lineage),
    /// A rung of a race is over.
    Rung {
        /// The number of rows that each candidate was scored on so far.
        rows: usize,
        /// The number of candidates that entered the rung.
        candidates: usize,
        /// The number of candidates that go on.
        kept: usize,
        /// The mean score of the best, 0..=1.
        best: f64,
    },
    /// A remark.
    Remark {
        /// The text.
        text: String,
    },
}

/// The origin of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The candidate.
    pub id: CandidateId,
    /// The candidates that it was made from.
    pub parents: Vec<CandidateId>,
    /// How it was made, in a few words: "11 demonstrations, one per choice, draw 3".
    pub how: String,
}

/// The reason why a search stops early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The next batch does not fit the budget.
    #[error("the budget is spent")]
    Budget,
    /// The user asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A part that the search needs failed for good.
    #[error("{message}")]
    Failed {
        /// The part.
        culprit: Culprit,
        /// What happened.
        message: String,
    },
    /// An invariant was broken: a bug in Proofmark or in the optimizer.
    #[error("{message}")]
    Broken {
        /// The broken rule.
        message: String,
    },
}

/// A part whose failure stops a search for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The model or the proposer.
    Model,
    /// The metric, such as the user's own program.
    Metric,
    /// The call store: the disk is full or the file is damaged.
    Store,
}

/// Everything that a search can do to the outside world.
pub trait Effects {
    /// Scores every trial and returns the outcomes in the order of the request, one per row.
    ///
    /// # Errors
    /// [`Stop`]; a stop for the budget comes before the first call of the batch.
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop>;

    /// Sends questions to the proposer model and returns its replies in order; `None` where there is no reply.
    ///
    /// # Errors
    /// [`Stop`].
    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop>;

    /// The abilities of the task's model; calibration needs label scores.
    fn abilities(&self) -> Abilities;

    /// Whether the user named a proposer other than the task's own model.
    fn has_proposer(&self) -> bool;

    /// The number of model calls that may still be spent. A run of the program costs
    /// [`proofmark_runtime::Program::calls_per_record`] calls, whether they are made or replayed; a row takes one run per
    /// member of a vote.
    fn remaining_calls(&self) -> u64;

    /// Reports an event to the user and the journal.
    fn note(&mut self, event: Event);
}
