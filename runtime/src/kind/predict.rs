//! `predict`: the outputs and nothing else.

use super::Kind;
use crate::signature::Signature;

/// Asks for the outputs as declared.
pub struct Predict;

impl Kind for Predict {
    fn name(&self) -> &'static str {
        "predict"
    }

    fn about(&self) -> &'static str {
        "asks for the outputs directly"
    }

    fn effective(&self, declared: &Signature) -> Signature {
        declared.clone()
    }
}
