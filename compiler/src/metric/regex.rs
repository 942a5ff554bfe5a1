//! `regex`: what a pattern finds in the answer is what it finds in the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    JudgeOutput, Measure,
    text::{normalize, same},
    whether,
};
use crate::task::{Key, Problem, Reader, Shape};

/// Compares what a pattern finds: its first group, or the whole match where it has none. A label in which it finds
/// nothing is taken whole; an answer in which it finds nothing is wrong.
pub(super) struct Regex;

#[derive(Debug)]
struct Found {
    pattern: regex_lite::Regex,
}

impl Measure for Regex {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn about(&self) -> &'static str {
        "what a pattern finds in the answer is what it finds in the label"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text)
    }

    fn options(&self) -> &'static [Key] {
        static OPTIONS: [Key; 1] =
            [Key::required("pattern", Shape::Text, "a regular expression; its first group counts, if any")];
        &OPTIONS
    }

    fn build(&self, options: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem> {
        let pattern = options.text("pattern").unwrap_or_default();
        let wrong = |error: regex_lite::Error| {
            let span = options.span("pattern").unwrap_or_default();
            Problem::new(span, format!("`pattern` is no regular expression: {error}"), "pattern")
        };
        Ok(Box::new(Found { pattern: regex_lite::Regex::new(pattern).map_err(wrong)? }))
    }
}

impl Found {
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let captures = self.pattern.captures(text)?;
        captures.get(1).or_else(|| captures.get(0)).map(|found| found.as_str())
    }
}

impl JudgeOutput for Found {
    fn judge(&self, gold: &Value, given: &Value) -> Score {
        let (Value::Text(gold), Value::Text(given)) = (gold, given) else {
            return whether(same(gold, given));
        };
        let wanted = self.find(gold).unwrap_or(gold);
        whether(self.find(given).is_some_and(|found| normalize(found) == normalize(wanted)))
    }
}
