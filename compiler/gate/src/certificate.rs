//! The certificate: proof that a candidate passed the gate, with every number needed to check it.
//!
//! **Invariant:** only [`super::Gate`] makes one. What is emitted demands one, so nothing unjudged is stamped.
//!
//! ```
//! use proofmark_gate::{Certificate, CertificateRecord};
//! fn read(certificate: &Certificate) -> &CertificateRecord { certificate.record() }
//! ```
//! ```compile_fail,E0423
//! use proofmark_gate::{Certificate, CertificateRecord};
//! fn forge(record: CertificateRecord) -> Certificate { Certificate(record) }
//! ```

use proofmark_runtime::{Digest, stamp::Against};
use serde::{Deserialize, Serialize};

use super::{
    audited::Audited, bounds::Gain, diagnosis::SearchGain, look::LookRecord, pass_rate::PassRate,
    policy::Policy, reading::Read, scores::Scores, statistics::interval::wilson, verdict::Verdict,
};

/// Proof that a candidate passed the gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Certificate(CertificateRecord);

/// The contents of a certificate, as plain data. Having one proves nothing; a [`Certificate`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// The finalist that passed.
    pub finalist: Named,
    /// How strict the gate was.
    pub policy: Policy,
    /// The content hash of the sealed rows.
    pub holdout: Digest,
    /// The hash of rows, variants and units.
    pub design: Digest,
    /// The hash of everything that decided the answer.
    pub question: Digest,
    /// The seed of the order in which units were used.
    pub seed: u64,
    /// Sealed units in all.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// Rows that must pass.
    #[serde(default, skip_serializing_if = "is_none")]
    pub must_pass: usize,
    /// Units that are in at each look that was planned; of a trial that went on, at the end of each set of rows.
    pub plan: Vec<usize>,
    /// Whether nothing was perturbed: then the test was on clean rows.
    pub plain: bool,
    /// Which look at these rows it was, from 1.
    pub turn: u32,
    /// The error that this look was granted.
    pub turn_alpha: f64,
    /// The part of it that this finalist was granted.
    pub share: f64,
    /// The error of this finalist's test: the product of the two.
    pub alpha: f64,
    /// The gain where it was accepted. The headline is its lower bound: accepted estimates exaggerate.
    #[serde(rename = "lead")]
    pub gain: Gain,
    /// Every look at it; the last one accepted it.
    pub looks: Vec<LookRecord>,
    /// Its gain on the rows that the search could see, if there was a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchGain>,
    /// How baseline and finalist fare on all rows that were used, and by family and slice.
    pub tables: Vec<Tally>,
    /// The share of rows on which exactly one prompt is right (mean squared difference for graded scores).
    pub discordance: f64,
    /// The correlation of the differences among the rows of one unit, where it is defined.
    pub intraclass: Option<f64>,
    /// Finalists that were tried before.
    pub earlier: Vec<Earlier>,
    /// Its pass rate against the target, if the task has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PassRate>,
    /// What the text that it adds was read for, and what was found; none for a score table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
    /// The result of a manual review of perturbed rows, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audited: Option<Audited>,
    /// Of a trial that went on with fresh rows: what each set of rows said, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// What it was judged against; none in certificates of artifacts of format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

fn is_none(rows: &usize) -> bool {
    *rows == 0
}

/// What one set of rows said in a trial that went on. The p-value of the last look combines those of all stages, from the
/// first on: P(Z > sqrt(1/3) z + sqrt(2/3) z').
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The hash of everything that decided what came of it.
    pub question: Digest,
    /// The content hash of its rows.
    pub holdout: Digest,
    /// Its units.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// The exact one-sided mid-p value of the sign-flip test on its units alone.
    pub p: f64,
    /// How often each unit score occurs: what the p-value is computed from.
    pub scores: Scores,
}

/// A finalist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name for people.
    pub name: String,
    /// Its content hash.
    pub id: Digest,
}

/// A finalist that was tried before and not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The finalist.
    pub finalist: Named,
    /// The verdict.
    pub verdict: Verdict,
}

/// Mean scores on some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Which rows: `clean`, `primary`, a perturbation family, or `column=value`.
    pub name: String,
    /// How many rows.
    pub rows: usize,
    /// The baseline.
    pub baseline: Rate,
    /// The finalist.
    pub finalist: Rate,
    /// The mean difference over units.
    #[serde(rename = "lead")]
    pub gain: f64,
    /// Its standard error, by units.
    #[serde(rename = "lead_se")]
    pub gain_se: f64,
    /// How often each unit score occurs, of which the gain is the mean.
    pub scores: Scores,
}

/// A mean score with Wilson's 95 % interval, which takes the rows as independent; for display.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The mean score.
    pub mean: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Certificate {
    pub(crate) fn new(record: CertificateRecord) -> Self {
        Self(record)
    }

    /// Adds the result of a manual review of perturbed rows.
    pub(crate) fn with_audit(self, audited: Option<Audited>) -> Self {
        Self(CertificateRecord { audited, ..self.0 })
    }

    /// The same with what each set of rows said, of a trial that went on.
    pub(crate) fn with_stages(self, stages: Vec<Stage>) -> Self {
        let so_far = |units: &mut usize, stage: &Stage| {
            *units += stage.units;
            Some(*units)
        };
        let plan = stages.iter().scan(0, so_far).collect();
        Self(CertificateRecord { stages, plan, ..self.0 })
    }

    /// What it says.
    pub fn record(&self) -> &CertificateRecord {
        &self.0
    }

    /// The look that accepted.
    pub fn look(&self) -> Option<&LookRecord> {
        self.0.looks.last()
    }
}

impl Rate {
    pub(crate) fn of(sum: f64, rows: usize) -> Self {
        let limits = wilson(sum, rows, 1.96);
        let mean = if rows == 0 { 0.0 } else { sum / rows as f64 };
        Self { mean, lower: limits.lower, upper: limits.upper }
    }
}
