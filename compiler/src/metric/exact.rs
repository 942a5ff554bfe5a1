//! `exact`: the answer equals the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{Measure, OutputScorer, text::same, whether};
use crate::config::{Problem, TableReader};

/// Scores 1 if answer and label are equal. Case, width and spacing of texts are ignored, and 3 equals 3.0.
#[derive(Debug)]
pub(super) struct Exact;

impl Measure for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn about(&self) -> &'static str {
        "the answer equals the label; case and spacing of texts are ignored"
    }

    fn judges(&self, _: &Type) -> bool {
        true
    }

    fn build(&self, _: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        Ok(Box::new(Self))
    }
}

impl OutputScorer for Exact {
    fn identity(&self) -> String {
        "Exact".to_owned()
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        whether(same(gold, given))
    }
}
