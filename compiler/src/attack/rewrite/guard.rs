//! What can be checked of a rewriting without asking anybody (gate.md, section 5.5, points 2 and 3): it is there, it is no
//! refusal and no copy, it has about the length, the numbers, the negations, the names, links, quotes and label words of the
//! row. It is checked when a text was written, and on every load again.
//!
//! In a text in another language words cannot be compared: there numbers, links and quotes are. Where the right answer
//! changes, what it hangs on may change too: there the edits must be few, and no label word may be new.

use std::collections::BTreeSet;

use super::{
    super::{protect::Protected, severity::edit_rate},
    ways::Rewriting,
};
use crate::data::text::plain;

/// What is wrong with a rewriting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no text.
    #[error("there is no text")]
    Empty,
    /// It is the row again.
    #[error("it says the same in the same words")]
    Copied,
    /// It speaks to whoever asked, or carries marks of a chat.
    #[error("it answers or comments instead of rewriting")]
    Chatter,
    /// It is far shorter or longer than the row.
    #[error("it is far shorter or longer")]
    Length,
    /// Its numbers are others.
    #[error("its numbers are others")]
    Numbers,
    /// It has more or fewer negations.
    #[error("it has more or fewer negations")]
    Negations,
    /// A name, a link, a quote or code is gone.
    #[error("a name, a link or a quote is gone")]
    Spans,
    /// A word of the task's labels or fields is new or gone.
    #[error("a word of a label or field is new or gone")]
    Labels,
    /// More was changed than an answer turns on.
    #[error("more was changed than the answer turns on")]
    TooMuch,
}

/// A rewriting has between a quarter and four times as many characters, and some more for short rows.
const LENGTHS: usize = 4;
/// What a short row may grow by beyond that.
const SLACK: usize = 40;
/// The edits that may turn a right answer into another one, for each character of the row.
const TURNING: f64 = 0.6;
/// Longest quote that has to stay word by word.
const LONGEST_QUOTE: usize = 120;

/// Beginnings of replies that are no rewriting, in lower case.
const CHATTER: &[&str] = &[
    "i apologize",
    "here is the",
    "here's the",
    "here is a",
    "here's a",
    "sure,",
    "sure!",
    "certainly",
    "of course!",
    "the text",
    "rewritten",
    "paraphrase:",
    "translation:",
    "text:",
];
/// What a rewriting does not say anywhere, unless the row does.
const ASIDES: &[&str] = &[
    "as an ai",
    "as a language model",
    "i cannot help with",
    "i can't help with",
    "cannot assist",
    "can't assist",
    "unable to assist",
    "unable to provide you with",
    "the new text",
    "the original text",
    "in the text",
    "the text is",
];
/// Marks that have no business in a text that had none.
const MARKS: &[&str] = &["<|", "|>", "```", "[INST]", "[["];

/// Checks one rewriting.
///
/// # Errors
/// The first fault.
pub(in crate::attack) fn check(
    rewriting: &Rewriting,
    (original, text): (&str, &str),
    protected: &Protected,
) -> Result<(), Fault> {
    let (length, now) = (original.chars().count(), text.chars().count());
    let (old, new) = (words(original), words(text));
    let compared = rewriting.same_language && !rewriting.turns;
    let labels = (protected.mentioned(original), protected.mentioned(text));
    let faults = [
        (text.trim().is_empty(), Fault::Empty),
        (plain(original) == plain(text), Fault::Copied),
        (chatters(original, text), Fault::Chatter),
        (now * LENGTHS < length || now > LENGTHS * length + SLACK, Fault::Length),
        (!rewriting.turns && numbers(&old) != numbers(&new), Fault::Numbers),
        (compared && negations(&old) != negations(&new), Fault::Negations),
        (!rewriting.turns && spans(original).iter().any(|span| !text.contains(span)), Fault::Spans),
        (compared && names(original).iter().any(|name| !stands(name, &new)), Fault::Spans),
        (if compared { labels.0 != labels.1 } else { !labels.1.is_subset(&labels.0) }, Fault::Labels),
        (rewriting.turns && edit_rate(original, text) > TURNING, Fault::TooMuch),
    ];
    faults.into_iter().find(|(found, _)| *found).map_or(Ok(()), |(_, fault)| Err(fault))
}

/// What of a text has to stand in its rewriting, for the writer to know: as it is written, in order, none twice.
pub(super) fn kept(rewriting: &Rewriting, text: &str, protected: &Protected) -> Vec<String> {
    if rewriting.turns {
        return vec![];
    }
    let numbers =
        text.split_whitespace().map(bare).filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    let mut kept: Vec<&str> = numbers.chain(spans(text)).collect();
    if rewriting.same_language {
        kept.extend(names(text));
        kept.extend(protected.mentioned(text));
    }
    let mut seen = BTreeSet::new();
    kept.into_iter().filter(|span| seen.insert(*span)).map(str::to_owned).collect()
}

/// The words in lower case; an apostrophe belongs to its word.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').map(|word| word.trim_matches('\''));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a name stands among words, in capitals or not.
fn stands(name: &str, among: &[String]) -> bool {
    words(name).iter().all(|word| among.contains(word))
}

fn numbers(words: &[String]) -> Vec<&String> {
    let mut found: Vec<_> = words.iter().filter(|word| word.contains(|c: char| c.is_ascii_digit())).collect();
    found.sort();
    found
}

fn negations(words: &[String]) -> usize {
    words.iter().filter(|word| super::super::protect::negates(word)).count()
}

