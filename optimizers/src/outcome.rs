//! Outcomes: what came of trying one candidate on one example.
//!
//! **Invariant:** a [`Score`] is finite and within 0..=1. A failure is never a silent 0.0: it keeps its class, and
//! failures that are nobody's answer (provider, metric) stop the run instead of being scored.

use std::fmt;

use proofmark_runtime::Record;
use serde::{Deserialize, Serialize};

/// How good an answer is: finite, from 0 (worthless) to 1 (perfect).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

/// A number that is no score.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a score must be a finite number from 0 to 1, not {0}")]
pub struct NotAScore(pub f64);

impl Score {
    /// Worthless.
    pub const ZERO: Self = Self(0.0);
    /// Perfect.
    pub const ONE: Self = Self(1.0);

    /// A score.
    ///
    /// # Errors
    /// If the number is not finite or outside 0..=1.
    pub fn new(value: f64) -> Result<Self, NotAScore> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value.abs())) } else { Err(NotAScore(value)) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f64> for Score {
    type Error = NotAScore;

    fn try_from(value: f64) -> Result<Self, NotAScore> {
        Self::new(value)
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_within_bounds_are_scores() {
        for bad in [f64::NAN, f64::INFINITY, -0.01, 1.01] {
            assert!(Score::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Score::new(-0.0).unwrap().cmp(&Score::ZERO), std::cmp::Ordering::Equal);
        assert!(serde_json::from_str::<Score>("1.5").is_err());
        assert_eq!(serde_json::to_string(&Score::ONE).unwrap(), "1.0");
    }
}
