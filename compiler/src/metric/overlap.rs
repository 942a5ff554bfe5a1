//! Measures of the overlap of words: `f1` and `rouge`. Each is one [`Overlap`].

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    Measure, OutputScorer, share,
    text::{same, tokens},
    whether,
};
use crate::config::{Problem, TableReader};

/// Twice the number of shared tokens over the number of tokens of both texts: the harmonic mean of precision and recall. Values
/// that are not texts score 1 if they are equal, else 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overlap {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) identity: &'static str,
    /// Counts the tokens that two texts share.
    pub(super) shared: fn(&[String], &[String]) -> usize,
}

impl Measure for Overlap {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text)
    }

    fn pass(&self) -> f64 {
        0.5
    }

    fn build(&self, _: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        Ok(Box::new(*self))
    }
}

impl OutputScorer for Overlap {
    fn identity(&self) -> String {
        self.identity.to_owned()
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        let (Value::Text(gold), Value::Text(given)) = (gold, given) else {
            return whether(same(gold, given));
        };
        let gold = tokens(gold);
        let given = tokens(given);
        share(2 * (self.shared)(&gold, &given), gold.len() + given.len())
    }
}
