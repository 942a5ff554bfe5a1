//! Reads a proposer's reply: texts between fences, in a list, in quotes, in JSON, or bare, with chatter around them and
//! reasoning before them. `dialogues.jsonl` has a reply of every form with the texts that are read from it.
//!
//! **Invariant:** the chatter around a text never becomes part of it. A fence without an end (a reply that was cut off)
//! gives no text: half an instruction is worse than none.

use proofmark_runtime::reply::without_reasoning;
use serde_json::Value as Json;

/// The greatest length of a text, in characters.
const LONGEST: usize = 6_000;
/// The marks of a fence.
const FENCES: [&str; 2] = ["```", "~~~"];
/// The beginnings of paragraphs that talk to the user.
const CHATTER: [&str; 14] = [
    "sure",
    "certainly",
    "of course",
    "okay",
    "ok,",
    "here is",
    "here's",
    "here are",
    "i ",
    "i'",
    "let me know",
    "hope this",
    "feel free",
    "would you like",
];
/// The labels that models put before a text.
const LABELS: [&str; 6] =
    ["new instruction", "improved instruction", "revised instruction", "instruction", "new prompt", "prompt"];
/// The pairs of marks that models put around a whole text.
const QUOTES: [(&str, &str); 5] =
    [("**", "**"), ("\"", "\""), ("\u{201c}", "\u{201d}"), ("`", "`"), ("'", "'")];

/// The texts of a reply in their order, at most `most`. If one is wanted and several are fenced, the last one is taken:
/// models put drafts first.
pub(super) fn texts(reply: &str, most: usize) -> Vec<String> {
    let Ok((reply, _)) = without_reasoning(reply, &[]) else { return Vec::new() };
    let mut found = json(reply).unwrap_or_else(|| marked(reply, most));
    if let [only] = found.as_slice() {
        found = json(only).unwrap_or(found);
    }
    if most == 1 {
        found.drain(..found.len().saturating_sub(1));
    }
    let mut texts: Vec<String> = found.iter().filter_map(|text| clean(text)).collect();
    texts.truncate(most);
    texts
}

/// The texts between marks of any kind, or the bare text.
fn marked(reply: &str, most: usize) -> Vec<String> {
    let fenced = FENCES.iter().find(|fence| reply.contains(**fence));
    let mut found = match fenced {
        Some(fence) => between(reply, fence),
        None if most > 1 => items(reply),
        None => Vec::new(),
    };
    if let [only] = found.as_slice()
        && most > 1
    {
        let inside = items(only);
        found = if inside.len() > 1 { inside } else { found };
    }
    if found.is_empty() && fenced.is_none() {
        found.extend(bare(reply));
    }
    found
}

/// The texts of a JSON list, or of an object with a single field; none for any other text.
fn json(text: &str) -> Option<Vec<String>> {
    let text_of = |json: Json| json.as_str().map(str::to_owned);
    let inside = match serde_json::from_str(text.trim()).ok()? {
        Json::Object(fields) if fields.len() == 1 => fields.into_iter().next()?.1,
        other => other,
    };
    match inside {
        Json::Array(items) => items.into_iter().map(text_of).collect(),
        one => text_of(one).map(|text| vec![text]),
    }
}

/// The blocks between pairs of fence lines. A word right after the first fence names a language. A fence with a language
/// inside a block, such as a format that an instruction shows, belongs to the block together with its end.
fn between(reply: &str, fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    let mut inner = false;
    for line in reply.lines() {
        let mark = line.trim().strip_prefix(fence);
        match (mark, open.take()) {
            // A whole text on one line: ```like this```
            (Some(rest), None) => match rest.strip_suffix(fence) {
                Some(inside) => blocks.push(inside.to_owned()),
                None => open = Some(if rest.contains(' ') { vec![rest] } else { Vec::new() }),
            },
            (Some(rest), Some(mut lines)) if inner || !rest.is_empty() => {
                inner = !inner;
                lines.push(line);
                open = Some(lines);
            }
            (Some(_), Some(lines)) => blocks.push(lines.join("\n")),
            (None, Some(mut lines)) => match line.trim_end().strip_suffix(fence) {
                Some(last) => {
                    lines.push(last);
                    blocks.push(lines.join("\n"));
                }
                None => {
                    lines.push(line);
                    open = Some(lines);
                }
            },
            (None, None) => {}
        }
    }
    blocks
}

/// The items of a list with numbers or bullets. The lines after an item belong to it until a blank line.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(item) = item(line.trim()) {
            items.push(item.to_owned());
            open = true;
        } else if line.trim().is_empty() {
            open = false;
        } else if let Some(last) = items.last_mut().filter(|_| open) {
            last.push(' ');
            last.push_str(line.trim());
        }
    }
    items
}

/// The text after the mark of a list item.
fn item(line: &str) -> Option<&str> {
    let bullet = ["- ", "* ", "\u{2022} "].iter().find_map(|mark| line.strip_prefix(mark));
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = || {
        let rest = &line[digits..];
        let rest =
            rest.strip_prefix('.').or_else(|| rest.strip_prefix(')')).or_else(|| rest.strip_prefix(':'));
        rest.filter(|_| (1..=2).contains(&digits))
    };
    bullet.or_else(numbered).map(str::trim).filter(|item| !item.is_empty())
}

