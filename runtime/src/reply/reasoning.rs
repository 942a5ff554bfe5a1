//! Reasoning blocks that some models write before their answer.

use super::ReplyError;

/// Names of the tags, as open models write them.
const TAGS: [&str; 5] = ["think", "thinking", "thought", "reasoning", "reflection"];

/// The reply without the reasoning blocks at its start, and whether there were any.
///
/// Only what stands in front of the answer is cut: a tag inside an answer belongs to the answer. Some chat templates
/// write the opening tag into the prompt, so a closing tag without an opening one ends a block, too.
///
/// # Errors
/// [`ReplyError::OnlyReasoning`] if a block is never closed, [`ReplyError::Empty`] if nothing is left.
pub fn without_reasoning<'a>(text: &'a str, known: &[&str]) -> Result<(&'a str, bool), ReplyError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(ReplyError::Empty);
    }
    let start = rest;
    for tag in TAGS.into_iter().filter(|tag| !known.contains(tag)) {
        let close = format!("</{tag}>");
        if let (Some(end), false) = (rest.find(&close), rest.contains(&format!("<{tag}>"))) {
            rest = rest[end + close.len()..].trim_start();
        }
    }
    while let Some(tag) =
        TAGS.into_iter().find(|tag| !known.contains(tag) && rest.starts_with(&format!("<{tag}>")))
    {
        let close = format!("</{tag}>");
        let end = rest.find(&close).ok_or(ReplyError::OnlyReasoning)?;
        rest = rest[end + close.len()..].trim_start();
    }
    if rest.is_empty() { Err(ReplyError::Empty) } else { Ok((rest, rest.len() < start.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_front_are_cut_and_others_stay() {
        let cut = |text| without_reasoning(text, &[]).map(|(rest, _)| rest);
        assert_eq!(cut("<think>maybe 1?</think>\n2"), Ok("2"));
        assert_eq!(cut("<think>a</think> <reasoning>b</reasoning> 2"), Ok("2"));
        assert_eq!(cut("the template opened it</think>2"), Ok("2"));
        assert_eq!(cut("Write <think>x</think> first"), Ok("Write <think>x</think> first"));
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
