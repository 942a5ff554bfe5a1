//! A JSON reader for the mistakes of models: single or curly quotes, bare keys and words, comments, missing or superfluous
//! commas, quotes inside strings, missing ends.
//!
//! **Invariant:** the reader is iterative with at most [`DEPTH`] open brackets, linear in the text, and invents nothing: a
//! key without a value is dropped, a value without a key makes the text unreadable.

use serde_json::{Map, Value as Json};

/// The largest number of open brackets, as in `serde_json`.
pub(super) const DEPTH: usize = 128;

/// The reach of the search for the end of a key, in bytes.
const KEY_REACH: usize = 64;

/// The text that models write for items that they leave out.
const ELLIPSIS: &str = "...";

/// A bracket that is still open.
enum OpenBracket {
    List(Vec<Json>),
    /// The fields so far and the key that waits for its value.
    Object(Map<String, Json>, Option<String>),
}

/// The role of a string, which decides where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StringRole {
    Key,
    Field,
    Item,
}

/// Reads the value that starts with the text's first bracket and ends with its partner or with the text.
pub(super) fn parse(text: &str) -> Option<Json> {
    let mut reader = JsonReader { rest: text };
    let mut open: Vec<OpenBracket> = Vec::new();
    loop {
        reader.skip_blank();
        let room = open.len() < DEPTH;
        match (reader.peek(), open.last_mut()) {
            (Some('{' | '['), Some(OpenBracket::Object(_, None))) => return None,
            (Some(bracket @ ('{' | '[')), _) if room => {
                reader.bump();
                open.push(match bracket {
                    '{' => OpenBracket::Object(Map::new(), None),
                    _ => OpenBracket::List(Vec::new()),
                });
            }
            (Some('{' | '['), _) | (_, None) => return None,
            (None, _) => return close_all(open),
            (Some(bracket @ ('}' | ']')), _) => {
                reader.bump();
                if let Some(done) = close(&mut open, bracket) {
                    return Some(done);
                }
            }
            (Some(','), Some(frame)) => {
                reader.bump();
                if let OpenBracket::Object(_, key) = frame {
                    *key = None;
                }
            }
            (_, Some(OpenBracket::List(items))) => {
                let item = reader.value(StringRole::Item)?;
                if item != ELLIPSIS {
                    items.push(item);
                }
            }
            (_, Some(OpenBracket::Object(fields, key))) => match key.take() {
                None => *key = Some(reader.key()?),
                Some(name) => {
                    fields.insert(name, reader.value(StringRole::Field)?);
                }
            },
        }
    }
}

/// Closes the innermost bracket of that kind and all brackets inside it. Returns the whole value if nothing stays open. A
/// closing bracket without a partner is ignored.
fn close(open: &mut Vec<OpenBracket>, bracket: char) -> Option<Json> {
    let partner =
        open.iter().rposition(|frame| matches!(frame, OpenBracket::Object(..)) == (bracket == '}'))?;
    while open.len() > partner {
        if let Some(done) = close_one(open) {
            return Some(done);
        }
    }
    None
}

fn close_all(mut open: Vec<OpenBracket>) -> Option<Json> {
    while !open.is_empty() {
        if let Some(done) = close_one(&mut open) {
            return Some(done);
        }
    }
    None
}

/// Closes the innermost bracket and adds its value to the one around it. Returns the value if there is none around it.
fn close_one(open: &mut Vec<OpenBracket>) -> Option<Json> {
    let done = match open.pop()? {
        OpenBracket::List(items) => Json::Array(items),
        OpenBracket::Object(fields, _) => Json::Object(fields),
    };
    match open.last_mut() {
        None => return Some(done),
        Some(OpenBracket::List(items)) => items.push(done),
        Some(OpenBracket::Object(fields, key)) => {
            if let Some(name) = key.take() {
                fields.insert(name, done);
            }
        }
    }
    None
}

/// The rest of the text.
struct JsonReader<'a> {
    rest: &'a str,
}

