//! How measures look at text.

use proofmark_optimizers::Score;
use proofmark_runtime::Value;
use unicode_normalization::UnicodeNormalization;

use super::{share, whether};

/// NFKC, lower case, runs of white space as one space, none at the ends. Punctuation stays: it may be the answer.
pub(super) fn normalize(text: &str) -> String {
    let plain: String = text.nfkc().flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The runs of letters and digits of the normalized text. Articles stay, unlike in SQuAD's script (Rajpurkar et al.
/// 2016, arXiv:1606.05250): not every task is in English.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let plain = normalize(text);
    plain.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

/// Twice the tokens that two texts share, counted by `shared`, over the tokens of both: the harmonic mean of precision and
/// recall. Values that are no texts say the same or do not.
pub(super) fn overlap(gold: &Value, given: &Value, shared: fn(&[String], &[String]) -> usize) -> Score {
    let (Value::Text(gold), Value::Text(given)) = (gold, given) else {
        return whether(same(gold, given));
    };
    let (gold, given) = (tokens(gold), tokens(given));
    share(2 * shared(&gold, &given), gold.len() + given.len())
}

/// Whether two values say the same: texts when normalized, numbers by value, lists and records item by item.
pub(super) fn same(gold: &Value, given: &Value) -> bool {
    match (gold, given) {
        (Value::Text(a), Value::Text(b)) => a == b || normalize(a) == normalize(b),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Record(a), Value::Record(b)) => {
            let all = |a: &proofmark_runtime::Record, b: &proofmark_runtime::Record| {
                a.iter().all(|(name, value)| same(value, b.get(name).unwrap_or(&Value::Null)))
            };
            all(a, b) && all(b, a)
        }
        _ => match (as_number(gold), as_number(given)) {
            (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
            _ => gold == given,
        },
    }
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

/// What an answer should have been, in words.
pub(super) fn correction(output: &str, gold: &Value, given: &Value) -> String {
    let quoted = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        other => shorten(&other.to_json().to_string()),
    };
    format!("`{output}` should be {}, not {}", quoted(gold), quoted(given))
}

/// At most 400 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
