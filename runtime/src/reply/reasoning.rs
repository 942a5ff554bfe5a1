//! Reasoning blocks that some models write before their answer.

use super::{Action, Reading, Repair, ReplyError};

/// The names of the tags that open models use.
const TAGS: [&str; 5] = ["think", "thinking", "thought", "reasoning", "reflection"];

/// The reply without the reasoning blocks at its start, and whether there were any.
///
/// Only blocks in front of the answer are cut: a tag inside an answer belongs to the answer. Some chat templates write the
/// opening tag into the prompt, so a closing tag without an opening one, on a line of its own, also ends a block. `known`
/// tags are fields of the reply and stay.
///
/// # Errors
/// [`ReplyError::OnlyReasoning`] if a block is never closed, [`ReplyError::Empty`] if nothing is left.
pub fn without_reasoning<'a>(text: &'a str, known: &[&str]) -> Result<(&'a str, bool), ReplyError> {
    let whole = text.trim();
    let mut rest = whole;
    for tag in TAGS.into_iter().filter(|tag| !known.contains(tag)) {
        rest = after_unopened(rest, tag);
    }
    while let Some(tag) =
        TAGS.into_iter().find(|tag| !known.contains(tag) && rest.starts_with(&format!("<{tag}>")))
    {
        let close = format!("</{tag}>");
        let end = rest.find(&close).ok_or(ReplyError::OnlyReasoning)?;
        rest = rest[end + close.len()..].trim_start();
    }
    if rest.is_empty() { Err(ReplyError::Empty) } else { Ok((rest, rest.len() < whole.len())) }
}

/// Reads the reply after its reasoning, and records the cut as a repair.
///
/// # Errors
/// As [`without_reasoning`], and as `read`.
pub(crate) fn past_reasoning(
    text: &str,
    known: &[&str],
    read: impl FnOnce(&str) -> Result<Reading, ReplyError>,
) -> Result<Reading, ReplyError> {
    let (text, cut) = without_reasoning(text, known)?;
    let mut reading = read(text)?;
    if cut {
        reading.repairs.insert(0, Repair::new("", Action::CutReasoning));
    }
    Ok(reading)
}

/// The text after the line that closes a block that the text never opens.
fn after_unopened<'a>(text: &'a str, tag: &str) -> &'a str {
    let open = format!("<{tag}>");
    let close = format!("</{tag}>");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.contains(&open) {
            break;
        }
        if line.trim() == close {
            return text[at..].trim_start();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_front_are_cut_and_others_stay() {
        let cut = |text| without_reasoning(text, &[]).map(|(rest, _)| rest);
        assert_eq!(cut("<think>maybe 1?</think>\n2"), Ok("2"));
        assert_eq!(cut("<think>a</think> <reasoning>b</reasoning> 2"), Ok("2"));
        assert_eq!(cut("the template opened it\n</think>\n\n2"), Ok("2"));
        assert_eq!(cut("Write <think>x</think> first"), Ok("Write <think>x</think> first"));
        assert_eq!(cut("a </think> in an answer"), Ok("a </think> in an answer"));
        assert_eq!(cut("<think>never ends"), Err(ReplyError::OnlyReasoning));
        assert_eq!(cut("<think>x</think>  "), Err(ReplyError::Empty));
        assert_eq!(cut(" \n"), Err(ReplyError::Empty));
    }

    #[test]
    fn tags_that_are_fields_stay() {
        let text = "<reasoning>because</reasoning><answer>2</answer>";
        assert_eq!(without_reasoning(text, &["reasoning"]), Ok((text, false)));
    }
}