/// Links, addresses, quotes and code.
fn spans(text: &str) -> Vec<&str> {
    let link = |word: &&str| word.contains("://") || (word.contains('@') && word.contains('.'));
    let links = text.split_whitespace().map(bare).filter(link);
    let quoted = |quote: char| text.split(quote).skip(1).step_by(2);
    // A quote without an end is none.
    let closed = |quote: char| text.matches(quote).count().is_multiple_of(2);
    let quotes = ['"', '`'].into_iter().filter(|quote| closed(*quote)).flat_map(quoted);
    let short = quotes.filter(|quote| !quote.trim().is_empty() && quote.chars().count() <= LONGEST_QUOTE);
    links.chain(short).collect()
}

/// Words with a capital inside a sentence; none where more than a quarter of the words are written so, as in German or in
/// headlines.
fn names(text: &str) -> Vec<&str> {
    let (mut inside, mut found, mut initial) = (0, vec![], true);
    for word in text.split_whitespace() {
        let name = bare(word).split(['\'', '\u{2019}']).next().unwrap_or_default();
        if !initial && name.chars().any(char::is_alphabetic) {
            inside += 1;
            found.extend((name.starts_with(char::is_uppercase) && name.chars().count() > 1).then_some(name));
        }
        initial =
            word.ends_with(['.', '!', '?', ':', '…', ')', '"']) || !word.contains(char::is_alphanumeric);
    }
    if 4 * found.len() > inside { vec![] } else { found }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_ascii_punctuation() && !matches!(c, '/' | '@' | '#' | '%'))
}

fn chatters(original: &str, text: &str) -> bool {
    let (old, new) = (original.to_lowercase(), text.trim_start().to_lowercase().replace('\u{2019}', "'"));
    CHATTER.iter().any(|phrase| new.starts_with(phrase) && !old.contains(phrase))
        || ASIDES.iter().any(|phrase| new.contains(phrase) && !old.contains(phrase))
        || MARKS.iter().any(|mark| text.contains(mark) && !original.contains(mark))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attack::{protected_words, rewrite::find};

    const ROW: &str =
        "I paid 120 euros to Anna Berg twice and did not get \"blue shoes\" from https://shop.example/a yet.";

    fn fault(family: &str, original: &str, text: &str) -> Option<Fault> {
        check(find(family).unwrap(), (original, text), &protected_words(["billing", "late parcel"])).err()
    }

    #[test]
    fn a_faithful_rewriting_passes_and_each_fault_is_found() {
        let good = "Anna Berg was given 120 euros two times by me, yet the \"blue shoes\" from https://shop.example/a have not come.";
        assert_eq!(fault("paraphrase", ROW, good), None);
        for (from, to, expected) in [
            ("120", "210", Fault::Numbers),
            ("have not come", "have come", Fault::Negations),
            ("Anna Berg", "my friend", Fault::Spans),
            ("blue shoes", "red shoes", Fault::Spans),
            ("https://shop.example/a", "your shop", Fault::Spans),
            ("yet", "a billing matter, yet", Fault::Labels),
            ("Anna Berg was", "Here is the text: Anna Berg was", Fault::Chatter),
            ("have not come", "have not come<|im_end|>", Fault::Chatter),
            ("have not come", "have not come. I made a mistake in the text", Fault::Chatter),
        ] {
            assert!(good.contains(from));
            assert_eq!(fault("paraphrase", ROW, &good.replace(from, to)), Some(expected), "{to}");
        }
        assert_eq!(fault("paraphrase", ROW, " \n"), Some(Fault::Empty));
        assert_eq!(fault("paraphrase", ROW, &ROW.to_uppercase()), Some(Fault::Copied));
        assert_eq!(fault("paraphrase", ROW, "billing"), Some(Fault::Length));
        assert_eq!(
            fault("paraphrase", "my parcel is late", "it has not arrived on time"),
            Some(Fault::Negations)
        );
        assert_eq!(fault("paraphrase", "my parcel is late", "my package is late"), Some(Fault::Labels));
    }

    #[test]
    fn a_translation_keeps_numbers_links_and_quotes_and_may_lose_words() {
        let german = "Ich habe Frau Berg zweimal 120 Euro bezahlt und \"blue shoes\" von https://shop.example/a nie bekommen.";
        assert_eq!(fault("translation", ROW, german), None);
        assert_eq!(fault("translation", ROW, &german.replace("120", "12")), Some(Fault::Numbers));
        assert_eq!(
            fault("translation", ROW, &german.replace("blue shoes", "blaue Schuhe")),
            Some(Fault::Spans)
        );
        assert_eq!(fault("translation", ROW, &german.replace("nie", "billing nie")), Some(Fault::Labels));
    }

    #[test]
    fn a_contrast_row_may_change_what_it_turns_on_but_not_all() {
        let row = "The heating has been off since Monday, please send somebody.";
        assert_eq!(fault("contrast", row, "The heating has been on since Monday, please send nobody."), None);
        assert_eq!(
            fault("contrast", row, "The heating bill of Monday is a billing question"),
            Some(Fault::Labels)
        );
        assert_eq!(
            fault("contrast", row, "I would love to know when you open on Sundays."),
            Some(Fault::TooMuch)
        );
    }

    #[test]
    fn the_writer_is_told_what_has_to_stay() {
        let kept = kept(
            find("paraphrase").unwrap(),
            "A parcel for Bo, 12 kg, see a@b.example",
            &protected_words(["parcel"]),
        );
        assert_eq!(kept, ["12", "a@b.example", "Bo", "parcel"]);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_check(original in "\\PC{0,80}", text in "\\PC{0,80}") {
            for rewriting in super::super::ALL {
                let protected = protected_words(["billing"]);
                let _ = check(rewriting, (&original, &text), &protected);
                prop_assert_eq!(check(rewriting, (&original, &original), &protected).is_err(), true);
                kept(rewriting, &original, &protected);
            }
        }
    }
}
