//! `f1`: overlap of words.

use std::collections::BTreeMap;

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{JudgeOutput, Measure, text::overlap};
use crate::task::{Problem, Reader};

/// Token F1 (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1): twice the shared tokens, counted with
/// multiplicity, over the tokens of both.
#[derive(Debug)]
pub(super) struct F1;

impl Measure for F1 {
    fn name(&self) -> &'static str {
        "f1"
    }

    fn about(&self) -> &'static str {
        "the overlap of words between answer and label, in any order"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text)
    }

    fn pass(&self) -> f64 {
        0.5
    }

    fn build(&self, _: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        Ok(Box::new(Self))
    }
}

impl JudgeOutput for F1 {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        overlap(gold, given, in_common)
    }
}

/// Tokens in common, with multiplicity.
fn in_common(a: &[String], b: &[String]) -> usize {
    let mut left = BTreeMap::new();
    for token in a {
        *left.entry(token).or_insert(0_usize) += 1;
    }
    let mut shared = 0;
    for token in b {
        if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    shared
}
