//! Stamps: what the gate found about a prompt, as plain data inside an [`Artifact`](crate::artifact::Artifact).
//!
//! A stamp carries every number that a reader needs to check the verdict; the compiler's gate fills it from a
//! certificate that only the gate can make. Leads and differences are in score units (a lead of 0.05 is five points).
//!
//! **Invariant:** [`Stamp::is_verified`] is true only for the verdict [`Verdict::Accept`].

use serde::{Deserialize, Serialize};

use crate::candidate::CandidateId;

/// What is known about a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stamp {
    /// No gate has judged it.
    Unverified {
        /// Why not, in words.
        reason: String,
    },
    /// The gate judged a candidate against the baseline.
    Judged(Box<Judgement>),
}

/// What the gate concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The candidate is better than the baseline, and no guard objects.
    Accept,
    /// The candidate is not worth having.
    Reject,
    /// There are too few rows to tell.
    Inconclusive,
}

/// A verdict with its numbers. After [`Verdict::Accept`] the artifact holds the judged candidate, otherwise the
/// baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// What the gate concluded.
    pub verdict: Verdict,
    /// The kind of overfit, such as `memorised`, or what is lacking, such as `too-small-n`.
    pub kind: Option<String>,
    /// The candidate that the numbers are about.
    pub candidate: CandidateId,
    /// The baseline that it was compared with.
    pub baseline: CandidateId,
    /// The gate's policy, such as `strict`.
    pub policy: String,
    /// The level that the candidate was tested at, in total over all looks.
    pub alpha: f64,
    /// The look at which the verdict fell, from 1.
    pub look: u32,
    /// How many looks were planned.
    pub looks: u32,
    /// Seed groups seen until then.
    pub seeds: u64,
    /// Mid-p of the exact one-sided sign-flip test on the seed sums.
    pub p: f64,
    /// The nominal level at that look.
    pub level: f64,
    /// Mean lead over the baseline on adversarial variants.
    pub lead: Interval,
    /// Mean lead over the baseline on clean rows.
    pub clean: Interval,
    /// The lead within each perturbation family.
    pub families: Vec<Group>,
    /// The lead within each slice.
    pub slices: Vec<Group>,
    /// What else had to hold.
    pub guards: Vec<Guard>,
    /// How often the sealed rows had been looked at.
    pub ledger: Ledger,
    /// Seed groups that would settle an inconclusive verdict.
    pub n_needed: Option<u64>,
}

/// An estimate and its lower confidence bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The observed mean.
    pub estimate: f64,
    /// One-sided lower confidence bound.
    pub lower: f64,
    /// One-sided upper confidence bound.
    pub upper: f64,
    /// The confidence of each bound, such as 0.95.
    pub confidence: f64,
}

/// The lead within a part of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The family, or the slice as `column=value`.
    pub name: String,
    /// Seed groups in it.
    pub seeds: u64,
    /// Mean score of the baseline.
    pub baseline: f64,
    /// Mean score of the candidate.
    pub candidate: f64,
    /// The lead.
    pub lead: Interval,
}

/// A condition beside the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Its name, such as `clean`.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was measured.
    pub measured: f64,
    /// What it was compared with.
    pub bound: f64,
    /// Both in words.
    pub about: String,
}

/// The position in the ledger of looks at the same sealed rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Which gate run on these rows this was, from 1.
    pub run: u64,
    /// How many of the runs before were accepted.
    pub accepts: u64,
}

impl Stamp {
    /// Whether the gate accepted what the artifact holds.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Judged(judgement) if judgement.verdict == Verdict::Accept)
    }
}
