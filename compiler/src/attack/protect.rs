//! Protected spans: what a light edit may never touch, because the right answer may hang on it: numbers, dates, links,
//! addresses, quoted text, code, names, negations, label words and field names (gate.md, section 5.1).

use std::{collections::BTreeSet, ops::Range};

/// Words of the task that no family may touch.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    words: BTreeSet<String>,
}

/// Words that turn a meaning round, in the languages that support messages are often written in.
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

    /// The byte ranges of words that a light edit may change: at least four letters, all lower case, nothing else in
    /// them, outside of quotes and code.
    pub fn editable(&self, text: &str) -> Vec<Range<usize>> {
        words(text).into_iter().filter(|word| self.may_edit(text, word)).collect()
    }

    /// The protected words of a text in order: all that [`Protected::editable`] leaves out.
    pub fn untouchable<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let protected = words(text).into_iter().filter(|word| !self.may_edit(text, word));
        protected.map(|word| &text[word]).filter(|word| word.chars().any(char::is_alphanumeric)).collect()
    }

    /// Whether a protected word stands in the text.
    pub fn mentions(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        words.any(|word| self.words.contains(word))
    }

    /// The protected words that stand in the text.
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

/// The numbers and negations of a text, sorted: what must be the same before and after a rule.
pub(super) fn meaning(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let weighs = |word: &&str| negates(word) || word.chars().any(|c| c.is_ascii_digit());
    let mut found: Vec<_> = words.filter(weighs).map(str::to_owned).collect();
    found.sort();
    found
}

/// Whether a word, in lower case, turns a meaning round.
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

/// Whether a place stands behind an odd number of double quotes or backticks.
pub(super) fn inside_quotes(text: &str, at: usize) -> bool {
    let odd = |quote: char| text[..at].matches(quote).count() % 2 == 1;
    odd('"') || odd('`') || text[..at].matches('“').count() > text[..at].matches('”').count()
}

#[cfg(test)]
mod tests {
    use super::*;

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
