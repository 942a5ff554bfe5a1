//! Stamps: what the gate found about a prompt, as plain data inside an [`Artifact`](crate::artifact::Artifact).
//!
//! The compiler's gate fills a stamp from a certificate that only the gate can make. What a shipped program needs is
//! typed here; the certificate itself, with every number behind the verdict, is kept as the JSON that the gate wrote.
//! Leads are in score units (a lead of 0.05 is five points).
//!
//! **Invariant:** [`Stamp::is_verified`] is true only for an accepted candidate.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::candidate::CandidateId;

/// What is known about the prompt that an artifact holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stamp {
    /// No gate has judged it.
    Unverified {
        /// Why not, in words.
        reason: String,
        /// The finalists of the question that was left undecided and can go on, in their order; empty if there is none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        undecided: Vec<CandidateId>,
    },
    /// It was shown to beat the baseline on sealed rows, and no guard objected.
    Accepted(Box<Accepted>),
    /// It is the baseline, because no finalist was accepted.
    Kept(Kept),
}

/// A prompt that passed the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The candidate that passed: what the artifact holds.
    pub candidate: CandidateId,
    /// The gate's policy, such as `strict`.
    pub policy: String,
    /// Sealed seeds that were used.
    pub seeds: u64,
    /// Exact one-sided mid-p of the sign-flip test on the seed sums.
    pub p: f64,
    /// The observed mean lead over the baseline on sealed adversarial rows; accepted estimates exaggerate.
    pub lead: f64,
    /// The lower bound of the lead, 95 % over all looks and finalists: the number to quote.
    pub lower95: f64,
    /// Everything needed to check the verdict, as the gate wrote it.
    pub certificate: Json,
}

/// Why the baseline was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// `reject` or `inconclusive`.
    pub verdict: Verdict,
    /// The name of what was wrong, such as `memorised` or `too_small_n`.
    pub kind: String,
    /// The same in words.
    pub reason: String,
    /// Sealed seeds that would settle an inconclusive verdict.
    pub n_needed: Option<u64>,
    /// The finalists that were refused, as coarse as sealed rows allow.
    pub finalists: Json,
}

/// What the gate concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A finalist is better than the baseline, and no guard objects.
    Accept,
    /// No finalist is worth having.
    Reject,
    /// There are too few rows to tell.
    Inconclusive,
}

impl Stamp {
    /// Whether the gate accepted what the artifact holds.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}
