//! The values of the holes of a template: an item of a list, or a number of a range in steps.

use proofmark_runtime::Value;
use rand::{RngExt, rngs::ChaCha8Rng};
use serde::Deserialize;
use serde_json::Value as Json;

use super::number;

/// The values that a hole may have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Draw {
    /// A list of at least one item, all numbers or all texts.
    Listed(Vec<Value>),
    /// Numbers with a fixed distance.
    Steps {
        /// The first number.
        from: f64,
        /// The distance, above 0.
        step: f64,
        /// The number of numbers, at least one.
        count: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberRange {
    from: f64,
    to: f64,
    step: Option<f64>,
}

/// An example of a draw, for hints.
pub(super) const EXAMPLE: &str = r#"{"from": 2, "to": 40}, with "step": 0.5 if it is not 1, or a list such as ["Ann", "Omar"] or [2, 4, 8]"#;

impl Draw {
    /// Reads the values of one hole.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with the hole.
    pub(super) fn read(json: &Json) -> Result<Self, String> {
        match json {
            Json::Array(items) if items.is_empty() => Err("has an empty list".into()),
            Json::Array(items) => listed(items),
            Json::Object(_) => {
                let range =
                    NumberRange::deserialize(json).map_err(|error| format!("has no valid range: {error}"))?;
                steps(&range)
            }
            _ => Err("has neither a list nor a range".into()),
        }
    }

    /// Whether its values are numbers.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Listed(values) => values.iter().all(|value| number::of(value).is_some()),
            Self::Steps { .. } => true,
        }
    }

    /// A random value.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> Value {
        match self {
            Self::Listed(values) => values[rng.random_range(0..values.len())].clone(),
            Self::Steps { from, step, count } => {
                #[expect(clippy::cast_precision_loss, reason = "the product stays below 10^15")]
                let at = from + step * rng.random_range(0..*count) as f64;
                number::value(at).unwrap_or(Value::Null)
            }
        }
    }
}

fn listed(items: &[Json]) -> Result<Draw, String> {
    let text = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let value = |item: &Json| match item {
        Json::String(item) => Some(Value::Text(text(item))).filter(|value| *value != Value::from("")),
        Json::Number(item) => item.as_f64().and_then(number::value),
        _ => None,
    };
    let values: Vec<_> = items.iter().map_while(value).collect();
    if let Some(odd) = items.get(values.len()) {
        return Err(format!("has {odd} in its list, which is neither a text nor a number"));
    }
    let numbers = values.iter().filter(|value| number::of(value).is_some()).count();
    if numbers > 0 && numbers < values.len() {
        return Err("has numbers and texts in its list; use either numbers or texts".into());
    }
    Ok(Draw::Listed(values))
}

fn steps(range: &NumberRange) -> Result<Draw, String> {
    let NumberRange { from, to, .. } = *range;
    let step = range.step.unwrap_or(1.0);
    if from > to {
        return Err(format!("has a range from {from} to {to}, which is smaller"));
    }
    if step <= 0.0 {
        return Err(format!("has steps of {step}, which must be above 0"));
    }
    if [from, to, step].into_iter().any(|bound| number::value(bound).is_none()) {
        return Err("has numbers with more than 15 digits".into());
    }
    // From 0.1 to 0.3 in steps of 0.1 are three numbers, even if the quotient is slightly below 2.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
    let count = ((to - from) / step + 1e-9).floor() as u64;
    Ok(Draw::Steps { from, step, count: count.saturating_add(1) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use serde_json::json;

    use super::*;

    fn drawn(json: &Json) -> BTreeSet<String> {
        let draw = Draw::read(json).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..200).map(|_| draw.draw(&mut rng).to_string()).collect()
    }

    #[test]
    fn every_value_is_drawn_and_no_other() {
        let expected =
            |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(drawn(&json!({"from": 2, "to": 5})), expected(&["2", "3", "4", "5"]));
        assert_eq!(drawn(&json!({"from": 0.1, "to": 0.3, "step": 0.1})), expected(&["0.1", "0.2", "0.3"]));
        assert_eq!(drawn(&json!({"from": -1, "to": 2, "step": 1.5})), expected(&["-1", "0.5", "2"]));
        assert_eq!(drawn(&json!({"from": 7, "to": 7, "step": 10})), expected(&["7"]));
        assert_eq!(drawn(&json!([" Ann  Lee", "Omar"])), expected(&["Ann Lee", "Omar"]));
        assert_eq!(drawn(&json!([2, 4.5])), expected(&["2", "4.5"]));
    }

    #[test]
    fn mistakes_are_reported() {
        for (json, problem) in [
            (json!([]), "has an empty list"),
            (json!("Ann"), "has neither a list nor a range"),
            (json!(["Ann", 3]), "has numbers and texts in its list; use either numbers or texts"),
            (json!(["Ann", null]), "has null in its list, which is neither a text nor a number"),
            (json!(["Ann", " "]), "has \" \" in its list, which is neither a text nor a number"),
            (json!({"from": 4, "to": 2}), "has a range from 4 to 2, which is smaller"),
            (json!({"from": 1, "to": 2, "step": 0}), "has steps of 0, which must be above 0"),
            (json!({"from": 1, "to": 1e20}), "has numbers with more than 15 digits"),
            (json!({"from": 1}), "has no valid range: missing field `to`"),
            (
                json!({"from": 1, "to": 2, "by": 1}),
                "has no valid range: unknown field `by`, expected one of `from`, `to`, `step`",
            ),
        ] {
            assert_eq!(Draw::read(&json).unwrap_err(), problem);
        }
    }
}
