//! `number`: the answer is within a tolerance of the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    Measure, OutputScorer,
    text::{as_number, same},
    whether,
};
use crate::config::{Key, Problem, Shape, TableReader};

/// Scores numbers within a tolerance.
pub(super) struct Number;

/// A tolerance. Its largest value counts: the absolute one, or the relative one times the label.
#[derive(Debug)]
struct Within {
    tolerance: f64,
    relative: f64,
}

impl Measure for Number {
    fn name(&self) -> &'static str {
        "number"
    }

    fn about(&self) -> &'static str {
        "the answer is within a tolerance of the label"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Integer | Type::Number)
    }

    fn options(&self) -> &'static [Key] {
        static OPTIONS: [Key; 2] = [
            Key::new("tolerance", Shape::Number(0.0, f64::INFINITY), "largest difference; 0 if left out"),
            Key::new("relative", Shape::Number(0.0, 1.0), "largest difference as a share of the label"),
        ];
        &OPTIONS
    }

    fn build(&self, options: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        // By default, decimal fractions that differ in the last digits of a double are equal.
        let relative = options.number("relative").unwrap_or(1e-9);
        Ok(Box::new(Within { tolerance: options.number("tolerance").unwrap_or(0.0), relative }))
    }
}

impl OutputScorer for Within {
    fn identity(&self) -> String {
        format!("Within {{ tolerance: {:?}, relative: {:?} }}", self.tolerance, self.relative)
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        whether(match (as_number(gold), as_number(given)) {
            (Some(gold), Some(given)) => {
                (gold - given).abs() <= self.tolerance.max(self.relative * gold.abs())
            }
            _ => same(gold, given),
        })
    }
}
