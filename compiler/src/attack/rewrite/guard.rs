//! The rules for a rewriting that need no model: it is not empty, no refusal and no copy, and it has about the length of the row
//! and the same numbers, negations, names, links, quotes and label words. The rules are checked after writing and on every load.
//!
//! In another language words cannot be compared; only numbers, links and quotes are. If the right answer changes, the words that
//! decide it may change too: then the edits must be few, and no label word may be new.

use std::collections::BTreeSet;

use super::{
    super::{
        protect::{self, Protected},
        severity::edit_rate,
    },
    ways::Rewriting,
};
use crate::gate::text::plain;

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no text.
    #[error("there is no text")]
    Empty,
    /// It repeats the row.
    #[error("it repeats the row word for word")]
    Copied,
    /// It comments on the request, or has marks of a chat.
    #[error("it answers or comments instead of rewriting")]
    Chatter,
    /// It is far shorter or longer than the row.
    #[error("it is far shorter or longer")]
    Length,
    /// Its numbers differ.
    #[error("its numbers differ from those of the row")]
    Numbers,
    /// It has more or fewer negations.
    #[error("it has more or fewer negations")]
    Negations,
    /// A name, a link, a quote or code is missing.
    #[error("a name, a link or a quote is missing")]
    Spans,
    /// A word of the task's labels or fields is new or missing.
    #[error("a word of a label or field is new or missing")]
    Labels,
    /// More was changed than is needed to change the answer.
    #[error("more was changed than is needed to change the answer")]
    TooMuch,
}

/// A rewriting has a quarter to four times as many characters as the row, plus [`SLACK`].
const LENGTHS: usize = 4;
/// The additional characters that a rewriting may have, for short rows.
const SLACK: usize = 40;
/// Most edits for each character of the row, if the right answer changes.
const ANSWER_EDITS: f64 = 0.6;
/// The longest quote that must be kept word for word, in characters.
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
/// Phrases that a rewriting does not contain, unless the row does.
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
/// Marks that a rewriting does not contain, unless the row does.
const MARKS: &[&str] = &["<|", "|>", "```", "[INST]", "[["];

/// Checks one rewriting.
///
/// # Errors
/// The first fault.
pub(in crate::attack) fn check(
    rewriting: &Rewriting,
    original: &str,
    text: &str,
    protected: &Protected,
) -> Result<(), Fault> {
    let changes_answer = rewriting.changes_answer;
    let comparable = rewriting.same_language && !changes_answer;
    let old_words = words(original);
    let new_words = words(text);
    let old_labels = protected.mentioned(original);
    let new_labels = protected.mentioned(text);
    let labels_differ =
        if comparable { old_labels != new_labels } else { !new_labels.is_subset(&old_labels) };
    let rules = [
        (text.trim().is_empty(), Fault::Empty),
        (plain(original) == plain(text), Fault::Copied),
        (chatters(original, text), Fault::Chatter),
        (has_other_length(original, text), Fault::Length),
        (!changes_answer && numbers(&old_words) != numbers(&new_words), Fault::Numbers),
        (comparable && negations(&old_words) != negations(&new_words), Fault::Negations),
        (!changes_answer && spans(original).iter().any(|span| !text.contains(span)), Fault::Spans),
        (comparable && names(original).iter().any(|name| !mentions(&new_words, name)), Fault::Spans),
        (labels_differ, Fault::Labels),
        (changes_answer && edit_rate(original, text) > ANSWER_EDITS, Fault::TooMuch),
    ];
    rules.into_iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, fault)| Err(fault))
}

/// Whether a rewriting is far shorter or longer than the row.
fn has_other_length(original: &str, text: &str) -> bool {
    let old = original.chars().count();
    let new = text.chars().count();
    new * LENGTHS < old || new > LENGTHS * old + SLACK
}

/// The parts of a text that its rewriting must repeat, for the prompt of the writer: as written, in order, each once.
pub(super) fn kept(rewriting: &Rewriting, text: &str, protected: &Protected) -> Vec<String> {
    if rewriting.changes_answer {
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

/// Whether all words of a name are among these words, in any case.
fn mentions(all: &[String], name: &str) -> bool {
    words(name).iter().all(|word| all.contains(word))
}

fn numbers(words: &[String]) -> Vec<&String> {
    let mut found: Vec<_> = words.iter().filter(|word| word.contains(|c: char| c.is_ascii_digit())).collect();
    found.sort();
    found
}

fn negations(words: &[String]) -> usize {
    words.iter().filter(|word| protect::negates(word)).count()
}

/// Links, addresses, quotes and code.
fn spans(text: &str) -> Vec<&str> {
    let link = |word: &&str| word.contains("://") || (word.contains('@') && word.contains('.'));
    let links = text.split_whitespace().map(bare).filter(link);
    let quoted = |quote: char| text.split(quote).skip(1).step_by(2);
    // Quotes without an end are ignored.
    let closed = |quote: char| text.matches(quote).count().is_multiple_of(2);
    let quotes = ['"', '`'].into_iter().filter(|quote| closed(*quote)).flat_map(quoted);
    let short = quotes.filter(|quote| !quote.trim().is_empty() && quote.chars().count() <= LONGEST_QUOTE);
    links.chain(short).collect()
}

/// Words with a capital inside a sentence; none if more than a quarter of the words have one, as in German or in headlines.
fn names(text: &str) -> Vec<&str> {
    let mut inside = 0;
    let mut found = vec![];
    let mut initial = true;
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

/// Whether a reply comments on the request, or has marks of a chat.
fn chatters(original: &str, text: &str) -> bool {
    let old = original.to_lowercase();
    let new = text.trim_start().to_lowercase().replace('\u{2019}', "'");
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
        check(find(family).unwrap(), original, text, &protected_words(["billing", "late parcel"])).err()
    }

    #[test]
    fn a_good_rewriting_passes_and_each_fault_is_found() {
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
    fn a_translation_keeps_numbers_links_and_quotes() {
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
    fn a_contrast_row_changes_few_words() {
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
    fn the_prompt_of_the_writer_lists_what_must_stay() {
        let kept = kept(
            find("paraphrase").unwrap(),
            "A parcel for Bo, 12 kg, see a@b.example",
            &protected_words(["parcel"]),
        );
        assert_eq!(kept, ["12", "a@b.example", "Bo", "parcel"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_checked(original in "\\PC{0,80}", text in "\\PC{0,80}") {
            for rewriting in super::super::ALL {
                let protected = protected_words(["billing"]);
                let _ = check(rewriting, &original, &text, &protected);
                prop_assert_eq!(check(rewriting, &original, &original, &protected).is_err(), true);
                kept(rewriting, &original, &protected);
            }
        }
    }
}
