//! `contains`: the label stands somewhere in the answer.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    JudgeOutput, Measure, share,
    text::{normalize, same},
    whether,
};
use crate::task::{Problem, Reader};

/// For texts, 1 if the label is part of the answer; for lists, the share of the label's items that the answer has.
#[derive(Debug)]
pub(super) struct Contains;

impl Measure for Contains {
    fn name(&self) -> &'static str {
        "contains"
    }

    fn about(&self) -> &'static str {
        "the label is part of the answer; for lists, the share of its items that the answer has"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text | Type::List(_))
    }

    fn build(&self, _: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        Ok(Box::new(Self))
    }
}

impl JudgeOutput for Contains {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
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
