//! What a task demands of a prompt beyond beating the baseline: a rate of right answers, limits on tokens, and other metrics
//! that must not get worse.
//!
//! **Invariant:** demands can only refuse. A prompt that does not beat the baseline is never accepted for meeting them.

use serde::{Deserialize, Serialize};

use super::measure::Measured;

/// What a task demands. Nothing, unless it says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Demands {
    /// The mean score that the prompt has to reach on sealed rows as they are, 0 to 1.
    pub target: Option<f64>,
    /// The most tokens that a row may take on average, prompt and reply together.
    pub max_tokens: Option<u32>,
    /// The most tokens that a reply may take on average.
    pub max_reply_tokens: Option<u32>,
    /// The most tokens that a row may take, as a multiple of what the baseline takes on the same rows.
    pub max_token_ratio: Option<f64>,
    /// Metrics that may get worse by less than a margin, in the order of [`Measured::guards`].
    pub guards: Vec<Margin>,
}

/// A metric that may get worse by less than a margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Margin {
    /// Its name.
    pub name: String,
    /// What its mean may lose, 0 to 1.
    pub margin: f64,
}

/// What a row takes on average with both prompts, on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowTokens {
    /// With the baseline.
    pub baseline: f64,
    /// With the candidate.
    pub finalist: f64,
}

/// A limit on tokens: what is counted, and the most of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cap {
    /// Its name in task files.
    pub(crate) name: &'static str,
    /// What is counted of an answer.
    pub(crate) count: fn(&Measured) -> f64,
    /// The most of it.
    pub(crate) most: Most,
}

/// The most of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Most {
    /// A fixed number.
    Fixed(f64),
    /// A multiple of the baseline's value.
    Times(f64),
}

impl Demands {
    /// Targets that can be met and missed.
    pub const TARGETS: (f64, f64) = (0.001, 0.999);

    /// All limits on tokens.
    pub(crate) fn caps(&self) -> Vec<Cap> {
        let fixed = |name, count, most: Option<u32>| {
            most.map(|most| Cap { name, count, most: Most::Fixed(f64::from(most)) })
        };
        let ratio = |times| Cap { name: "max_token_ratio", count: all_tokens, most: Most::Times(times) };
        [
            fixed("max_tokens", all_tokens, self.max_tokens),
            fixed("max_reply_tokens", reply_tokens, self.max_reply_tokens),
            self.max_token_ratio.map(ratio),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Tokens of prompt and reply.
#[expect(clippy::cast_precision_loss, reason = "a count of tokens")]
pub(crate) fn all_tokens(measured: &Measured) -> f64 {
    (measured.usage.input + measured.usage.output) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a count of tokens")]
fn reply_tokens(measured: &Measured) -> f64 {
    measured.usage.output as f64
}

impl Most {
    /// The limit where the baseline takes this number of tokens.
    pub(crate) fn where_baseline_has(self, tokens: f64) -> f64 {
        match self {
            Self::Fixed(most) => most,
            Self::Times(times) => times * tokens,
        }
    }
}
