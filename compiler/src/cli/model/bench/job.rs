//! Routing jobs: prompts, rows and labels, read from a file or made from fixed words.

use std::path::Path;

use proofmark_runtime::model::{Message, Role};
use serde::Deserialize;

use crate::{cli::Failure, exit::Exit};

/// Rows to route under some prompts.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    pub(super) labels: Vec<String>,
    pub(super) items: Vec<Item>,
    pub(super) variants: Vec<Variant>,
}

/// A row.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) label: String,
}

/// A prompt around a row, written with `<|im_start|>ROLE`, a line break, the text and `<|im_end|>` (ChatML).
#[derive(Debug, Deserialize)]
pub(super) struct Variant {
    pub(super) name: String,
    prefix: String,
    suffix_pre: String,
    suffix_post: String,
}

const LABELS: [&str; 6] = ["payment", "delivery", "returns", "account", "technical fault", "feedback"];
const THINGS: [&str; 9] =
    ["lamp", "tea set", "blue jacket", "bicycle", "bookshelf", "headset", "kettle", "tent", "drill"];
/// What happened to a thing, and the label it goes to.
const EVENTS: [(&str, usize); 10] = [
    ("was charged to my card twice", 0),
    ("costs more on the invoice than on the page", 0),
    ("has been at the depot since Monday", 1),
    ("was left with a neighbour I do not know", 1),
    ("does not fit and has to go back", 2),
    ("came in the wrong colour, please take it back", 2),
    ("is not in my order history after I signed in", 3),
    ("cannot be bought because my password is refused", 3),
    ("stopped working after an hour", 4),
    ("is the best thing I have bought this year", 5),
];
const ENDINGS: [&str; 4] =
    ["", " What now?", " Please answer today.", " Thanks in advance, I will wait for your reply."];

impl Job {
    /// Reads a job.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let invalid = |problem: String| {
            Failure::new(Exit::Invalid, format!("{} is no routing job: {problem}", path.display()))
                .hint("docs/engine.md has an example")
        };
        let job: Self = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        match job.items.is_empty() || job.variants.is_empty() || job.labels.is_empty() {
            true => Err(invalid("it needs at least one label, one item and one variant".into())),
            false => Ok(job),
        }
    }

    /// The job that is measured where none is given: 120 rows, alone and after 12 demonstrations.
    pub(super) fn generated() -> Self {
        let labels = LABELS.map(str::to_owned).to_vec();
        let items = (0..120).map(|index| item(index + 1_000)).collect();
        let variant = |name: &str, demonstrations: usize| Variant {
            name: name.to_owned(),
            prefix: prefix("Route the message to one team.", 0..demonstrations),
            suffix_pre: "<|im_start|>user\n".to_owned(),
            suffix_post: "<|im_end|>\n<|im_start|>assistant\n".to_owned(),
        };
        Self { labels, items, variants: vec![variant("plain", 0), variant("12 demonstrations", 12)] }
    }
}

/// An instruction and demonstrations, in ChatML.
pub(super) fn prefix(instruction: &str, demonstrations: impl IntoIterator<Item = usize>) -> String {
    let teams = LABELS.join(", ");
    let mut text = format!("<|im_start|>system\n{instruction} The teams are {teams}.<|im_end|>\n");
    for Item { text: row, label } in demonstrations.into_iter().map(item) {
        text += &format!("<|im_start|>user\n{row}<|im_end|>\n<|im_start|>assistant\n{label}<|im_end|>\n");
    }
    text
}

/// The labels of the rows that are made here.
pub(super) fn labels() -> Vec<String> {
    LABELS.map(str::to_owned).to_vec()
}

/// One of many rows; different numbers give different texts.
pub(super) fn item(index: usize) -> Item {
    let (event, label) = EVENTS[index % EVENTS.len()];
    let thing = THINGS[index / EVENTS.len() % THINGS.len()];
    let ending = ENDINGS[index / 7 % ENDINGS.len()];
    Item {
        text: format!("The {thing} from order {} {event}.{ending}", 4_000 + index),
        label: LABELS[label].to_owned(),
    }
}

impl Variant {
    /// The conversation with this text as its row.
    pub(super) fn messages(&self, text: &str) -> Vec<Message> {
        conversation(&format!("{}{}{text}{}", self.prefix, self.suffix_pre, self.suffix_post))
    }
}

/// Reads a conversation in ChatML. What is open at its end is left for the model to write.
pub(super) fn conversation(text: &str) -> Vec<Message> {
    let turns = text.split("<|im_start|>").filter_map(|turn| {
        let (head, content) = turn.split_once('\n')?;
        let role = match head {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return None,
        };
        Some(Message::new(role, content.split_once("<|im_end|>")?.0))
    });
    turns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_a_conversation() {
        let job = Job::generated();
        let messages = job.variants[1].messages("where is it");
        assert_eq!(messages.len(), 1 + 2 * 12 + 1);
        assert_eq!(messages[0].role, Role::System);
        assert_eq!((messages[1].role, &messages[1].content), (Role::User, &item(0).text));
        assert_eq!((messages[2].role, &messages[2].content), (Role::Assistant, &item(0).label));
        assert_eq!(messages.last(), Some(&Message::new(Role::User, "where is it")));
    }

    #[test]
    fn generated_rows_differ_and_have_every_label() {
        let items = Job::generated().items;
        let texts: std::collections::BTreeSet<&str> = items.iter().map(|item| item.text.as_str()).collect();
        assert_eq!(texts.len(), 120);
        for label in labels() {
            assert!(items.iter().any(|item| item.label == label), "{label}");
        }
    }
}
