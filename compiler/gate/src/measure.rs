//! Measuring: how the gate gets its numbers. The engine calls models, a score table looks them up, a simulation draws them.

use proofmark_runtime::{Example, Score, model::Usage};

/// The prompt that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// The prompt that is to be beaten.
    Baseline,
    /// A finalist, by its position.
    Finalist(usize),
}

/// One row to be answered. This is the only way out of the seal; a measure must not keep it.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The position of the row among the sealed rows, the same for every contender.
    pub index: usize,
    /// The key of its unit.
    pub unit: &'a str,
    /// Its perturbation family, or `clean`.
    pub variant: &'a str,
    /// The row.
    pub example: &'a Example,
    /// The order in which the prompt lists the choices, if it is not that of the task.
    pub listing: Option<&'a [String]>,
}

/// The outcome of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// How good the answer was; 0 if there was none.
    pub score: Score,
    /// Whether there was a usable answer.
    pub valid: bool,
    /// Tokens of prompt and reply; none if they were not counted.
    pub usage: Usage,
    /// What the metrics say that must not get worse, in the order of [`Demands::guards`](super::Demands::guards); nothing where
    /// there was no usable answer, which is worth 0.
    pub guards: Vec<Score>,
}

/// A source of outcomes: it lets contenders answer rows.
pub trait Measure {
    /// The reason why rows could not be answered.
    type Error;

    /// Returns one outcome per cell, in their order. A judgement measures no cell twice.
    ///
    /// # Errors
    /// If the rows could not be answered. Nothing is decided then.
    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Self::Error>;
}
