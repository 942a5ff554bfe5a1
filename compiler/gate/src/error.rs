//! Errors of a judgement.

use super::ledger::LedgerError;

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum GateError<E> {
    /// No finalist, or too many.
    #[error("the gate tries one to three finalists, not {count}; rank them on visible rows first")]
    Finalists {
        /// How many came.
        count: usize,
    },
    /// The rows support no further claim.
    #[error(
        "details of these gate rows were shown in an earlier run (look {t}), so they prove nothing any more; \
         use new rows for the gate"
    )]
    Unsealed {
        /// The look whose details were shown.
        t: u32,
    },
    /// There is no trial that could go on.
    #[error("no trial of this prompt on these sealed rows is on record that ended; judge it first")]
    NeverAsked,
    /// A trial that ended with a decision does not go on.
    #[error("this trial was decided, so it does not go on. {sentence}")]
    Decided {
        /// What the verdict says.
        sentence: String,
    },
    /// Rows that are not fresh.
    #[error("{rows} of the fresh rows were sealed rows of the trial before, and a row counts once")]
    NotFresh {
        /// How many.
        rows: usize,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A limit on tokens that are not counted would let everything pass.
    #[error(
        "the task limits the tokens of a row, but the model does not count them; leave out `{limit}` of [gate]"
    )]
    TokensNotCounted {
        /// The limit, by its name in task files.
        limit: &'static str,
    },
    /// There is no unit to judge on.
    #[error("there are no rows to judge on")]
    NoUnits,
    /// The measure broke its contract.
    #[error(
        "{outcomes} outcomes came for {rows} rows of the gate; this is a mistake in the program that measures"
    )]
    Miscounted {
        /// Outcomes that came.
        outcomes: usize,
        /// Rows that were to be answered.
        rows: usize,
    },
    /// The rows could not be answered.
    #[error(transparent)]
    Measure(E),
}
