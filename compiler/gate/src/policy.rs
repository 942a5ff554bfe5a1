//! Policies: how strict the gate is.

use serde::{Deserialize, Serialize};

/// How strict the gate is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The gain must be proven at .05.
    #[default]
    Strict,
    /// The gain must be proven at .10: for large search budgets.
    Balanced,
    /// Not worse by more than three points: only where the benefit lies elsewhere (shorter, cheaper, another model).
    Noninferior,
}

/// Clean rows may get worse by less than this.
pub const CLEAN_MARGIN: f64 = 0.03;
/// The level of the clean guard: an 80 % bound. At 95 % it would be as demanding as the test itself.
pub const CLEAN_ALPHA: f64 = 0.20;
/// The share of usable answers may fall by less than this.
pub const VALIDITY_MARGIN: f64 = 0.02;
/// The level of every other bound and claim.
pub const CLAIM_ALPHA: f64 = 0.05;
/// The smallest gain worth having.
pub const LEAST_GAIN: f64 = 0.02;
/// What a non-inferior prompt may lose.
pub const INFERIORITY_MARGIN: f64 = 0.03;
/// With fewer units nothing is claimed, and a slice with fewer is not tested.
pub const LEAST_UNITS: usize = 15;
/// A slice that is harmed with so small a p-value, by itself, is suspected: while it has rows out, nothing is accepted.
pub const SUSPICION: f64 = 0.10;
/// Parts of the error that the finalists get, by how many there are.
pub const SHARES: [&[f64]; 3] = [&[1.0], &[0.70, 0.30], &[0.60, 0.25, 0.15]];

impl Policy {
    /// As written in task files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Balanced => "balanced",
            Self::Noninferior => "noninferior",
        }
    }

    /// The false-accept rate on fresh test rows.
    pub fn alpha(self) -> f64 {
        match self {
            Self::Strict | Self::Noninferior => 0.05,
            Self::Balanced => 0.10,
        }
    }

    /// What is added to each unit's difference before it is tested: nothing, unless some loss is allowed.
    pub fn margin(self) -> f64 {
        match self {
            Self::Strict | Self::Balanced => 0.0,
            Self::Noninferior => INFERIORITY_MARGIN,
        }
    }

    /// A prompt that should not be accepted and sometimes is, as in "a prompt ... passes with a chance of at most 5 %".
    pub fn worthless(self) -> &'static str {
        match self {
            Self::Strict | Self::Balanced => "that is no better",
            Self::Noninferior => "that loses three points",
        }
    }

    /// What acceptance means, as a sentence for readers without statistics.
    pub fn proven(self) -> &'static str {
        match self {
            Self::Strict | Self::Balanced => {
                "The new prompt beats the old one on test rows that the search never saw."
            }
            Self::Noninferior => {
                "The new prompt loses less than three points to the old one on test rows that the search never saw."
            }
        }
    }

    /// The smallest useful gain: a candidate that certainly has less is rejected.
    pub fn least_gain(self) -> f64 {
        match self {
            Self::Strict | Self::Balanced => LEAST_GAIN,
            Self::Noninferior => -INFERIORITY_MARGIN,
        }
    }
}
