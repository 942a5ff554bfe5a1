//! The format of a job of `proofmark model bench`. The programs that measure other engines on the same job
//! (`benches/llama`, `tests/reference`) include this file by its path, so that a job means the same to all of them.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What is measured. All prompts are written with `<|im_start|>ROLE`, a line break, the text and `<|im_end|>` (ChatML).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// Labels that rows are routed to.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// The rows.
    #[serde(default)]
    pub(crate) items: Vec<Item>,
    /// Prompts under which all rows are routed.
    #[serde(default)]
    pub(crate) variants: Vec<Variant>,
    /// Prompts that are only read.
    #[serde(default)]
    pub(crate) prefill: Vec<String>,
    /// Prompts that are answered freely.
    #[serde(default)]
    pub(crate) texts: Vec<String>,
    /// The record that every row is turned into, as JSON.
    #[serde(default)]
    pub(crate) records: Option<Records>,
}

/// A row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) label: String,
}

/// A prompt under which all rows are routed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) frame: Frame,
}

/// The text around a row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) prefix: String,
    pub(crate) suffix_pre: String,
    pub(crate) suffix_post: String,
}

/// A record to be read out of every row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Records {
    #[serde(flatten)]
    pub(crate) frame: Frame,
    /// The record's JSON schema.
    pub(crate) schema: Json,
    /// The same in GBNF, for programs over llama.cpp.
    pub(crate) grammar: String,
}

impl Frame {
    /// The row as it follows the prefix.
    pub(crate) fn row(&self, text: &str) -> String {
        format!("{}{text}{}", self.suffix_pre, self.suffix_post)
    }

    /// The whole prompt with this row.
    pub(crate) fn text(&self, text: &str) -> String {
        format!("{}{}", self.prefix, self.row(text))
    }
}

/// The role and the content of each message of a prompt in ChatML. A message that is open at the end is left for the
/// model to write, and is not among them.
pub(crate) fn messages(prompt: &str) -> impl Iterator<Item = (&str, &str)> {
    prompt.split("<|im_start|>").filter_map(|turn| {
        let (role, content) = turn.split_once('\n')?;
        Some((role, content.split_once("<|im_end|>")?.0))
    })
}
