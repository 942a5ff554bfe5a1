//! A pattern is a text with holes: `{name} buys {n} pens`. It fits a text that equals it except for the values of the holes.
//!
//! - A run of white space fits any other; `{{` and `}}` are braces.
//! - A number hole holds a number, a text hole any text without white space at its ends. A hole that occurs twice has the
//!   same value both times.
//! - A text that can be read in two ways does not fit.
//!
//! **Invariant:** a rewritten text differs from the original in its holes alone.

use std::ops::Range;

use proofmark_runtime::{Record, Value};
use regex_lite::{Captures, Regex};

use super::number::{self, Style};

/// White space; `\s` alone matches ASCII only.
const BLANK: &str = r"[\s\u{a0}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}]";

/// A part of a text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Literal text.
    Literal(String),
    /// The name of a hole.
    Hole(String),
}

/// A text with holes.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The holes in order, including repeated ones.
    holes: Vec<Hole>,
    /// The longest word outside of the holes. Most texts that do not fit do not contain it, which is a quick test.
    word: String,
    /// Of all ways to read a text, this expression finds the first one.
    first: Regex,
    /// This one finds the last way, because it tries every choice in the opposite order.
    last: Regex,
}

#[derive(Debug)]
struct Hole {
    name: String,
    is_number: bool,
}

/// A text that fits a pattern.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    text: &'t str,
    /// The places of the holes.
    ranges: Vec<Range<usize>>,
    /// The names of these holes.
    names: Vec<&'t str>,
    /// The values of the holes.
    pub(super) values: Record,
}

/// Splits a text with holes into pieces.
///
/// # Errors
/// What is wrong with its braces or holes.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = vec![];
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (literal, behind) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        push(&mut pieces, literal);
        rest = behind;
        if let Some(behind) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            push(&mut pieces, &rest[..1]);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('{') {
            let (name, behind) = behind.split_once('}').ok_or("a `{` is not closed; a brace is `{{`")?;
            if !is_name(name) {
                return Err(format!(
                    "`{{{name}}}` is not a hole: its name may have letters, digits and `_` only"
                ));
            }
            if let Some(Piece::Hole(before)) = pieces.last() {
                return Err(format!("there is no text between {{{before}}} and {{{name}}}"));
            }
            pieces.push(Piece::Hole(name.to_owned()));
            rest = behind;
        } else if rest.starts_with('}') {
            return Err("a `}` closes nothing; a brace is `}}`".into());
        }
    }
    Ok(pieces)
}

fn push(pieces: &mut Vec<Piece>, literal: &str) {
    match pieces.last_mut() {
        _ if literal.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(literal),
        _ => pieces.push(Piece::Literal(literal.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Pattern {
    /// Makes a pattern of these pieces.
    ///
    /// # Errors
    /// If the text is too long.
    pub(super) fn new(pieces: &[Piece], is_number: impl Fn(&str) -> bool) -> Result<Self, regex_lite::Error> {
        let names = pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(name) => Some(Hole { name: name.clone(), is_number: is_number(name) }),
            Piece::Literal(_) => None,
        });
        let holes: Vec<_> = names.collect();
        let literals = pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(literal) => Some(literal),
            Piece::Hole(_) => None,
        });
        let word = literals.flat_map(|literal| literal.split_whitespace()).max_by_key(|word| word.len());
        Ok(Self {
            first: regex(pieces, &holes, number::SHORTEST, r"\S(?:.*?\S)??")?,
            last: regex(pieces, &holes, number::LONGEST, r"\S(?:.*\S)?")?,
            word: word.unwrap_or_default().to_owned(),
            holes,
        })
    }

    /// Reads a text; none if it does not fit, or fits in more than one way.
    pub(super) fn read<'t>(&'t self, text: &'t str) -> Option<Reading<'t>> {
        if !text.contains(&self.word) {
            return None;
        }
        let first = self.first.captures(text)?;
        let last = self.last.captures(text)?;
        let mut reading = Reading { text, ranges: vec![], names: vec![], values: Record::new() };
        for (group, hole) in (1..).zip(&self.holes) {
            let range = range(&first, group).filter(|found| range(&last, group).as_ref() == Some(found))?;
            let value = hole.value(&text[range.clone()])?;
            if reading.values.get(&hole.name).is_some_and(|known| *known != value) {
                return None;
            }
            reading.values.insert(&hole.name, value);
            reading.ranges.push(range);
            reading.names.push(&hole.name);
        }
        Some(reading)
    }
}

fn range(captures: &Captures<'_>, group: usize) -> Option<Range<usize>> {
    captures.get(group).map(|found| found.range())
}

/// The pieces as a regular expression with a group for each hole. `number` and `text` match the values of holes.
fn regex(pieces: &[Piece], holes: &[Hole], number: &str, text: &str) -> Result<Regex, regex_lite::Error> {
    let mut holes = holes.iter();
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Literal(literal) => escaped(literal),
        Piece::Hole(_) => {
            let is_number = holes.next().is_some_and(|hole| hole.is_number);
            format!("({})", if is_number { number } else { text })
        }
    });
    Regex::new(&format!("(?s)^{BLANK}*{}{BLANK}*$", parts.collect::<String>()))
}

/// The expression of a literal, in which any white space fits its own.
fn escaped(literal: &str) -> String {
    let words: Vec<_> = literal.split(char::is_whitespace).map(regex_lite::escape).collect();
    let mut escaped = String::new();
    for (i, word) in words.iter().enumerate() {
        // A run of white space is one space.
        if i > 0 && (i == 1 || !words[i - 1].is_empty()) {
            escaped += &format!("{BLANK}+");
        }
        escaped += word;
    }
    escaped
}

