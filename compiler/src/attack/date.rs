//! `date`: `2026-11-20` as `20 November 2026` and back, if the day is unambiguous.

use std::sync::LazyLock;

use rand::rngs::ChaCha8Rng;
use regex_lite::{Captures, Regex};

use super::{Family, Guarantee, Normalizer, Scene};

/// See the [module](self).
pub(super) struct Date;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(\d{4})-(\d\d)-(\d\d)\b").ok());
static LONG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"\b(\d{{1,2}}) ({}) (\d{{4}})\b", MONTHS.join("|"))).ok());

impl Family for Date {
    fn name(&self) -> &str {
        "date"
    }

    fn about(&self) -> &str {
        "dates in figures instead of words, and back"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Respells(self)
    }

    fn is_default(&self) -> bool {
        false
    }

    fn perturb(&self, text: &str, _: &Scene<'_>, _: &mut ChaCha8Rng) -> Option<String> {
        [lengthened(text), shortened(text)].into_iter().find(|changed| changed != text)
    }
}

impl Normalizer for Date {
    fn normal(&self, text: &str) -> String {
        shortened(text)
    }
}

fn lengthened(text: &str) -> String {
    let Some(short) = SHORT.as_ref() else { return text.to_owned() };
    let long = |date: &Captures<'_>| {
        let month = date[2].parse().unwrap_or(0);
        let day = date[3].parse().unwrap_or(0);
        let name = MONTHS.get(usize::wrapping_sub(month, 1)).filter(|_| (1..=31).contains(&day));
        name.map_or_else(|| date[0].to_owned(), |name| format!("{day} {name} {}", &date[1]))
    };
    short.replace_all(text, long).into_owned()
}

fn shortened(text: &str) -> String {
    let Some(long) = LONG.as_ref() else { return text.to_owned() };
    let short = |date: &Captures<'_>| {
        let month = 1 + MONTHS.iter().position(|name| **name == date[2]).unwrap_or(0);
        let day: u32 = date[1].parse().unwrap_or(0);
        if (1..=31).contains(&day) { format!("{}-{month:02}-{day:02}", &date[3]) } else { date[0].to_owned() }
    };
    long.replace_all(text, short).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_both_ways() {
        let short = "by 2026-03-04, not 2026-13-01";
        let long = "by 4 March 2026, not 2026-13-01";
        assert_eq!(lengthened(short), long);
        assert_eq!(shortened(long), short);
    }
}
