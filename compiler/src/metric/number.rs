//! `number`: the answer is near enough to the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    JudgeOutput, Measure,
    text::{as_number, same},
    whether,
};
use crate::task::{Key, Problem, Reader, Shape};

/// Numbers within a tolerance.
pub(super) struct Number;

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

    fn build(&self, options: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        // Without a tolerance of its own, decimal fractions that print alike are alike.
        let relative = options.number("relative").unwrap_or(1e-9);
        Ok(Box::new(Within { tolerance: options.number("tolerance").unwrap_or(0.0), relative }))
    }
}

impl JudgeOutput for Within {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        whether(match (as_number(gold), as_number(given)) {
            (Some(gold), Some(given)) => {
                (gold - given).abs() <= self.tolerance.max(self.relative * gold.abs())
            }
            _ => same(gold, given),
        })
    }
}
