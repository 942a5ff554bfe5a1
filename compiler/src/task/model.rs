//! `[model]` and `[proposer]`: who answers, and who writes instructions.

use std::ops::Range;

use proofmark_runtime::model::providers;

use super::{
    nearest::suggest,
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};
use crate::models;

/// The model that is used where the task names none.
pub const DEFAULT_MODEL: &str = "local/smollm2-135m-instruct";

/// A model as a task file names it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// `provider/model`, or `local:/path/to/file.gguf`.
    pub name: String,
    /// Where the provider is, if not at its usual address.
    pub base_url: Option<String>,
    /// The environment variable that holds the key, if not the provider's usual one.
    pub key_env: Option<String>,
    /// 0 is greedy.
    pub temperature: f64,
    /// Most tokens of a reply.
    pub max_tokens: u32,
}

pub(super) const NAME: Key =
    Key::required("name", Shape::Text, "provider/model, or local:/path/to/file.gguf");
pub(super) const BASE_URL: Key =
    Key::new("base_url", Shape::Text, "where the provider is, if not at its usual address");
pub(super) const KEY_ENV: Key =
    Key::new("key_env", Shape::Text, "the environment variable that holds the key");

/// `[model]`
pub(crate) static MODEL: Section = Section {
    name: "model",
    about: "A language model.",
    keys: &[
        NAME,
        BASE_URL,
        KEY_ENV,
        Key::new("temperature", Shape::Number(0.0, 2.0), "0, the default, is greedy"),
        Key::new("max_tokens", Shape::Integer(1, 1_000_000), "most tokens of a reply; 512 if left out"),
    ],
    variants: None,
};

/// `[proposer]`. Every question says how varied the answers are to be, so there is no temperature to set.
pub(crate) static PROPOSER: Section = Section {
    name: "proposer",
    about: "A language model that writes instructions.",
    keys: &[
        NAME,
        BASE_URL,
        KEY_ENV,
        Key::new(
            "max_tokens",
            Shape::Integer(1, 1_000_000),
            "most tokens of a reply, thoughts included; 4096 if left out",
        ),
    ],
    variants: None,
};

/// Most tokens of a reply, if nothing is said.
pub(crate) const REPLY_TOKENS: u32 = 512;
/// The same for a proposer: models that think first need most of them for that.
pub const PROPOSAL_TOKENS: u32 = 4_096;

impl Default for ModelConfig {
    /// The embedded model, greedy.
    fn default() -> Self {
        Self {
            name: DEFAULT_MODEL.into(),
            base_url: None,
            key_env: None,
            temperature: 0.0,
            max_tokens: REPLY_TOKENS,
        }
    }
}

/// Reads `[model]` or `[proposer]`, with so many tokens where it says nothing of them; nothing where it is absent.
pub(crate) fn read(table: Reader<'_>, max_tokens: u32, problems: &mut Vec<Problem>) -> Option<ModelConfig> {
    let name = table.string("name")?;
    // A server that is named by its address takes any name.
    if table.get("base_url").is_none() {
        check_name(&name, table.span("name").unwrap_or_default(), problems);
    }
    if let (Some(url), Some(span)) = (table.text("base_url"), table.span("base_url"))
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        let problem = Problem::new(span, format!("`{url}` is no web address"), "no http:// or https://");
        problems.push(problem.hint("such as \"http://localhost:11434/v1\""));
    }
    if let (Some(variable), Some(span)) = (table.text("key_env"), table.span("key_env"))
        && !is_variable(variable)
    {
        let problem =
            Problem::new(span, "`key_env` is not the name of an environment variable", "not a name");
        problems.push(problem.hint("the name of the variable that holds the key, never the key itself"));
    }
    Some(ModelConfig {
        name,
        base_url: table.string("base_url"),
        key_env: table.string("key_env"),
        temperature: table.number("temperature").unwrap_or(0.0),
        max_tokens: table.whole("max_tokens").unwrap_or(max_tokens),
    })
}

fn check_name(name: &str, span: Range<usize>, problems: &mut Vec<Problem>) {
    if models::is_local(name) {
        if let Err(error) = models::check_name(name) {
            problems.push(Problem::new(span, error.to_string(), "no such model"));
        }
    } else if providers::find(name).is_none() {
        let known: Vec<_> = providers::ALL.iter().flat_map(|provider| provider.prefixes()).copied().collect();
        let end = name.find(['/', ':']).map_or(name.len(), |mark| mark + 1);
        let problem = Problem::new(span, format!("`{name}` names no provider"), "which provider's?");
        let meant = suggest(&name[..end], &known);
        problems.push(problem.hint(format!("{meant} A server of your own takes any name, with `base_url`")));
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.len() <= 64
}
