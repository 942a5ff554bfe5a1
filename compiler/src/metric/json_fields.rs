//! `json_fields`: the share of a record's fields that are right.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{JudgeOutput, Measure, share, text::same, whether};
use crate::task::{Problem, Reader};

/// The share of the label's fields that the answer has with the same value.
#[derive(Debug)]
pub(super) struct JsonFields;

impl Measure for JsonFields {
    fn name(&self) -> &'static str {
        "json_fields"
    }

    fn about(&self) -> &'static str {
        "for records: the share of the label's fields that are right"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Record(_))
    }

    fn build(&self, _: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        Ok(Box::new(Self))
    }
}

impl JudgeOutput for JsonFields {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        let (Value::Record(gold), Value::Record(given)) = (gold, given) else {
            return whether(same(gold, given));
        };
        let right = |(name, value): &(&str, &Value)| same(value, given.get(name).unwrap_or(&Value::Null));
        share(gold.iter().filter(right).count(), gold.len())
    }
}
