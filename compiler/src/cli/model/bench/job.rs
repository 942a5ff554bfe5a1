//! The job that is measured: rows to route, prompts to read, texts and records to write; read from a file, or made from
//! fixed words.

use std::path::Path;

use proofmark_runtime::model::{Message, Role};
use serde_json::json;

pub(super) use super::format::{Frame, Item, Job, Records, Variant};
use crate::{cli::Failure, exit::Exit};

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
        let invalid = |problem: &str| {
            Failure::new(Exit::Invalid, format!("{} is no job to measure: {problem}", path.display()))
                .hint("`proofmark model bench --print-job` prints one to start from")
        };
        let job: Self = serde_json::from_str(&text).map_err(|error| invalid(&error.to_string()))?;
        if !job.variants.is_empty() && (job.items.is_empty() || job.labels.is_empty()) {
            return Err(invalid("`variants` need at least one of `labels` and one of `items`"));
        }
        if job.records.is_some() && job.items.is_empty() {
            return Err(invalid("`records` need at least one of `items`"));
        }
        match job.variants.is_empty()
            && job.prefill.is_empty()
            && job.texts.is_empty()
            && job.records.is_none()
        {
            true => Err(invalid("it has none of `variants`, `prefill`, `texts` and `records`")),
            false => Ok(job),
        }
    }

    /// The job that is measured where none is given: 120 rows, alone and after 12 demonstrations, and turned into
    /// records of two fields; 16 prompts of some 500 tokens that share nothing; 50 texts.
    pub(super) fn generated() -> Self {
        let variant = |name: &str, demonstrations: usize| Variant {
            name: name.to_owned(),
            frame: Frame::around(prefix("Route the message to one team.", 0..demonstrations)),
        };
        let notes = |index: usize| {
            let rows: Vec<_> = (0..24).map(|row| item(20_000 + index * 24 + row).text).collect();
            format!(
                "<|im_start|>system\nNotes {index}. {}<|im_end|>\n<|im_start|>assistant\n",
                rows.join(" ")
            )
        };
        let story = |index: usize| {
            let row = item(30_000 + index).text;
            Frame::around("<|im_start|>system\nYou tell long stories.<|im_end|>\n".to_owned())
                .text(&format!("Tell one that begins like this: {row}"))
        };
        Self {
            labels: labels(),
            items: (0..120).map(|index| item(index + 1_000)).collect(),
            variants: vec![variant("plain", 0), variant("12 demonstrations", 12)],
            prefill: (0..16).map(notes).collect(),
            texts: (0..50).map(story).collect(),
            records: Some(Records::generated()),
        }
    }
}

impl Records {
    fn generated() -> Self {
        let teams = LABELS.map(|label| format!(r#""\"{label}\"""#)).join(" | ");
        let fields = r#""{\"team\":" team ",\"thing\":\"" [a-z ]{1,24} "\"}""#;
        Self {
            frame: Frame::around(prefix("Write down the team and the thing as JSON.", 0..0)),
            schema: json!({
                "type": "object",
                "properties": {
                    "team": { "enum": LABELS },
                    "thing": { "type": "string", "pattern": "^[a-z ]{1,24}$" },
                },
                "required": ["team", "thing"],
                "additionalProperties": false,
            }),
            grammar: format!("root ::= {fields}\nteam ::= {teams}\n"),
        }
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

impl Frame {
    fn around(prefix: String) -> Self {
        Self {
            prefix,
            suffix_pre: "<|im_start|>user\n".to_owned(),
            suffix_post: "<|im_end|>\n<|im_start|>assistant\n".to_owned(),
        }
    }

    /// The conversation with this row.
    pub(super) fn messages(&self, row: &str) -> Vec<Message> {
        conversation(&self.text(row))
    }
}

/// Reads a conversation in ChatML. A message that is open at its end is left for the model to write.
pub(super) fn conversation(prompt: &str) -> Vec<Message> {
    let message = |(role, content)| match role {
        "system" => Some(Message::new(Role::System, content)),
        "user" => Some(Message::new(Role::User, content)),
        "assistant" => Some(Message::new(Role::Assistant, content)),
        _ => None,
    };
    super::format::messages(prompt).filter_map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_a_conversation() {
        let job = Job::generated();
        let messages = job.variants[1].frame.messages("where is it");
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
