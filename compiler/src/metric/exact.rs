//! `exact`: the answer is the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{JudgeOutput, Measure, text::same, whether};
use crate::task::{Problem, Reader};

/// 1 if answer and label say the same: case, width and spacing of texts do not count, nor 3 against 3.0.
#[derive(Debug)]
pub(super) struct Exact;

impl Measure for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn about(&self) -> &'static str {
        "the answer is the label; case and spacing of texts do not count"
    }

    fn judges(&self, _: &Type) -> bool {
        true
    }

    fn build(&self, _: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        Ok(Box::new(Self))
    }
}

impl JudgeOutput for Exact {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        whether(same(gold, given))
    }
}
