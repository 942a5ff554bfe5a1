//! Phrases: an instruction as pieces that can be deleted, swapped and added (GrIPS, Prasad et al. 2023,
//! arXiv:2203.07281, section 3, with clause boundaries instead of a constituency parse).
//!
//! **Invariant:** the concatenated pieces of a text are the text. Edited texts have tidy spaces and capitals, and end like a
//! sentence.

/// Splits a text after sentence ends, clause commas, colons, semicolons and line ends.
pub fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let ends = c == '\n'
            || matches!(c, '.' | '!' | '?' | ';' | ':' | ',')
                && chars.peek().is_some_and(|(_, next)| next.is_whitespace());
        if ends {
            while chars.next_if(|(_, next)| next.is_whitespace()).is_some() {}
            let end = chars.peek().map_or(text.len(), |(at, _)| *at);
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// Joins phrases: with one space or the line end of a phrase between them, a capital at the beginning, and a full stop instead
/// of a comma at the end.
pub fn join<S: AsRef<str>>(phrases: &[S]) -> String {
    let mut text = String::new();
    for phrase in phrases.iter().map(AsRef::as_ref) {
        let body = phrase.trim();
        if body.is_empty() {
            continue;
        }
        if text.ends_with(['.', '!', '?']) {
            text.push(' ');
            push_capitalized(&mut text, body);
        } else if text.is_empty() || text.ends_with('\n') {
            push_capitalized(&mut text, body);
        } else {
            text.push(' ');
            text.push_str(body);
        }
        if phrase.contains('\n') {
            text.push('\n');
        }
    }
    let kept = text.trim_end_matches([',', ';', ':', ' ', '\n']).len();
    text.truncate(kept);
    if text.ends_with(|c: char| c.is_alphanumeric()) {
        text.push('.');
    }
    text
}

/// A text with a sentence added at the end.
pub fn with_sentence(text: &str, sentence: &str) -> String {
    let text = text.trim_end();
    if text.is_empty() { sentence.to_owned() } else { format!("{text} {sentence}") }
}

fn push_capitalized(text: &mut String, body: &str) {
    let mut chars = body.chars();
    text.extend(chars.next().into_iter().flat_map(char::to_uppercase));
    text.push_str(chars.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_pieces_make_up_the_text(text in "[a-zé.,;:!? \n]{0,60}") {
            prop_assert_eq!(split(&text).concat(), text);
        }

        #[test]
        fn joining_is_stable(text in "[a-zé.,;:!? \n]{0,60}") {
            let once = join(&split(&text));
            prop_assert_eq!(join(&split(&once)), once);
        }
    }

    #[test]
    fn clauses_and_lines_are_pieces() {
        let text = "Read it, then decide: is it 3.5 or not?\nBe brief.";
        assert_eq!(split(text), ["Read it, ", "then decide: ", "is it 3.5 or not?\n", "Be brief."]);
    }

    #[test]
    fn edits_read_like_text() {
        let phrases = split("Read the message, then route it. Be brief.");
        assert_eq!(join(&phrases[..1]), "Read the message.");
        assert_eq!(join(&phrases[1..]), "Then route it. Be brief.");
        assert_eq!(join(&[phrases[2], phrases[0]]), "Be brief. Read the message.");
        assert_eq!(join::<&str>(&[]), "");
    }
}
