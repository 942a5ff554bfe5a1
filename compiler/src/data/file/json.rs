//! JSON lines, and JSON arrays of objects.

use serde_json::{Map, Value as Json};

use super::{DataError, File, line_of, not_text};

/// One object per line; blank lines are skipped.
pub(super) fn lines(file: &mut File, text: &[u8]) -> Result<(), DataError> {
    for (i, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some(problem) = not_text(line) {
            file.refuse(i + 1, problem);
            continue;
        }
        match serde_json::from_slice::<Json>(line) {
            Ok(Json::Object(cells)) => file.push(i + 1, cells),
            Ok(Json::Array(_)) if i == 0 => {
                let message = "this is a JSON array, not JSON lines: rename the file to .json";
                return Err(file.malformed(1, message));
            }
            Ok(other) => file.refuse(i + 1, format!("the row is {}, not an object", noun(&other))),
            Err(error) => file.refuse(i + 1, explain(&error, line.len())),
        }
    }
    Ok(())
}

/// An array of objects, or JSON lines with the wrong suffix.
pub(super) fn any(file: &mut File, text: &[u8]) -> Result<(), DataError> {
    match text.trim_ascii_start().first() {
        None => Ok(()),
        Some(b'[') => array(file, text),
        Some(b'{') if is_one_object(text) => {
            let message = "this is one JSON object, not an array of rows: [{ ... }, { ... }]";
            Err(file.malformed(1, message))
        }
        Some(_) => lines(file, text),
    }
}

const CUT_OFF: &str = "the JSON is cut off";

fn array(file: &mut File, text: &[u8]) -> Result<(), DataError> {
    if let Some(problem) = not_text(text) {
        let at = std::str::from_utf8(text).err().map(|error| error.valid_up_to());
        let at = at.or_else(|| text.iter().position(|byte| *byte == 0)).unwrap_or(0);
        return Err(file.malformed(line_of(text, at), problem));
    }
    let mut at = text.len() - text.trim_ascii_start().len() + 1;
    let mut first = true;
    // The lines up to `counted` are counted already.
    let mut line = 1;
    let mut counted = 0;
    loop {
        at += blank(&text[at..]);
        if !first && text.get(at) == Some(&b',') {
            at += 1;
            at += blank(&text[at..]);
        } else if text.get(at) == Some(&b']') {
            let rest = text[at + 1..].trim_ascii();
            let end = file.malformed(line_of(text, at + 1), "there is more after the end of the array");
            return if rest.is_empty() { Ok(()) } else { Err(end) };
        } else if !first {
            let message = if at < text.len() { "expected `,` or `]` after a row" } else { CUT_OFF };
            return Err(file.malformed(line_of(text, at), message));
        }
        line += text[counted..at].iter().filter(|byte| **byte == b'\n').count();
        counted = at;
        at += element(file, &text[at..], line)?;
        first = false;
    }
}

/// Reads one element of an array and returns its length in bytes.
fn element(file: &mut File, text: &[u8], line: usize) -> Result<usize, DataError> {
    if text.first() != Some(&b'{') {
        return Err(file.malformed(line, "a row of the array is not an object"));
    }
    let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<Map<String, Json>>();
    match stream.next() {
        Some(Ok(cells)) => {
            file.push(line, cells);
            Ok(stream.byte_offset())
        }
        Some(Err(error)) => {
            let message = explain(&error, text.len());
            Err(file.malformed(line + error.line().saturating_sub(1), message))
        }
        None => Err(file.malformed(line, CUT_OFF)),
    }
}

fn is_one_object(text: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Json>>(text).is_ok() && text.trim_ascii().contains(&b'\n')
}

/// The length of the white space that a text begins with.
fn blank(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn explain(error: &serde_json::Error, length: usize) -> String {
    if error.is_eof() {
        return CUT_OFF.into();
    }
    let full = error.to_string();
    let what = full.split(" at line ").next().unwrap_or(&full);
    format!("not JSON: {what} (at byte {} of {length})", error.column())
}

fn noun(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
