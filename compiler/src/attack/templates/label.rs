//! New labels: whether an answer equals a label, and the answer written like the old label.
//!
//! **Invariant:** a new label is of the old one's kind. A whole number stays whole, a text that is a number keeps its
//! decimals, and a number that was not negative does not become negative.

use proofmark_runtime::Value;

use super::number::{self, Style};

/// Decimals that a new label may have even if the old one has fewer: 12.5 may become 7.25, but not 8.333333333.
const DECIMALS: usize = 2;

/// Whether an answer equals the label. Numbers are compared by value, also if the label is a text such as `1,200`.
pub(super) fn says(label: &Value, answer: &Value) -> bool {
    match (number_of(label), number::of(answer)) {
        (Some(label), Some(answer)) => number::same(label, answer),
        _ => label == answer,
    }
}

/// The answer written like the label; none if it is of another kind.
pub(super) fn like(label: &Value, answer: &Value) -> Option<Value> {
    let old = number_of(label);
    let new = number::of(answer);
    if old.is_some_and(|old| old >= 0.0) && new.is_some_and(|new| new < 0.0) {
        return None;
    }
    match (label, answer, new) {
        (Value::Text(old), _, Some(new)) => {
            let style = old_style(old)?;
            (number::decimals(new) <= style.decimals).then(|| Value::Text(style.write(new)))
        }
        (Value::Number(old), _, Some(new)) => {
            let decimals = number::decimals(*old).max(DECIMALS);
            (number::decimals(new) <= decimals).then_some(Value::Number(new))
        }
        (Value::Integer(_), Value::Integer(_), _)
        | (Value::Text(_), Value::Text(_), _)
        | (Value::Boolean(_), Value::Boolean(_), _) => Some(answer.clone()),
        _ => None,
    }
}

fn old_style(label: &str) -> Option<Style> {
    number::read(label.trim()).map(|_| Style::of(label.trim()))
}

fn number_of(label: &Value) -> Option<f64> {
    match label {
        Value::Text(text) => number::of(&number::read(text.trim())?),
        other => number::of(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_label_is_written_like_the_old_one() {
        let text = |text: &str| Value::from(text);
        let whole = Value::Integer(1500);
        let part = Value::Number(7.25);
        for (label, answer, expected) in [
            (Value::Integer(18), &whole, Some(whole.clone())),
            (Value::Integer(18), &part, None),
            (Value::Number(1.5), &whole, Some(Value::Number(1500.0))),
            (Value::Number(1.5), &part, Some(part.clone())),
            (Value::Number(1.5), &Value::Number(8.333_333_333), None),
            (text("18"), &whole, Some(text("1500"))),
            (text("1,200"), &whole, Some(text("1,500"))),
            (text("18"), &part, None),
            (text("18.50"), &part, Some(text("7.25"))),
            (text("18.50"), &whole, Some(text("1500.00"))),
            (text("few"), &text("many"), Some(text("many"))),
            (text("few"), &whole, None),
            (Value::Boolean(true), &Value::Boolean(false), Some(Value::Boolean(false))),
            (Value::Boolean(true), &whole, None),
            (Value::Integer(18), &Value::Integer(-2), None),
            (Value::Integer(-18), &Value::Integer(-2), Some(Value::Integer(-2))),
            (Value::Null, &whole, None),
        ] {
            assert_eq!(like(&label, answer), expected, "{label:?} {answer:?}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value_and_texts_as_they_are() {
        assert!(says(&Value::from("1,200"), &Value::Integer(1200)));
        assert!(says(&Value::from(" 18.0"), &Value::Integer(18)));
        assert!(says(&Value::Integer(18), &Value::Number(18.0)));
        assert!(says(&Value::from("few"), &Value::from("few")));
        assert!(!says(&Value::from("18 pens"), &Value::Integer(18)));
        assert!(!says(&Value::Integer(18), &Value::Integer(19)));
        assert!(!says(&Value::from("Few"), &Value::from("few")));
        assert!(!says(&Value::Boolean(true), &Value::Integer(1)));
    }
}
