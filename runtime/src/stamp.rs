//! Stamps: the gate's verdict on a prompt, as plain data inside an [`Artifact`](crate::artifact::Artifact).
//!
//! An accepted stamp is made of the gate's certificate alone: every number of the stamp is read from it. The certificate
//! itself, with every number behind the verdict, is kept as the JSON that the gate wrote. Gains are in score units (a gain
//! of 0.05 is five points).
//!
//! **Invariant:** an [`Accepted`] exists only with a certificate that agrees with it. Its fields are private, and reading one
//! from JSON compares the two.
//!
//! ```compile_fail,E0451
//! use proofmark_runtime::stamp::Accepted;
//! fn forge() -> Accepted {
//!     Accepted { claim: todo!(), against: None }
//! }
//! ```

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{candidate::CandidateId, digest::Digest};

/// The verdict on the prompt of an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stamp {
    /// No gate has judged it.
    Unverified {
        /// The reason why not, in words.
        reason: String,
        /// The finalists of the question that was left undecided and can go on, in their order; empty if there is none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        undecided: Vec<CandidateId>,
    },
    /// It beat the baseline on sealed rows, and every guard passed.
    Accepted(Box<Accepted>),
    /// It is the baseline, because no finalist was accepted.
    Kept(Kept),
}

/// The stamp of a prompt that passed the gate, with its certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Claim", into = "Claim")]
pub struct Accepted {
    claim: Claim,
    against: Option<Against>,
}

/// An accepted stamp as a file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    candidate: CandidateId,
    policy: String,
    seeds: u64,
    p: f64,
    lead: f64,
    lower95: f64,
    certificate: Json,
}

/// The comparison that an accepted prompt passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// The content hash of the baseline: its program with its candidate applied
    /// ([`baseline_digest`](crate::artifact::baseline_digest)), or its score table.
    pub baseline: Digest,
    /// The content hash of the accepted candidate, or of its score table.
    pub candidate: Digest,
    /// The hash of the task: its name, program and metric; none for score tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Digest>,
    /// The command that started the trial.
    pub asked: AskedBy,
}

/// The origin of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// The trial at the end of a search.
    Compile,
    /// A trial of prompts that the user named.
    Gate,
    /// A trial that was continued with fresh rows.
    Continuation,
    /// A comparison of optimizers, on rows that are not sealed.
    Compare,
    /// A trial of score tables.
    Table,
}

/// The reason why a stamp is refused.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// The certificate cannot be read.
    #[error("the certificate of the stamp cannot be read: {error}")]
    Unreadable {
        /// The problem and its place.
        error: serde_json::Error,
    },
    /// The stamp and its certificate differ.
    #[error("the stamp and its certificate differ in `{what}`, so the stamp proves nothing")]
    Differs {
        /// The field.
        what: &'static str,
    },
    /// The certificate lacks a field that a stamp needs.
    #[error("the certificate of the stamp does not say `{what}`, so the stamp proves nothing")]
    Silent {
        /// The field.
        what: &'static str,
    },
    /// A number is not finite.
    #[error("the certificate holds a number that is not finite")]
    NotFinite,
}

/// The stamp of an artifact that keeps the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// `reject` or `inconclusive`.
    pub verdict: Verdict,
    /// The name of the reason, such as `memorised` or `too_small_n`.
    pub kind: String,
    /// The reason in words.
    pub reason: String,
    /// Sealed units that would settle an inconclusive verdict.
    pub n_needed: Option<u64>,
    /// The finalists that were refused, only as detailed as sealed rows allow.
    pub finalists: Json,
}

/// The gate's conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A finalist is better than the baseline, and every guard passed.
    Accept,
    /// No finalist is better than the baseline, or a guard failed.
    Reject,
    /// There are too few rows to decide.
    Inconclusive,
}

impl Stamp {
    /// Whether the gate accepted the artifact's prompt.
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// The fields of a certificate that a stamp needs. Certificates of the first version have fewer.
#[derive(Deserialize)]
struct Reading {
    finalist: Option<Named>,
    policy: Option<String>,
    lead: Option<Gain>,
    #[serde(default)]
    looks: Vec<Look>,
    against: Option<Against>,
}

#[derive(Deserialize)]
struct Named {
    id: CandidateId,
}

#[derive(Deserialize)]
struct Gain {
    estimate: f64,
    lower: f64,
}

#[derive(Deserialize)]
struct Look {
    seeds: u64,
    p: f64,
    level: Option<f64>,
}

impl Reading {
    fn of(certificate: &Json) -> Result<Self, StampError> {
        Self::deserialize(certificate).map_err(|error| StampError::Unreadable { error })
    }

