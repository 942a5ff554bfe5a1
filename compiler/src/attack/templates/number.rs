//! Numbers as people write them in texts: `12`, `1,200`, `.5`, `3.50`.
//!
//! **Invariant:** a number that was rounded here is written and read back as the same number. A number with more than fifteen
//! digits is not read, because a double does not hold it exactly.

use std::sync::LazyLock;

use proofmark_runtime::Value;
use regex_lite::Regex;

/// A pattern that finds the longest number.
pub(super) const LONGEST: &str = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+";
/// The same pattern with every choice in the opposite order.
pub(super) const SHORTEST: &str = r"-??\.\d+?|-??(?:\d+?|\d{1,3}?(?:,\d{3})+?)(?:\.\d+?)??";

/// The number of digits that a double holds exactly.
const DIGITS: usize = 15;
/// The number of decimals that are kept, so that .1 + .2 is .3.
const DECIMALS: usize = 9;

static WHOLE_TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("^(?:{LONGEST})$")).ok());

/// The way a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    grouped: bool,
    pub(super) decimals: usize,
}

/// The number, if the text is a number and nothing else.
pub(super) fn read(text: &str) -> Option<Value> {
    WHOLE_TEXT.as_ref().filter(|number| number.is_match(text))?;
    value(text.replace(',', "").parse().ok()?)
}

/// The number without rounding errors in its last digits; a whole number becomes an integer. None if it has too many digits.
pub(super) fn value(number: f64) -> Option<Value> {
    let before_point = format!("{:.0}", number.abs().trunc()).len();
    if !number.is_finite() || before_point > DIGITS {
        return None;
    }
    let decimals = DECIMALS.min(DIGITS - before_point);
    let rounded: f64 = format!("{number:.decimals$}").parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most fifteen digits")]
    Some(if rounded.fract() == 0.0 { Value::Integer(rounded as i64) } else { Value::Number(rounded) })
}

/// The value as a number.
pub(super) fn of(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "labels beyond 2^53 are compared as doubles")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// Whether two numbers are equal except for rounding.
pub(super) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// The number of decimals that a number needs.
pub(super) fn decimals(number: f64) -> usize {
    Style::of(&number.to_string()).decimals
}

impl Style {
    /// The style of a written number.
    pub(super) fn of(written: &str) -> Self {
        let decimals = written.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        Self { grouped: written.contains(','), decimals }
    }

    /// Writes a number in this style, with more decimals if it needs them.
    pub(super) fn write(self, number: f64) -> String {
        let shortest = number.abs().to_string();
        let (whole, decimals) = shortest.split_once('.').unwrap_or((&shortest, ""));
        let whole = if self.grouped { grouped(whole) } else { whole.to_owned() };
        let sign = if number < 0.0 { "-" } else { "" };
        let width = self.decimals.max(decimals.len());
        if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals:0<width$}") }
    }
}

/// The digits in groups of three: 1,234,567 for 1234567.
fn grouped(digits: &str) -> String {
    let separated = digits.char_indices().map(|(at, digit)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        if comma { format!(",{digit}") } else { digit.to_string() }
    });
    separated.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_written_and_rounded() {
        let read = |text: &str| read(text).map(|value| value.to_string());
        for (text, number) in
            [("1,200", "1200"), ("-3", "-3"), (".5", "0.5"), ("5.00", "5"), ("1,234,567.25", "1234567.25")]
        {
            assert_eq!(read(text).as_deref(), Some(number));
        }
        for text in ["", "12,00", "1,2000", "$5", "5 ", "1e3", "1.", "--1", "1234567890123456"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(value(0.1 + 0.2), Some(Value::Number(0.3)));
        assert_eq!(value(1.1 * 1.1 * 100.0), Some(Value::Integer(121)));
        assert_eq!((value(f64::NAN), value(1e15)), (None, None));
    }

    #[test]
    fn a_number_is_written_in_the_style_of_the_old_one() {
        let like = |old: &str, new: f64| Style::of(old).write(new);
        assert_eq!(like("1,200", 34567.0), "34,567");
        assert_eq!(like("1,200", 999.0), "999");
        assert_eq!(like("1200", 34567.5), "34567.5");
        assert_eq!(like("5.00", 7.5), "7.50");
        assert_eq!(like("5.00", -1234.0), "-1234.00");
        assert_eq!(like(".5", 0.0), "0.0");
    }

    proptest! {
        #[test]
        fn written_numbers_are_read_back(number in -1e9f64..1e9, grouped: bool, places in 0usize..4) {
            let value = value(number).unwrap();
            let written = Style { grouped, decimals: places }.write(of(&value).unwrap());
            prop_assert_eq!(read(&written), Some(value));
        }
    }
}
