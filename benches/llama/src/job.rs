//! The job that both engines do; `proofmark model bench --print-job` prints one.

use serde::Deserialize;

/// What to measure.
#[derive(Deserialize)]
pub struct Job {
    /// Labels that rows are routed to.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The rows.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Prompts under which all rows are routed.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Prompts that are only read.
    #[serde(default)]
    pub prefill: Vec<String>,
    /// Prompts that are answered freely.
    #[serde(default)]
    pub texts: Vec<String>,
    /// What every row is turned into.
    pub records: Option<Records>,
}

/// A row.
#[derive(Deserialize)]
pub struct Item {
    /// What is routed.
    pub text: String,
}

/// A prompt around a row.
#[derive(Deserialize)]
pub struct Variant {
    /// What the variant is called.
    pub name: String,
    /// The prompt.
    #[serde(flatten)]
    pub frame: Frame,
}

/// A record to be read out of every row.
#[derive(Deserialize)]
pub struct Records {
    /// The prompt.
    #[serde(flatten)]
    pub frame: Frame,
    /// Its form, in GBNF.
    pub grammar: String,
}

/// What stands around a row.
#[derive(Deserialize)]
pub struct Frame {
    /// What all prompts begin with.
    pub prefix: String,
    suffix_pre: String,
    suffix_post: String,
}

impl Frame {
    /// A row as it follows the prefix.
    pub fn row(&self, text: &str) -> String {
        format!("{}{text}{}", self.suffix_pre, self.suffix_post)
    }

    /// The whole prompt.
    pub fn text(&self, text: &str) -> String {
        format!("{}{}", self.prefix, self.row(text))
    }
}
