//! The proof that a finalist passed the gate, from which alone an accepted stamp is made.
//!
//! **Invariant:** only [`Gate`](super::Gate) makes one. It holds what was judged against what, and an artifact with another
//! baseline or candidate refuses the stamp.
//!
//! ```
//! use proofmark_gate::{Accepted, Certificate};
//! fn read(accepted: &Accepted) -> &Certificate { accepted.certificate() }
//! ```
//! ```compile_fail,E0451
//! use proofmark_gate::{Accepted, Certificate};
//! fn forge(certificate: Certificate) -> Accepted { Accepted { position: 0, certificate } }
//! ```

use proofmark_runtime::{
    Stamp,
    stamp::{self, StampError},
};

use super::{audited::Audited, certificate::Certificate};

/// A finalist that passed the gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    position: usize,
    certificate: Certificate,
}

impl Accepted {
    pub(crate) fn new(position: usize, certificate: Certificate) -> Self {
        Self { position, certificate }
    }

    pub(crate) fn with_audit(self, audited: Option<Audited>) -> Self {
        Self { certificate: self.certificate.with_audit(audited), ..self }
    }

    /// Its position among the finalists, from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The proof, with every number behind it.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The stamp of an artifact that holds it.
    ///
    /// # Errors
    /// If a number of the certificate is not finite.
    pub fn stamp(&self) -> Result<Stamp, StampError> {
        let certificate = serde_json::to_value(&self.certificate);
        let certificate = certificate.map_err(|error| StampError::Unreadable { error })?;
        Ok(Stamp::Accepted(Box::new(stamp::Accepted::from_certificate(certificate)?)))
    }
}
