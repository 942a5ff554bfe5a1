//! Comparisons of texts and other values.

use proofmark_runtime::{Record, Value};
use unicode_normalization::UnicodeNormalization;

/// The text in NFKC and lower case, with single spaces and none at the ends. Punctuation stays, because it may be the answer.
pub(super) fn normalize(text: &str) -> String {
    let plain: String = text.nfkc().flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The runs of letters and digits of the normalized text. Articles stay, unlike in SQuAD's script (Rajpurkar et al. 2016,
/// arXiv:1606.05250), because not every task is in English.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let plain = normalize(text);
    plain.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

/// Whether two values are equal: texts by their normalized form, numbers by value, lists and records item by item.
pub(super) fn same(gold: &Value, given: &Value) -> bool {
    match (gold, given) {
        (Value::Text(a), Value::Text(b)) => a == b || normalize(a) == normalize(b),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Record(a), Value::Record(b)) => contains_all(a, b) && contains_all(b, a),
        _ => match (as_number(gold), as_number(given)) {
            (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
            _ => gold == given,
        },
    }
}

/// Whether `b` has all fields of `a` with the same values; an absent field equals null.
fn contains_all(a: &Record, b: &Record) -> bool {
    a.iter().all(|(name, value)| same(value, b.get(name).unwrap_or(&Value::Null)))
}

/// The value of an integer or number.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "answers beyond 2^53 are compared as doubles")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// The feedback on a wrong answer.
pub(super) fn correction(output: &str, gold: &Value, given: &Value) -> String {
    let quoted = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        other => shorten(&other.to_json().to_string()),
    };
    format!("`{output}` should be {}, not {}", quoted(gold), quoted(given))
}

/// Cuts a text to at most 400 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
