//! Shortens a text by dropping filler words.
//!
//! **Invariant:** the result keeps the order of the words and adds none but the shorter forms of [`SHORTER`]. It is never longer
//! than the text and never empty.

use std::ops::Range;

/// Phrases and their shorter forms. A phrase that begins another comes after it.
const SHORTER: [(&str, &str); 22] = [
    ("it is important that you", ""),
    ("it is important to", ""),
    ("make sure that you", ""),
    ("make sure to", ""),
    ("be sure to", ""),
    ("due to the fact that", "because"),
    ("in the event that", "if"),
    ("in order to", "to"),
    ("with regard to", "about"),
    ("a large number of", "many"),
    ("at this point in time", "now"),
    ("your task is to", ""),
    ("your job is to", ""),
    ("you should", ""),
    ("as well as", "and"),
    ("please", ""),
    ("kindly", ""),
    ("carefully", ""),
    ("basically", ""),
    ("actually", ""),
    ("simply", ""),
    ("very", ""),
];

/// The text in fewer words.
pub(crate) fn terse(text: &str) -> String {
    let mut now = text.to_owned();
    for (long, short) in SHORTER {
        while let Some(at) = find(&now, long) {
            now = replaced(&now, at..at + long.len(), short);
        }
    }
    if now.chars().any(char::is_alphanumeric) { now } else { text.to_owned() }
}

/// The place of a phrase in a text, as whole words and in any case.
fn find(text: &str, phrase: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let bounds = |at: usize| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + phrase.len()..].chars().next();
        ![before, after].into_iter().flatten().any(|c| c.is_alphanumeric() || c == '-' || c == '\'')
    };
    lower.match_indices(phrase).map(|(at, _)| at).find(|&at| bounds(at))
}

/// The text with a part replaced, with one space between words, and with the capital of the part kept.
fn replaced(text: &str, part: Range<usize>, short: &str) -> String {
    let before = &text[..part.start];
    let after = &text[part.end..];
    let capital = text[part.start..].starts_with(|c: char| c.is_uppercase());
    let rest = if short.is_empty() {
        after.trim_start_matches([' ', ',']).to_owned()
    } else {
        format!("{short}{after}")
    };
    let mut chars = rest.chars();
    let first =
        chars.next().map(|first| if capital { first.to_uppercase().to_string() } else { first.to_string() });
    let rest = first.unwrap_or_default() + chars.as_str();
    if rest.starts_with(['.', '!', '?', ';', ':', '\n']) {
        return format!("{}{rest}", before.trim_end_matches([' ', ',']));
    }
    format!("{before}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fillers_go_and_the_meaning_stays() {
        for (long, short) in [
            ("Please read the message carefully.", "Read the message."),
            ("In order to route it, you should read it.", "To route it, read it."),
            ("Make sure to answer with a team, please.", "Answer with a team."),
            ("Your task is to sort, please!", "Sort!"),
            ("The well-carefully kept displeasure.", "The well-carefully kept displeasure."),
            ("Please", "Please"),
        ] {
            assert_eq!(terse(long), short);
        }
    }

    proptest! {
        #[test]
        fn the_result_is_shorter_and_stable(words in prop::collection::vec("please|very|read|it|é|,|in order to|\\.|\n", 0..12)) {
            let text = words.join(" ");
            let once = terse(&text);
            prop_assert!(once.len() <= text.len());
            prop_assert_eq!(terse(&once), once);
        }
    }
}
