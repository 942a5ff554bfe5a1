//! The plain form of a text, by which texts are compared.

use unicode_normalization::UnicodeNormalization;

/// NFKC, lower case, every run of white space and punctuation as one space. A text of nothing else stays as it is.
pub(crate) fn plain(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<_> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { folded } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_and_punctuation_do_not_count() {
        assert_eq!(plain("  Ｗhere's my\tORDER?! "), plain("where s my order"));
        assert_eq!(plain("?!"), "?!");
    }
}
