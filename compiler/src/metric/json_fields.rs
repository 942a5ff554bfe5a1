//! `json_fields`: the share of correct fields of a record.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{Measure, OutputScorer, share, text::same, whether};
use crate::config::{Problem, TableReader};

/// The share of the label's fields that have the same value in the answer.
#[derive(Debug)]
pub(super) struct JsonFields;

impl Measure for JsonFields {
    fn name(&self) -> &'static str {
        "json_fields"
    }

    fn about(&self) -> &'static str {
        "for records: the share of the label's fields that are correct"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Record(_))
    }

    fn build(&self, _: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        Ok(Box::new(Self))
    }
}

impl OutputScorer for JsonFields {
    fn identity(&self) -> String {
        "JsonFields".to_owned()
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        let (Value::Record(gold), Value::Record(given)) = (gold, given) else {
            return whether(same(gold, given));
        };
        let correct =
            gold.iter().filter(|(name, value)| same(value, given.get(name).unwrap_or(&Value::Null)));
        share(correct.count(), gold.len())
    }
}
