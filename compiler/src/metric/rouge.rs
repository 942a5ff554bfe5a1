//! `rouge`: words in common, in order.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{JudgeOutput, Measure, text::overlap};
use crate::task::{Problem, Reader};

/// Sentence-level ROUGE-L (Lin 2004, section 3.1) with equal weight on precision and recall: twice the longest common
/// subsequence of tokens over the tokens of both.
#[derive(Debug)]
pub(super) struct RougeL;

impl Measure for RougeL {
    fn name(&self) -> &'static str {
        "rouge"
    }

    fn about(&self) -> &'static str {
        "ROUGE-L: the longest run of words that answer and label share in order, gaps allowed"
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

impl JudgeOutput for RougeL {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        overlap(gold, given, longest_common_subsequence)
    }
}

/// By dynamic programming over one row.
fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::text::tokens;

    #[test]
    fn subsequence_keeps_order() {
        let words = |text: &str| tokens(text);
        let common = |a: &str, b: &str| longest_common_subsequence(&words(a), &words(b));
        assert_eq!(common("police killed the gunman", "police kill the gunman"), 3);
        assert_eq!(common("police killed the gunman", "the gunman kill police"), 2);
        assert_eq!(common("", "x"), 0);
    }
}
