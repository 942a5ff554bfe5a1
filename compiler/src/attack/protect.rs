//! Protected spans: the parts of a text that a light edit must not change, because the right answer may depend on them: numbers,
//! dates, links, addresses, quoted text, code, names, negations, label words and field names.

use std::{collections::BTreeSet, ops::Range};

/// Words of the task that no family may change.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    words: BTreeSet<String>,
}

/// Words that negate a meaning, in the usual languages of support messages.
const NEGATIONS: &[&str] = &[
    "no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "without", "cannot", "nicht",
    "kein", "keine", "nie", "ohne", "nunca", "sin", "ningún", "jamais", "sans", "pas", "não", "sem", "non",
    "mai",
];

impl Protected {
    /// Protects these words, given in lower case.
    pub fn new(words: BTreeSet<String>) -> Self {
        Self { words }
    }

    /// The byte ranges of words that a light edit may change: at least four lower-case letters and no other characters, outside
    /// of quotes and code.
    pub fn editable(&self, text: &str) -> Vec<Range<usize>> {
        words(text).into_iter().filter(|word| self.may_edit(text, word)).collect()
    }

    /// The protected words of a text in order: all words that are not [`Protected::editable`].
    pub fn untouchable<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let protected = words(text).into_iter().filter(|word| !self.may_edit(text, word));
        protected.map(|word| &text[word]).filter(|word| word.chars().any(char::is_alphanumeric)).collect()
    }

    /// Whether the text has a protected word.
    pub fn mentions(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        words.any(|word| self.words.contains(word))
    }

    /// The protected words in the text.
    pub(super) fn mentioned(&self, text: &str) -> BTreeSet<&str> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        words.filter_map(|word| self.words.get(word).map(String::as_str)).collect()
    }

    fn may_edit(&self, text: &str, range: &Range<usize>) -> bool {
        let word = &text[range.clone()];
        let bare = word.trim_end_matches(['.', ',', '!', '?', ';', ':', ')', '…']).trim_start_matches('(');
        bare.chars().count() >= 4
            && bare.chars().all(|c| c.is_alphabetic() && c.is_lowercase())
            && !NEGATIONS.contains(&bare)
            && !self.words.iter().any(|protected| bare.starts_with(protected.as_str()))
            && !inside_quotes(text, range.start)
    }
}

/// The cardinal numbers from 0 on, the tens from 30 on, and the ordinal numbers from the first on.
const NUMBERS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                       sixteen seventeen eighteen nineteen twenty";
const TENS: &str = "thirty forty fifty sixty seventy eighty ninety";
const PLACES: &str = "first second third fourth fifth sixth seventh eighth ninth tenth";

/// The number that a lower-case word means, in digits if possible.
fn number(word: &str) -> Option<String> {
    let place = |list: &str| list.split(' ').position(|known| known == word);
    if let Some(place) = place(PLACES) {
        let ending = ["st", "nd", "rd"].get(place).unwrap_or(&"th");
        return Some(format!("{}{ending}", place + 1));
    }
    let counted = place(NUMBERS).or_else(|| place(TENS).map(|tens| 10 * (tens + 3)));
    let counted = counted.map(|number| number.to_string());
    counted.or_else(|| match word {
        "dozen" => Some("12".to_owned()),
        "hundred" => Some("100".to_owned()),
        "thousand" => Some("1000".to_owned()),
        "half" | "twice" => Some(word.to_owned()),
        _ => word.contains(|c: char| c.is_ascii_digit()).then(|| word.to_owned()),
    })
}

/// The numbers and negations of a text, sorted. They must be the same before and after a rule. A number in words equals the
/// number in digits.
pub(super) fn meaning(text: &str) -> Vec<String> {
    let relevant = |word: String| number(&word).or_else(|| negates(&word).then_some(word));
    let mut found: Vec<_> = each_word(text).filter_map(relevant).collect();
    found.sort();
    found
}

/// Whether a text has a negation.
pub(super) fn denies(text: &str) -> bool {
    each_word(text).any(|word| negates(&word))
}

/// The words of a text in lower case; an apostrophe belongs to its word.
fn each_word(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}'));
    words.map(|word| word.to_lowercase().replace('\u{2019}', "'").trim_matches('\'').to_owned())
}

/// Whether a lower-case word is a negation.
pub(super) fn negates(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.ends_with("n't")
}

/// The byte ranges between white space.
fn words(text: &str) -> Vec<Range<usize>> {
    let start = text.as_ptr() as usize;
    let range = |word: &str| {
        let from = word.as_ptr() as usize - start;
        from..from + word.len()
    };
    text.split_whitespace().map(range).collect()
}

/// Whether a position follows an odd number of double quotes or backticks.
pub(super) fn inside_quotes(text: &str, at: usize) -> bool {
    let odd = |quote: char| text[..at].matches(quote).count() % 2 == 1;
    odd('"') || odd('`') || text[..at].matches('“').count() > text[..at].matches('”').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_equal_numbers_in_digits() {
        let same =
            [("three", "3"), ("a dozen", "12"), ("the first", "the 1st"), ("more", "fewer"), ("", "car")];
        for (one, other) in same {
            assert_eq!(meaning(one), meaning(other), "{one} and {other}");
        }
        let unlike = [
            ("one", "seven"),
            ("Three", "four"),
            ("half", "twice"),
            ("thirty", "13"),
            ("tenth", "ten"),
            ("isn't", "is"),
        ];
        for (one, other) in unlike {
            assert_ne!(meaning(one), meaning(other), "{one} and {other}");
        }
    }

    #[test]
    fn only_plain_lower_case_words_may_be_edited() {
        let text =
            "please refund order A-17 (paid twice) from Berlin, not \"blue shoes\" see http://x.de today";
        let protected = Protected::new(["refund".to_owned()].into());
        let editable: Vec<_> = protected.editable(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(editable, ["please", "order", "(paid", "twice)", "from", "today"]);
        assert_eq!(
            protected.untouchable(text),
            ["refund", "A-17", "Berlin,", "not", "\"blue", "shoes\"", "see", "http://x.de"]
        );
    }
}
