//! `thread`: the text as the newest message of a forwarded mail: header lines before it, a signature or a disclaimer after it.

use rand::{RngExt, rngs::ChaCha8Rng};

use super::{
    Family, Guarantee, Scene,
    neutral::{CLOSINGS, pick},
};

/// See the [module](self).
pub(super) struct Thread;

const HEADERS: &[&str] = &[
    "---------- Forwarded message ----------\nFrom: R. Adeyemi\nDate: Tue, 09:14\nSubject: Fwd: (none)",
    "-----Original Message-----\nFrom: info\nSent: Thursday\nSubject: RE: RE:",
    "Am Montag schrieb T. Brandt:",
    "> > > see below",
    "Begin forwarded message:\nFrom: J. Silva\nReply-To: J. Silva",
];

impl Family for Thread {
    fn name(&self) -> &str {
        "thread"
    }

    fn about(&self) -> &str {
        "the text as part of a forwarded mail, with header lines and a signature"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Surrounds
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String> {
        let header = pick(HEADERS, scene, rng)?;
        let closing = pick(CLOSINGS, scene, rng)?;
        Some(if rng.random_bool(0.5) {
            format!("{header}\n\n{text}")
        } else {
            format!("{header}\n\n{text}\n\n--\n{closing}")
        })
    }
}
