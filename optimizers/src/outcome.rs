//! Outcomes: what came of trying one candidate on one example.
//!
//! **Invariant:** a [`Score`] is finite and within 0..=1. A failure is never a silent 0.0: it keeps its class, and
//! failures that are nobody's answer (provider, metric) stop the run instead of being scored.

use proofmark_runtime::Record;
pub use proofmark_runtime::score::{NotAScore, Score};
use serde::{Deserialize, Serialize};

/// What came of one candidate on one example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was an answer and the metric judged it.
    Scored {
        /// How good it is.
        score: Score,
        /// What the metric says about it, for optimizers that reflect.
        feedback: Option<String>,
        /// What each module got and gave.
        trace: Trace,
    },
    /// There was no usable answer.
    Failed {
        /// Why.
        failure: Failure,
        /// In words, for the report.
        message: String,
    },
}

/// What each module got and gave, in running order.
pub type Trace = Vec<Step>;

/// One module's part of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The module.
    pub module: String,
    /// What it got.
    pub inputs: Record,
    /// What it gave.
    pub outputs: Record,
    /// What the metric says about this step, if it knows the modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Why a candidate gave no usable answer. Provider and metric failures are not here: they stop the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The reply could not be read as the signature wants.
    Unreadable,
    /// The prompt with this input does not fit the model's context.
    TooLong,
    /// The provider withheld the reply.
    Filtered,
}

impl Outcome {
    /// What a user gets out of it: the score, or nothing for a failure. Callers that report validity ask
    /// [`Outcome::is_valid`] as well.
    pub fn worth(&self) -> Score {
        match self {
            Self::Scored { score, .. } => *score,
            Self::Failed { .. } => Score::ZERO,
        }
    }

    /// Whether there was a usable answer.
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Scored { .. })
    }
}
