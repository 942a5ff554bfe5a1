//! `contains`: the answer contains the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    Measure, OutputScorer, share,
    text::{normalize, same},
    whether,
};
use crate::config::{Problem, TableReader};

/// For texts, 1 if the label is part of the answer; for lists, the share of the label's items in the answer.
#[derive(Debug)]
pub(super) struct Contains;

impl Measure for Contains {
    fn name(&self) -> &'static str {
        "contains"
    }

    fn about(&self) -> &'static str {
        "the label is part of the answer; for lists, the share of its items in the answer"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text | Type::List(_))
    }

    fn build(&self, _: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        Ok(Box::new(Self))
    }
}

impl OutputScorer for Contains {
    fn identity(&self) -> String {
        "Contains".to_owned()
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        match (gold, given) {
            (Value::Text(gold), Value::Text(given)) => whether(normalize(given).contains(&normalize(gold))),
            (Value::List(gold), Value::List(given)) => {
                let found = gold.iter().filter(|item| given.iter().any(|other| same(item, other)));
                share(found.count(), gold.len())
            }
            _ => whether(same(gold, given)),
        }
    }
}