impl<'a> JsonReader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = if self.rest.starts_with("//") || self.rest.starts_with('#') {
                self.rest.find('\n')
            } else if self.rest.starts_with("/*") {
                self.rest.find("*/").map(|at| at + 2)
            } else {
                return;
            };
            self.take(end.unwrap_or(self.rest.len()));
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<String> {
        let key = match self.quote() {
            Some(end) => self.string(end, StringRole::Key),
            None => {
                let end = self.rest.find([':', '=', ',', '{', '}', '[', ']', '"', '\n'])?;
                self.take(end).trim().to_owned()
            }
        };
        self.skip_blank();
        let colon = ["=>", ":", "="].into_iter().find(|colon| self.rest.starts_with(colon))?;
        self.take(colon.len());
        (!key.is_empty()).then_some(key)
    }

    fn value(&mut self, place: StringRole) -> Option<Json> {
        match self.quote() {
            Some(end) => Some(Json::String(self.string(end, place))),
            None => self.bare(),
        }
    }

    /// Takes an opening quote and returns its closing one.
    fn quote(&mut self) -> Option<char> {
        let close = match self.peek()? {
            quote @ ('"' | '\'' | '`') => quote,
            '“' | '„' => '”',
            '‘' => '’',
            _ => return None,
        };
        self.bump();
        Some(close)
    }

    /// The rest of a string whose opening quote is taken. A string that never ends loses the brackets at its end, which
    /// were meant to close the value.
    fn string(&mut self, quote: char, place: StringRole) -> String {
        let mut text = String::new();
        while let Some(next) = self.bump() {
            match next {
                '\\' => self.escape(&mut text),
                _ if next == quote && self.ends(place) => return text,
                _ => text.push(next),
            }
        }
        let closed = text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '}' | ']' | '`'));
        if text[closed.len()..].contains(['}', ']']) {
            text.truncate(closed.len());
        }
        text
    }

    /// Reads one escape whose backslash is taken. An escape that JSON does not have stays as written.
    fn escape(&mut self, text: &mut String) {
        match self.bump() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('u') => text.push(self.unicode().unwrap_or(char::REPLACEMENT_CHARACTER)),
            Some(plain @ ('"' | '\'' | '\\' | '/' | '`')) => text.push(plain),
            Some(other) => text.extend(['\\', other]),
            None => {}
        }
    }

    /// The digits of a `\u` escape, with those of its surrogate partner.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let second = self.hex()?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second.checked_sub(0xdc00)?)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        self.take(4);
        Some(number)
    }

    /// Whether the quote that was just taken ends its string, by the text after it.
    fn ends(&self, place: StringRole) -> bool {
        let after = self.rest.trim_start();
        let blank = after.len() < self.rest.len();
        match (after.chars().next(), place) {
            (None, _) => true,
            (Some(':' | '='), _) => place == StringRole::Key,
            (Some('}' | ']'), _) | (Some(','), StringRole::Item | StringRole::Key) => true,
            (Some(','), StringRole::Field) => starts_next_field(after[1..].trim_start()),
            (Some('"' | '\'' | '“'), StringRole::Item) => blank,
            (Some('/'), _) => after.starts_with("//") || after.starts_with("/*"),
            (Some('"'), StringRole::Field) => starts_with_key(after),
            (Some(_), StringRole::Field) => blank && starts_with_key(after),
            _ => false,
        }
    }

    /// A word without quotes: a literal, a number or text.
    fn bare(&mut self) -> Option<Json> {
        let end = self.rest.find([',', '}', ']', '\n']).unwrap_or(self.rest.len());
        let end = [" //", " #"].iter().filter_map(|mark| self.rest[..end].find(mark)).fold(end, usize::min);
        let word = self.take(end).trim();
        Some(match word.to_ascii_lowercase().as_str() {
            "" => return None,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "null" | "none" | "undefined" => Json::Null,
            _ => number(word).unwrap_or_else(|| Json::String(word.to_owned())),
        })
    }
}

/// Whether the text after a comma is the next field or the end, not more of the string.
fn starts_next_field(text: &str) -> bool {
    text.is_empty() || text.starts_with(['}', '"', '\'', '“', '/', '#']) || starts_with_key(text)
}

/// Whether a text starts with a key and its colon, within [`KEY_REACH`] bytes.
fn starts_with_key(text: &str) -> bool {
    let reach = text.floor_char_boundary(KEY_REACH);
    let key = text[..reach].find(':').map(|at| text[..at].trim_end());
    key.is_some_and(|key| {
        let bare = key.trim_matches(['"', '\'', '“', '”', '`']);
        !bare.is_empty() && bare.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'))
    })
}

fn number(word: &str) -> Option<Json> {
    if let Ok(number) = serde_json::from_str::<serde_json::Number>(word) {
        return Some(Json::Number(number));
    }
    let numeric = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let number: f64 = word.parse().ok().filter(|_| numeric)?;
    serde_json::Number::from_f64(number).map(Json::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_of_models_are_read() {
        let cases = [
            (r#"{'a': 'it''s', b: True,}"#, json!({"a": "it''s", "b": true})),
            (r#"{"q": "he said "hi" to me", "n": 2}"#, json!({"q": "he said \"hi\" to me", "n": 2})),
            (r#"{"q": "one", he said", "n": 2}"#, json!({"q": "one\", he said", "n": 2})),
            (
                "{\"a\": 1 // one\n \"b\": \"x\" \"c\": [1 \"y\" .5]}",
                json!({"a": 1, "b": "x", "c": ["1 \"y\" .5"]}),
            ),
            ("{“a”: “x”, /* no */ \"b\": None}", json!({"a": "x", "b": null})),
            (r#"{"a": ["x", {"b": "cut of"#, json!({"a": ["x", {"b": "cut of"}]})),
            (
                r#"{"a": "line
break", "b": \"no\"}"#,
                json!({"a": "line\nbreak", "b": "\\\"no\\\""}),
            ),
            (
                r#"{"a": "said.""b": [1, ..., 2], "c": "no quote}"#,
                json!({"a": "said.", "b": [1, 2], "c": "no quote"}),
            ),
            (r#"{"a": "\ud83d\ude00 \d", "b": [1, 2}"#, json!({"a": "😀 \\d", "b": [1, 2]})),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn nothing_is_invented() {
        assert_eq!(parse(r#"{"a": , "b": }"#), Some(json!({})));
        assert_eq!(parse(r#"{"a"#), None);
        assert_eq!(parse("{x, y}"), None);
        assert_eq!(parse("\"\""), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert_eq!(parse(&"[".repeat(20_000)), None);
        assert_eq!(parse(&"{\"a\":".repeat(20_000)), None);
        assert!(parse(&"[".repeat(DEPTH)).is_some());
    }
}
