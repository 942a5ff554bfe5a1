//! Text as the gate compares it.

use unicode_normalization::UnicodeNormalization;

/// NFKC, lower case, every run of white space and punctuation as one space. A text without a letter or digit keeps its
/// punctuation.
pub fn plain(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<_> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { folded } else { words.join(" ") }
}