impl Hole {
    fn value(&self, text: &str) -> Option<Value> {
        if self.is_number {
            return number::read(text);
        }
        Some(Value::from(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }
}

impl Reading<'_> {
    /// The text with these values in its holes, numbers written like the old ones.
    pub(super) fn rewritten(&self, values: &Record) -> String {
        let mut text = self.text.to_owned();
        for (range, name) in self.ranges.iter().zip(&self.names).rev() {
            let old = &self.text[range.clone()];
            let Some(new) = values.get(name).filter(|new| self.values.get(name) != Some(new)) else {
                continue;
            };
            let written = number::of(new).map_or_else(|| new.to_string(), |new| Style::of(old).write(new));
            text.replace_range(range.clone(), &written);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A pattern whose holes with names of one letter are numbers.
    fn pattern(text: &str) -> Pattern {
        Pattern::new(&pieces(text).unwrap(), |name| name.len() == 1).unwrap()
    }

    fn values(pattern: &str, text: &str) -> Option<String> {
        self::pattern(pattern).read(text).map(|reading| serde_json::to_string(&reading.values).unwrap())
    }

    #[test]
    fn a_pattern_reads_what_stands_in_its_holes() {
        let pens = "{name} buys {n} pens at ${p} each.  How much does {name} pay?";
        let read = |text: &str| values(pens, text);
        assert_eq!(
            read("  Ann Lee buys 1,200 pens\nat $1.50 each. How much does Ann  Lee pay? ").as_deref(),
            Some(r#"{"name":"Ann Lee","n":1200,"p":1.5}"#)
        );
        for other in [
            "Ann buys 3 pens at $2 each. How much does Omar pay?",
            "Ann buys three pens at $2 each. How much does Ann pay?",
            "Ann buys 3 pens at $2 each. How much does Ann pay? Think.",
            "Ann buys 3 pens at $2 each, How much does Ann pay?",
            " buys 3 pens at $2 each. How much does  pay?",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(values("{{{n}}} of {{x}}", "{7} of {x}").as_deref(), Some(r#"{"n":7}"#));
        assert_eq!(values("it costs {p}.", "it costs 1.50.").as_deref(), Some(r#"{"p":1.5}"#));
        assert_eq!(values("{n} and {n}", "1,000 and 1000").as_deref(), Some(r#"{"n":1000}"#));
        assert_eq!(values("about {n}\u{a0}km", "about 5 km").as_deref(), Some(r#"{"n":5}"#));
    }

    #[test]
    fn ambiguous_texts_are_not_read() {
        let gift = "{giver} and {taker} meet";
        assert!(values(gift, "Ann and Bob meet").is_some());
        assert_eq!(values(gift, "Ann and Bob and Cem meet"), None);
        assert_eq!(values("{color} {item}", "dark blue pen"), None);
        assert!(values("{color} {item}", "blue pen").is_some());
        assert_eq!(values("{a},{b}", "1,200,300"), None);
        assert!(values("{a},{b}", "1,20").is_some());
    }

    #[test]
    fn mistakes_in_braces_are_reported() {
        for (text, problem) in [
            ("{n", "a `{` is not closed; a brace is `{{`"),
            ("n}", "a `}` closes nothing; a brace is `}}`"),
            ("{n m}", "`{n m}` is not a hole: its name may have letters, digits and `_` only"),
            ("{}", "`{}` is not a hole: its name may have letters, digits and `_` only"),
            ("{a}{b}", "there is no text between {a} and {b}"),
        ] {
            assert_eq!(pieces(text).unwrap_err(), problem);
        }
        assert_eq!(pieces("{a}}}{b}").unwrap().len(), 3);
    }

    #[test]
    fn only_the_holes_are_rewritten() {
        let pattern = pattern("{name} has {n} or {n}:  {name}");
        let reading = pattern.read(" Ann\thas 1,000 or 1000:\n\nAnn").unwrap();
        let other = Record::new().with("name", "Omar").with("n", Value::Integer(2500));
        assert_eq!(reading.rewritten(&other), " Omar\thas 2,500 or 2500:\n\nOmar");
        assert_eq!(reading.rewritten(&reading.values), reading.text);
    }

    proptest! {
        #[test]
        fn a_rewritten_text_is_read_back(
            name in "[A-Z][a-z]{1,8}( [A-Z][a-z]{1,8})?", n in 0i64..5_000_000, cents in 0i64..100_000, style in 0usize..3
        ) {
            let pattern = pattern("{name} pays {p} for {n}, says {name}");
            let text = ["Al pays 3 for 7, says Al", "Al pays 1.50 for 1,000, says Al", "Al  pays .5\nfor 7, says Al"][style];
            let reading = pattern.read(text).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let price = number::value(cents as f64 / 100.0).unwrap();
            let new = Record::new().with("name", name).with("n", Value::Integer(n)).with("p", price);
            let text = reading.rewritten(&new);
            prop_assert_eq!(&pattern.read(&text).unwrap().values, &new);
        }

        #[test]
        fn no_pattern_or_text_panics(pattern in "[{}a-c ,1]{0,12}", text in "\\PC{0,20}") {
            if let Ok(pieces) = pieces(&pattern) {
                let pattern = Pattern::new(&pieces, |name| name == "a").unwrap();
                let _ = pattern.read(&text);
            }
        }
    }
}
