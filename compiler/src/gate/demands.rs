//! What a task demands of a prompt beyond beating the baseline: a rate of right answers, and a limit on tokens.
//!
//! **Invariant:** demands only ever refuse. What does not beat the baseline is not accepted for meeting them.

use serde::{Deserialize, Serialize};

/// What a task demands. Nothing, unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Demands {
    /// The mean score that the prompt has to reach on sealed rows as they are, 0 to 1.
    pub target: Option<f64>,
    /// The most tokens that a row may take on average, prompt and reply together.
    pub max_tokens: Option<u32>,
    /// The same as a multiple of what the baseline takes on the same rows.
    pub max_token_ratio: Option<f64>,
}

/// What a row takes on average, with both prompts on the same rows, and what it may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowTokens {
    /// With the baseline.
    pub baseline: f64,
    /// With the candidate.
    pub finalist: f64,
    /// The most that the candidate may take, if the task limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

impl Demands {
    /// Targets that can be met and missed.
    pub const TARGETS: (f64, f64) = (0.001, 0.999);

    /// Whether tokens are limited at all.
    pub fn limits_tokens(self) -> bool {
        self.max_tokens.is_some() || self.max_token_ratio.is_some()
    }

    /// The most tokens that a row may take where the baseline takes so many: the stricter limit of the two.
    pub fn token_limit(self, baseline: f64) -> Option<f64> {
        let limits = [self.max_tokens.map(f64::from), self.max_token_ratio.map(|ratio| ratio * baseline)];
        limits.into_iter().flatten().reduce(f64::min)
    }
}

impl RowTokens {
    /// Whether the candidate takes more than it may.
    pub fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.finalist > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_two_limits_holds() {
        let demands = |max_tokens, max_token_ratio| Demands { max_tokens, max_token_ratio, target: None };
        assert_eq!(demands(None, None).token_limit(200.0), None);
        assert_eq!(demands(Some(500), None).token_limit(200.0), Some(500.0));
        assert_eq!(demands(Some(500), Some(2.0)).token_limit(200.0), Some(400.0));
        assert_eq!(demands(Some(300), Some(2.0)).token_limit(200.0), Some(300.0));
    }
}
