//! Numbers as people read them. All are filters of the template.

use tera::{Kwargs, State, Tera};

/// The smallest chance that is spelled out.
const RARE: f64 = 1e-6;

pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("percent", |share: f64, _: Kwargs, _: &State<'_>| percent(share));
    tera.register_filter("points", |lead: f64, _: Kwargs, _: &State<'_>| points(lead));
    tera.register_filter("at", |share: f64, _: Kwargs, _: &State<'_>| at(share));
    tera.register_filter("once_in", |p: f64, _: Kwargs, _: &State<'_>| once_in(p));
    tera.register_filter("tiny", |p: f64, _: Kwargs, _: &State<'_>| tiny(p));
    tera.register_filter("ordinal", |number: u64, _: Kwargs, _: &State<'_>| ordinal(number));
    tera.register_filter("thousands", |number: u64, _: Kwargs, _: &State<'_>| thousands(number));
}

/// A share of 1 as a whole percentage that is never broken over two lines.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0}\u{a0}%", 100.0 * share)
}

/// A difference of shares in points with its sign. Zero has none.
pub(super) fn points(lead: f64) -> String {
    let points = format!("{:.1}", 100.0 * lead.abs());
    match (points.as_str(), lead > 0.0) {
        ("0.0", _) => "0".into(),
        (_, true) => format!("+{points}"),
        (_, false) => format!("−{points}"),
    }
}

/// A share as a position in a chart.
pub(super) fn at(share: f64) -> String {
    format!("{:.2}%", 100.0 * share.clamp(0.0, 1.0))
}

/// How many tries it takes, on average, until something of probability `p` happens, to two digits.
fn once_in(p: f64) -> String {
    if p < RARE {
        return "a million".into();
    }
    let tries = 1.0 / p;
    let unit = 10f64.powf(tries.log10().floor() - 1.0).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to a million")]
    thousands(((tries / unit).round() * unit) as u64)
}

/// A probability.
fn tiny(p: f64) -> String {
    match p {
        p if p < RARE => "less than 0.000001".into(),
        p if p < 0.001 => format!("{p:.6}"),
        p => format!("{p:.4}"),
    }
}

fn ordinal(number: u64) -> String {
    match number {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        n => format!("{n}th"),
    }
}

/// A number with its digits in groups of three.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (percent(0.616), points(0.0612), points(-0.03)),
            ("62\u{a0}%".into(), "+6.1".into(), "−3.0".into())
        );
        assert_eq!((points(0.0002), points(-0.0), at(1.2)), ("0".into(), "0".into(), "100.00%".into()));
        assert_eq!((once_in(0.0004), once_in(0.03), once_in(0.5)), ("2,500".into(), "33".into(), "2".into()));
        assert_eq!((once_in(1e-12), tiny(1e-12)), ("a million".into(), "less than 0.000001".into()));
        assert_eq!((thousands(7), thousands(1_234_567)), ("7".into(), "1,234,567".into()));
        assert_eq!((ordinal(1), ordinal(4)), ("first".into(), "4th".into()));
    }
}
