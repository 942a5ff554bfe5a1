//! Recognizing numbers and truth values in a model's text.

use crate::value::Value;

/// The number that a text means: the whole text, its only number, or the only number of its last line.
pub(crate) fn find(text: &str) -> Option<Value> {
    let text = text.trim();
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    exact(text).or_else(|| only(text)).or_else(|| only(last))
}

/// A text that is nothing but a number in JSON's notation.
pub(crate) fn exact(text: &str) -> Option<Value> {
    let number: serde_json::Number = serde_json::from_str(text).ok()?;
    Some(Value::from(&serde_json::Value::Number(number)))
}

/// The truth value that a text means: its first word, or the only one of its words that is a truth value.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => return Some(true),
        "0" => return Some(false),
        _ => {}
    }
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = truth_of(words.next()?);
    first.or_else(|| {
        let mut found = words.filter_map(truth_of);
        let only = found.next()?;
        found.all(|other| other == only).then_some(only)
    })
}

/// The truth value of one word.
fn truth_of(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

/// The number of a text in which all numbers are equal.
fn only(text: &str) -> Option<Value> {
    let mut numbers = numbers(text);
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// The numbers of a text.
fn numbers(text: &str) -> impl Iterator<Item = Value> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | '-' | '+' | '_');
    text.split(move |c| !is_part(c)).filter_map(number_in)
}

/// The number in a word: with `,` between groups of three digits, without a leading 0, or before a unit of up to three
/// letters.
fn number_in(word: &str) -> Option<Value> {
    let word = word.trim_end_matches(['.', ',', '-', '+']).trim_start_matches([',', '_', '+']);
    let plain = if is_grouped(word) { word.replace(',', "") } else { word.to_owned() };
    let plain = match plain.strip_prefix('.') {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => format!("0.{digits}"),
        _ => plain,
    };
    exact(&plain).or_else(|| {
        let without_unit = plain.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        exact(without_unit).filter(|_| plain.len() - without_unit.len() <= 3)
    })
}

fn is_grouped(word: &str) -> bool {
    let whole = word.trim_start_matches('-').split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&first.len()) && digits(first) && groups.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_only_if_it_is_clear() {
        let cases = [
            ("3", Some(Value::Integer(3))),
            ("$1,234.50.", Some(Value::Number(1234.5))),
            ("It is -7 degrees", Some(Value::Integer(-7))),
            ("about 12kg", Some(Value::Integer(12))),
            ("40%", Some(Value::Integer(40))),
            ("3 + 4 = 7", None),
            ("First 3, then 4.\nSo it is 7.", Some(Value::Integer(7))),
            ("7 is the answer: 7", Some(Value::Integer(7))),
            (".5", Some(Value::Number(0.5))),
            ("1,23", None),
            ("gpt-4o", None),
            ("none", None),
            ("1e999", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text), expected, "{text:?}");
        }
    }

    #[test]
    fn truth_values_are_words() {
        let cases = [
            ("True.", Some(true)),
            ("No, because yes men", Some(false)),
            ("The answer is yes", Some(true)),
            ("It may be true or false", None),
            ("0", Some(false)),
            ("untrue", None),
        ];
        for (text, expected) in cases {
            assert_eq!(truth(text), expected, "{text:?}");
        }
    }
}