/// A text without any mark: all paragraphs except introductions and chatter.
fn bare(reply: &str) -> Option<String> {
    let paragraphs: Vec<&str> = reply.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).collect();
    let mut kept: Vec<String> = Vec::new();
    for paragraph in paragraphs {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        let introduces = first.trim_end().ends_with(':') && kept.is_empty();
        let body = if introduces { rest.trim() } else { paragraph };
        let lower = body.to_lowercase();
        if !body.is_empty() && !CHATTER.iter().any(|start| lower.starts_with(start)) {
            kept.push(body.to_owned());
        }
    }
    (!kept.is_empty()).then(|| kept.join("\n\n"))
}

/// The text without labels and marks around it; none if it has no letters or is longer than [`LONGEST`].
fn clean(text: &str) -> Option<String> {
    let mut text = text.trim();
    loop {
        let before = text;
        for (open, close) in QUOTES {
            let inside = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            text = inside.filter(|inside| !inside.contains(open)).map_or(text, str::trim);
        }
        text = unlabelled(text).unwrap_or(text);
        if text == before {
            break;
        }
    }
    let wordy = text.chars().any(char::is_alphabetic) && text.chars().count() <= LONGEST;
    wordy.then(|| text.to_owned())
}

/// The text after a label, bold or not.
fn unlabelled(text: &str) -> Option<&str> {
    let text = text.strip_prefix("**").unwrap_or(text);
    LABELS.iter().find_map(|label| {
        let head = text.get(..label.len()).filter(|head| head.eq_ignore_ascii_case(label))?;
        let rest = text[head.len()..].strip_prefix(':')?;
        Some(rest.strip_prefix("**").unwrap_or(rest).trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_text_is_found_in_every_wrapping() {
        let wrapped = [
            "```\nRoute it.\n```",
            "Let me think: it fails on\n```\nsome draft\n```\nBetter:\n```text\nRoute it.\n```\nHope this helps!",
            "Sure! Here is the new instruction:\n\n\"Route it.\"\n\nLet me know if you want changes.",
            "Instruction: Route it.",
            "**New instruction:** Route it.",
            "Here you go:\nRoute it.",
            "~~~\nRoute it.\n~~~",
            "```Route it.```",
            "Route it.",
            "\u{201c}Route it.\u{201d}",
        ];
        for reply in wrapped {
            assert_eq!(texts(reply, 1), ["Route it."], "{reply}");
        }
    }

    #[test]
    fn a_block_may_show_a_format() {
        let inside = "Answer like this:\n```json\n{}\n```\nand in no other way.";
        assert_eq!(texts(&format!("Here:\n```\n{inside}\n```\n"), 1), [inside]);
        assert!(texts(&format!("```\n{inside}"), 1).is_empty(), "cut off");
    }

    #[test]
    fn lists_are_read_item_by_item() {
        let expected = ["First of all.", "Second, with more.", "Third."];
        let numbered =
            "Here are some:\n1. First of all.\n2) Second,\n   with more.\n\n3. \"Third.\"\n\nDone.";
        assert_eq!(texts(numbered, 5), expected);
        assert_eq!(texts(numbered, 2), expected[..2]);
        assert_eq!(texts("- First of all.\n- Second, with more.\n- Third.", 5), expected);
        assert_eq!(
            texts(&format!("```\n{}\n```", "1. First of all.\n2. Second, with more.\n3. Third."), 5),
            expected
        );
        let fenced = "```\nFirst of all.\n```\nand\n```\nSecond, with more.\n```\n```\nThird.\n```";
        assert_eq!(texts(fenced, 5), expected);
    }

    #[test]
    fn a_reply_without_text_gives_none() {
        for reply in
            ["", "   ", "```\n```", "```\ncut off in the mid", "\"\"", "Sure, I can do that!", "...", "1."]
        {
            assert_eq!(texts(reply, 1), Vec::<String>::new(), "{reply}");
        }
        assert!(texts(&"word ".repeat(5_000), 1).is_empty());
    }

    proptest! {
        #[test]
        fn a_fenced_text_comes_back(text in "[A-Za-z][a-zé ,.\n]{0,80}[.]", chatter in "[A-Za-z :!\n]{0,40}") {
            let reply = format!("{chatter}\n```\n{text}\n```\n{chatter}");
            prop_assert_eq!(texts(&reply, 1), vec![text]);
        }

        #[test]
        fn no_reply_panics(reply in "\\PC{0,80}", most in 1usize..4) {
            prop_assert!(texts(&reply, most).len() <= most);
        }

        #[test]
        fn no_order_of_marks_panics(parts in prop::collection::vec("```|~~~|\n|1\\.|- |\"|a b|\\*\\*|:|prompt:|é", 0..20)) {
            for text in texts(&parts.concat(), 3) {
                prop_assert!(text.chars().any(char::is_alphanumeric));
            }
        }
    }
}
