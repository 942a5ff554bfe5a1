//! `regex`: a pattern finds the same in the answer as in the label.

use proofmark_optimizers::Score;
use proofmark_runtime::{Type, Value};

use super::{
    Measure, OutputScorer,
    text::{normalize, same},
    whether,
};
use crate::config::{Key, Problem, Shape, TableReader};

/// Compares the matches of a pattern: its first group, or the whole match if it has no group. A label without a match is compared
/// as a whole; an answer without a match scores 0.
pub(super) struct Regex;

/// A compiled pattern.
#[derive(Debug)]
struct Found {
    pattern: regex_lite::Regex,
}

impl Measure for Regex {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn about(&self) -> &'static str {
        "a pattern finds the same in the answer as in the label"
    }

    fn judges(&self, ty: &Type) -> bool {
        matches!(ty, Type::Text)
    }

    fn options(&self) -> &'static [Key] {
        static OPTIONS: [Key; 1] = [Key::required(
            "pattern",
            Shape::Text,
            "a regular expression; its first group is compared, if it has one",
        )];
        &OPTIONS
    }

    fn build(&self, options: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem> {
        let pattern = options.text("pattern").unwrap_or_default();
        let wrong = |error: regex_lite::Error| {
            let span = options.span("pattern").unwrap_or_default();
            Problem::new(span, format!("`pattern` is not a regular expression: {error}"), "pattern")
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

impl OutputScorer for Found {
    fn identity(&self) -> String {
        format!("Found {{ pattern: Regex({:?}) }}", self.pattern.as_str())
    }

    fn score(&self, gold: &Value, given: &Value) -> Score {
        let (Value::Text(gold), Value::Text(given)) = (gold, given) else {
            return whether(same(gold, given));
        };
        let wanted = self.find(gold).unwrap_or(gold);
        whether(self.find(given).is_some_and(|found| normalize(found) == normalize(wanted)))
    }
}