    /// The look that accepted.
    fn last(&self) -> Result<&Look, StampError> {
        let last = self.looks.last().ok_or(StampError::Silent { what: "looks" })?;
        match last.level {
            Some(level) if last.p > level => Err(StampError::Differs { what: "level" }),
            _ => Ok(last),
        }
    }
}

impl Accepted {
    /// The stamp that a certificate makes.
    ///
    /// A certificate is text that could be forged. This constructor only guarantees that the stamp agrees with it. The proof
    /// that a gate wrote it is a type of the crate `proofmark-gate`, which the compiler demands before it emits.
    ///
    /// # Errors
    /// If the certificate lacks a number or the comparison that the stamp needs.
    pub fn from_certificate(certificate: Json) -> Result<Self, StampError> {
        let silent = |what| StampError::Silent { what };
        let reading = Reading::of(&certificate)?;
        let (seeds, p) = {
            let last = reading.last()?;
            (last.seeds, last.p)
        };
        let gain = reading.lead.as_ref().ok_or(silent("lead"))?;
        let (lead, lower95) = (gain.estimate, gain.lower);
        if ![p, lead, lower95].iter().all(|number| number.is_finite()) {
            return Err(StampError::NotFinite);
        }
        let candidate = reading.finalist.ok_or(silent("finalist"))?.id;
        let policy = reading.policy.ok_or(silent("policy"))?;
        let against = Some(reading.against.ok_or(silent("against"))?);
        Ok(Self { claim: Claim { candidate, policy, seeds, p, lead, lower95, certificate }, against })
    }

    /// The candidate that passed, which the artifact holds.
    pub fn candidate(&self) -> CandidateId {
        self.claim.candidate
    }

    /// The gate's policy, such as `strict`.
    pub fn policy(&self) -> &str {
        &self.claim.policy
    }

    /// The number of sealed units that were used.
    pub fn units(&self) -> u64 {
        self.claim.seeds
    }

    /// The one-sided p-value of the look that accepted.
    pub fn p(&self) -> f64 {
        self.claim.p
    }

    /// The observed mean gain over the baseline on sealed rows. Accepted estimates exaggerate.
    pub fn gain(&self) -> f64 {
        self.claim.lead
    }

    /// The lower bound of the gain, one-sided 95 % over all looks and finalists: the number to quote.
    pub fn lower95(&self) -> f64 {
        self.claim.lower95
    }

    /// Everything needed to check the verdict, as the gate wrote it.
    pub fn certificate(&self) -> &Json {
        &self.claim.certificate
    }

    /// The comparison that it passed; none in artifacts of format 1.
    pub fn against(&self) -> Option<&Against> {
        self.against.as_ref()
    }
}

impl TryFrom<Claim> for Accepted {
    type Error = StampError;

    fn try_from(claim: Claim) -> Result<Self, StampError> {
        let reading = Reading::of(&claim.certificate)?;
        let last = reading.last()?;
        let gain = reading.lead.as_ref();
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let agrees = [
            ("seeds", last.seeds == claim.seeds),
            ("p", same(last.p, claim.p)),
            ("lead", gain.is_none_or(|gain| same(gain.estimate, claim.lead))),
            ("lower95", gain.is_none_or(|gain| same(gain.lower, claim.lower95))),
            ("policy", reading.policy.as_ref().is_none_or(|policy| *policy == claim.policy)),
            ("candidate", reading.finalist.as_ref().is_none_or(|finalist| finalist.id == claim.candidate)),
        ];
        match agrees.iter().find(|(_, agrees)| !agrees) {
            Some((what, _)) => Err(StampError::Differs { what }),
            None => Ok(Self { claim, against: reading.against }),
        }
    }
}

impl From<Accepted> for Claim {
    fn from(accepted: Accepted) -> Self {
        accepted.claim
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::digest::digest;

    fn certificate() -> Json {
        json!({
            "finalist": {"name": "one", "id": digest("one")}, "policy": "strict",
            "lead": {"estimate": 0.11, "lower": 0.06},
            "looks": [{"seeds": 40, "p": 0.2, "level": 0.001}, {"seeds": 80, "p": 0.0004, "level": 0.01}],
            "against": {"baseline": digest("old"), "candidate": digest("one"), "asked": "gate"},
        })
    }

    #[test]
    fn a_stamp_agrees_with_its_certificate() {
        let stamp = Accepted::from_certificate(certificate()).unwrap();
        assert_eq!((stamp.units(), stamp.policy()), (80, "strict"));
        assert!(stamp.p().to_bits() == 0.0004_f64.to_bits() && stamp.gain() > stamp.lower95());
        let text = serde_json::to_string(&stamp).unwrap();
        assert_eq!(serde_json::from_str::<Accepted>(&text).unwrap(), stamp);
    }

    #[test]
    fn a_stamp_that_differs_from_its_certificate_is_refused() {
        let stamp = serde_json::to_value(Accepted::from_certificate(certificate()).unwrap()).unwrap();
        let others = [
            ("p", json!(1e-9)),
            ("seeds", json!(81)),
            ("lead", json!(0.2)),
            ("lower95", json!(0.1)),
            ("policy", json!("balanced")),
            ("candidate", json!(digest("two"))),
            ("certificate", json!({})),
        ];
        for (field, other) in others {
            let mut forged = stamp.clone();
            forged[field] = other;
            assert!(serde_json::from_value::<Accepted>(forged).is_err(), "{field}");
        }
    }

    #[test]
    fn a_certificate_that_did_not_accept_makes_no_stamp() {
        let mut refused = certificate();
        refused["looks"][1]["p"] = json!(0.02);
        assert!(matches!(Accepted::from_certificate(refused), Err(StampError::Differs { what: "level" })));
        for field in ["finalist", "policy", "lead", "looks", "against"] {
            let mut silent = certificate();
            silent.as_object_mut().unwrap().shift_remove(field);
            assert!(Accepted::from_certificate(silent).is_err(), "{field}");
        }
    }
}
