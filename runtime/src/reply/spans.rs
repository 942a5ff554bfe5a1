//! The places of JSON in a reply: fenced blocks and balanced brackets.

use std::ops::Range;

/// Brackets found in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Brackets {
    /// Outermost balanced pairs, in order.
    pub(super) balanced: Vec<Range<usize>>,
    /// The place of the first bracket that is never closed.
    pub(super) unclosed: Option<usize>,
}

/// The contents of blocks fenced by lines that start with three backticks, in order. A block that is never closed ends
/// with the text.
pub(super) fn fenced(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            match start.take() {
                Some(from) => blocks.push(&text[from..at]),
                None => start = Some(at + line.len()),
            }
        }
        at += line.len();
    }
    blocks.extend(start.map(|from| &text[from..]));
    blocks
}

/// Finds brackets in one pass over the text. Double quotes hide brackets only inside other brackets, because quotes in
/// prose hide nothing.
pub(super) fn brackets(text: &str) -> Brackets {
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut pairs: Vec<Range<usize>> = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !open.is_empty() => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => open.push((at, byte)),
            b'}' | b']' => {
                let wanted = if byte == b'}' { b'{' } else { b'[' };
                if let Some((start, _)) = open.pop_if(|(_, opener)| *opener == wanted) {
                    while pairs.pop_if(|inner| inner.start > start).is_some() {}
                    pairs.push(start..at + 1);
                }
            }
            _ => {}
        }
    }
    Brackets { balanced: pairs, unclosed: open.first().map(|(at, _)| *at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_paired_outside_of_strings() {
        let text = r#"set {x} gives {"a": "}"} and [1, [2]]"#;
        let found = brackets(text);
        let texts: Vec<_> = found.balanced.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!((texts, found.unclosed), (vec!["{x}", r#"{"a": "}"}"#, "[1, [2]]"], None));
    }

    #[test]
    fn an_unclosed_bracket_does_not_hide_what_follows() {
        let found = brackets("smile :-[ then {\"a\": 1} and []");
        assert_eq!((found.balanced, found.unclosed), (vec![15..23, 28..30], Some(8)));
    }

    #[test]
    fn fences_need_their_own_line() {
        assert_eq!(fenced("a\n```json\n{}\n```\nb ``` c\n```\n[]"), ["{}\n", "[]"]);
    }
}
