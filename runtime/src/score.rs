//! The score of an answer.
//!
//! **Invariant:** a [`Score`] is finite and within 0..=1.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The score of an answer: finite, from 0 (worthless) to 1 (perfect).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(f64);

/// The error for a number that is no score.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a score must be a finite number from 0 to 1, not {0}")]
pub struct NotAScore(pub f64);

impl Score {
    /// The score of a worthless answer.
    pub const ZERO: Self = Self(0.0);
    /// The score of a perfect answer.
    pub const ONE: Self = Self(1.0);

    /// Makes a score of a number.
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
