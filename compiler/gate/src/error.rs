//! Errors of a judgement.

use super::ledger::LedgerError;

/// The reason why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum GateError<E> {
    /// No finalist, or too many.
    #[error("the gate tries one to three finalists, not {count}; rank them on visible rows first")]
    Finalists {
        /// The number of finalists.
        count: usize,
    },
    /// The rows support no further claim.
    #[error(
        "details of these test rows were shown in an earlier run (look {t}), so they can no longer be used for testing; \
         use new rows for the gate"
    )]
    Unsealed {
        /// The look whose details were shown.
        t: u32,
    },
    /// There is no trial that could go on.
    #[error("no finished trial of this prompt on these test rows was found; run `gate` without --more first")]
    NeverAsked,
    /// A trial that ended with a decision does not go on.
    #[error("this trial ended with a decision, so fresh rows cannot continue it. {sentence}")]
    Decided {
        /// What the verdict says.
        sentence: String,
    },
    /// Rows that are not fresh.
    #[error(
        "{rows} of the fresh rows are test rows of the earlier trial, and a row counts once; use other rows"
    )]
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
        "the measure returned {outcomes} outcomes for {rows} test rows; this is a mistake in the program"
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
