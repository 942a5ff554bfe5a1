//! Outcomes: the result of running one candidate on one example.
//!
//! **Invariant:** a [`Score`] is finite and within 0..=1. A failure is never a silent 0.0: it keeps its class. A failure of
//! the provider or the metric is no answer of the candidate, so it stops the run instead of being scored.

use proofmark_runtime::Record;
pub use proofmark_runtime::score::{NotAScore, Score};
use serde::{Deserialize, Serialize};

/// The result of running one candidate on one example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was an answer and the metric judged it.
    Scored {
        /// The score of the answer.
        score: Score,
        /// The metric's remark on the answer, for optimizers that reflect on mistakes.
        feedback: Option<String>,
        /// The inputs and outputs of each module.
        trace: Trace,
    },
    /// There was no usable answer.
    Failed {
        /// The class of the failure.
        failure: Failure,
        /// A description for the report.
        message: String,
    },
}

/// The inputs and outputs of each module, in running order.
pub type Trace = Vec<Step>;

/// One module's part of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The module.
    pub module: String,
    /// Its inputs.
    pub inputs: Record,
    /// Its outputs.
    pub outputs: Record,
    /// The metric's remark on this step, if the metric judges single modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// The reason why a candidate gave no usable answer. Failures of the provider and the metric are not here: they stop the
/// run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The reply does not have the form that the signature requires.
    Unreadable,
    /// The prompt with this input is longer than the model's context.
    TooLong,
    /// The provider withheld the reply.
    Filtered,
}

impl Outcome {
    /// The score, or 0 for a failure. Callers that report validity use [`Outcome::is_valid`] as well.
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
