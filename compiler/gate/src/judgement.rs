//! What leaves the gate: the certificate of the accepted candidate, or one coarse line per finalist.
//!
//! **Invariant:** without an accepted candidate nothing finer than verdict, kind, units needed and a gain rounded to five
//! points leaves, unless the rows are unsealed, which the ledger records for good.

use proofmark_runtime::Digest;
use serde::{Deserialize, Serialize};

use super::{
    accepted::Accepted,
    audited::Audited,
    bounds::Gain,
    certificate::{Certificate, Named},
    ledger::{Ledger, LedgerError, Look},
    look::LookRecord,
    pass_rate::PassRate,
    policy::Policy,
    reading::Read,
    sealed::Holdout,
    verdict::{Kind, Verdict},
};

/// The result of one question to the gate.
#[derive(Debug)]
pub struct Judgement {
    pub(crate) trials: Vec<TrialResult>,
    pub(crate) accepted: Option<Accepted>,
    pub(crate) look: Look,
    pub(crate) holdout: Holdout,
    pub(crate) open: bool,
    pub(crate) policy: Policy,
    pub(crate) calls: usize,
}

/// The trial of a finalist with everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The finalist.
    pub finalist: Named,
    /// The verdict.
    pub verdict: Verdict,
    /// The part of the error it was granted.
    pub alpha: f64,
    /// The gain where its trial ended; none for one that was refused before any look.
    #[serde(rename = "lead")]
    pub gain: Option<Gain>,
    /// Every look at it.
    pub looks: Vec<LookRecord>,
    /// Its pass rate against the target, if it beat the baseline and the task has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<PassRate>,
    /// What its text was read for, and what was found; none for a score table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
}

/// The part of a trial's result that may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disclosed {
    /// The finalist.
    pub finalist: Named,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict as a sentence.
    pub sentence: String,
    /// How many looks were taken at it.
    pub looks: usize,
    /// The p-value, if it may be shown.
    pub p: Option<f64>,
    /// The observed gain; to five points if no more may be shown. None without a look.
    #[serde(rename = "lead")]
    pub gain: Option<f64>,
    /// The lower bound of the gain, 95 % over all looks and finalists, if it may be shown.
    pub lower95: Option<f64>,
    /// Its pass rate against the target, if there is one and it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PassRate>,
    /// What its text was read for, and what was found; none for a score table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
}

impl Judgement {
    /// The proof, if a finalist was accepted.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.accepted.as_ref().map(Accepted::certificate)
    }

    /// Adds the result of a manual review of perturbed rows to the certificate, if there is one.
    #[must_use]
    pub fn with_audit(self, audited: Option<Audited>) -> Self {
        Self { accepted: self.accepted.map(|accepted| accepted.with_audit(audited)), ..self }
    }

    /// The verdict on the question: of the accepted finalist, or of the first one, which the search would have emitted.
    pub fn verdict(&self) -> Verdict {
        let accepted = self.accepted.as_ref().map(|_| Verdict::Accept);
        let first = || self.trials.first().map(|result| result.verdict.clone());
        let none = Verdict::Inconclusive { kind: Kind::TooSmallN, n_needed: 0 };
        accepted.or_else(first).unwrap_or(none)
    }

    /// The finalist that passed, if one did.
    pub fn accepted(&self) -> Option<&Accepted> {
        self.accepted.as_ref()
    }

    /// The part of each trial's result that may be shown, in the order of the finalists.
    pub fn disclosed(&self) -> Vec<Disclosed> {
        let proven = self.certificate().map(|certificate| certificate.record().policy.proven());
        let shown = |result: &TrialResult| {
            let shown = result.disclosed(self.open);
            match proven.filter(|_| shown.verdict == Verdict::Accept) {
                Some(proven) => Disclosed { sentence: proven.to_owned(), ..shown },
                None => shown,
            }
        };
        self.trials.iter().map(shown).collect()
    }

    /// How strict the gate was.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// The turn at these rows and the error it was granted.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Rows that were measured.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Everything measured about every finalist. The rows support no claim from now on.
    ///
    /// # Errors
    /// If the ledger cannot record it; then nothing is shown.
    pub fn unseal(&self, ledger: &mut dyn Ledger) -> Result<&[TrialResult], LedgerError> {
        if !self.open {
            ledger.unseal(&self.holdout, self.look.question)?;
        }
        Ok(&self.trials)
    }

    /// The hash of what was asked.
    pub fn question(&self) -> Digest {
        self.look.question
    }
}

impl TrialResult {
    /// The verdict as a sentence, with the quoted text if the reading test refused the prompt.
    fn sentence(&self) -> String {
        let grave = self.read.iter().flat_map(|read| &read.findings).find(|finding| finding.grave);
        let found = grave.map(|finding| format!(" {}.", finding.sentence())).unwrap_or_default();
        format!("{}{found}", self.verdict.sentence())
    }

    fn disclosed(&self, open: bool) -> Disclosed {
        let fine = open || self.verdict == Verdict::Accept;
        let last = self.looks.last();
        // Adding zero turns -0.0 into 0.0.
        let coarse = |gain: f64| (gain * 20.0).round() / 20.0 + 0.0;
        Disclosed {
            finalist: self.finalist.clone(),
            verdict: self.verdict.clone(),
            sentence: self.sentence(),
            looks: self.looks.len(),
            p: last.filter(|_| fine).map(|look| look.p),
            gain: self.gain.map(|gain| if fine { gain.estimate } else { coarse(gain.estimate) }),
            lower95: self.gain.filter(|_| fine).map(|gain| gain.lower),
            target: self.pass_rate.filter(|_| fine),
            read: self.read.clone(),
        }
    }
}
