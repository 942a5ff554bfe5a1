//! Effects: all that a search can do to the world, as one trait. The compiler's engine serves it from models and the
//! call store; tests serve it from a planted landscape.
//!
//! **Invariant:** results come back in request order, and the budget of a whole batch is reserved before its first call,
//! so a budget stop never throws paid work away.

use proofmark_runtime::{Candidate, CandidateId, ExampleId, model::Abilities};
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// One candidate to be tried on some visible rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What to try.
    pub candidate: Candidate,
    /// The rows, all of them visible.
    pub rows: Vec<ExampleId>,
}

impl Trial {
    /// Runs of the program that it takes: one per row, or as many as vote.
    pub fn runs(&self) -> usize {
        self.rows.len() * self.candidate.votes()
    }
}

/// One question to the proposer model.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What it is for, such as `instruction`: names the purpose in the journal.
    pub purpose: &'static str,
    /// The system message.
    pub system: String,
    /// The user message.
    pub user: String,
    /// 0 is greedy.
    pub temperature: f64,
    /// Which of several draws of the same question.
    pub replicate: u32,
}

/// Something worth telling: shown as progress, kept in the journal and the report. Never changes the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The search enters a stage.
    Stage {
        /// Its name, such as "headroom" or "racing 48 candidates".
        name: String,
    },
    /// A candidate was made.
    Born(Lineage),
    /// A rung of a race is over.
    Rung {
        /// Rows each candidate was scored on so far.
        rows: usize,
        /// Candidates that were in it.
        candidates: usize,
        /// Candidates that go on.
        kept: usize,
        /// The mean score of the best.
        best: f64,
    },
    /// A remark in words.
    Remark {
        /// The words.
        text: String,
    },
}

/// Where a candidate comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The candidate.
    pub id: CandidateId,
    /// What it was made from.
    pub parents: Vec<CandidateId>,
    /// How, in a few words: "11 demonstrations, one per choice, draw 3".
    pub how: String,
}

/// Why a search stops early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The next batch does not fit the budget.
    #[error("the budget is spent")]
    Budget,
    /// The user asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Something that a search needs failed for good.
    #[error("{message}")]
    Failed {
        /// What it was.
        culprit: Culprit,
        /// What happened.
        message: String,
    },
    /// A rule that always holds was broken: a mistake in Proofmark.
    #[error("{message}")]
    Broken {
        /// Which one.
        message: String,
    },
}

/// What can fail a search for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The model or the proposer.
    Model,
    /// The metric, such as a program of the user's.
    Metric,
    /// The call store: a disk that is full or a file that is damaged.
    Store,
}

/// All that a search can do to the world.
pub trait Effects {
    /// Scores every trial; outcomes in request order, one per row.
    ///
    /// # Errors
    /// [`Stop`], before any call of the batch is made if the reason is the budget.
    fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop>;

    /// Asks the proposer model; `None` where it gave no answer.
    ///
    /// # Errors
    /// [`Stop`].
    fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop>;

    /// What the task's model can do; calibration makes sense only where it gives label scores.
    fn abilities(&self) -> Abilities;

    /// Whether a proposer was named that is stronger than the task's model.
    fn has_proposer(&self) -> bool;

    /// Model calls that may still be spent. A run of the program costs [`proofmark_runtime::Program::calls_per_record`]
    /// calls, whether they are made or replayed; a row takes one, or as many as vote.
    fn remaining_calls(&self) -> u64;

    /// Tells the user and the journal.
    fn note(&mut self, event: Event);
}
