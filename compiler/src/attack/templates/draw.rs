//! What the holes of a template are filled with: one of a list, or a number of a range in steps.

use proofmark_runtime::Value;
use rand::{RngExt, rngs::ChaCha8Rng};
use serde::Deserialize;
use serde_json::Value as Json;

use super::number;

/// Where the values of a hole are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Draw {
    /// One of these, all numbers or all texts; at least one.
    Listed(Vec<Value>),
    /// So many numbers from one on.
    Steps {
        /// The first.
        from: f64,
        /// From one to the next, above 0.
        step: f64,
        /// How many, at least one.
        count: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    step: Option<f64>,
}

/// What a draw looks like.
pub(super) const EXAMPLE: &str = r#"{"from": 2, "to": 40}, with "step": 0.5 if it is not 1, or a list such as ["Ann", "Omar"] or [2, 4, 8]"#;

impl Draw {
    /// Reads what the file says of one hole.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the hole.
    pub(super) fn read(json: &Json) -> Result<Self, String> {
        match json {
            Json::Array(items) if items.is_empty() => Err("is drawn from an empty list".into()),
            Json::Array(items) => listed(items),
            Json::Object(_) => {
                let range =
                    Range::deserialize(json).map_err(|error| format!("is drawn from no range: {error}"))?;
                steps(&range)
            }
            _ => Err("is drawn neither from a list nor from a range".into()),
        }
    }

    /// Whether it gives numbers.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Listed(values) => values.iter().all(|value| number::of(value).is_some()),
            Self::Steps { .. } => true,
        }
    }

    /// One value.
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
        return Err(format!("is drawn from a list with {odd}, which is neither a text nor a number"));
    }
    let numbers = values.iter().filter(|value| number::of(value).is_some()).count();
    if numbers > 0 && numbers < values.len() {
        return Err("is drawn from a list of numbers and texts; it must be one or the other".into());
    }
    Ok(Draw::Listed(values))
}

fn steps(&Range { from, to, step }: &Range) -> Result<Draw, String> {
    let step = step.unwrap_or(1.0);
    if from > to {
        return Err(format!("is drawn from {from} to {to}, which is less"));
    }
    if step <= 0.0 {
        return Err(format!("is drawn in steps of {step}, which must be above 0"));
    }
    if [from, to, step].into_iter().any(|bound| number::value(bound).is_none()) {
        return Err("is drawn from numbers with more than 15 digits".into());
    }
    // 0.1 in steps of 0.1 up to 0.3 are three, whatever the last binary digit of the quotient says.
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
    fn mistakes_are_told() {
        for (json, problem) in [
            (json!([]), "is drawn from an empty list"),
            (json!("Ann"), "is drawn neither from a list nor from a range"),
            (json!(["Ann", 3]), "is drawn from a list of numbers and texts; it must be one or the other"),
            (json!(["Ann", null]), "is drawn from a list with null, which is neither a text nor a number"),
            (json!(["Ann", " "]), "is drawn from a list with \" \", which is neither a text nor a number"),
            (json!({"from": 4, "to": 2}), "is drawn from 4 to 2, which is less"),
            (json!({"from": 1, "to": 2, "step": 0}), "is drawn in steps of 0, which must be above 0"),
            (json!({"from": 1, "to": 1e20}), "is drawn from numbers with more than 15 digits"),
            (json!({"from": 1}), "is drawn from no range: missing field `to`"),
            (
                json!({"from": 1, "to": 2, "by": 1}),
                "is drawn from no range: unknown field `by`, expected one of `from`, `to`, `step`",
            ),
        ] {
            assert_eq!(Draw::read(&json).unwrap_err(), problem);
        }
    }
}
