//! A model as a task file names it, and the sections `[model]` and `[proposer]`.

use std::ops::Range;

#[cfg(feature = "local")]
use proofmark_runtime::model::local::registry::ModelName;
use proofmark_runtime::model::providers;

use super::{Key, Problem, Section, Shape, TableReader, suggest};

/// The model that is used where the task names none.
pub const DEFAULT_MODEL: &str = "local/smollm2-135m-instruct";

/// A model as a task file names it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// `provider/model`, or `local:/path/to/file.gguf`.
    pub name: String,
    /// The address of the server, if it is not the provider's usual one.
    pub base_url: Option<String>,
    /// The environment variable with the key, if it is not the provider's usual one.
    pub key_env: Option<String>,
    /// The sampling temperature, 0 to 2; 0 always takes the most likely token.
    pub temperature: f64,
    /// Most tokens of a reply.
    pub max_tokens: u32,
}

/// The key with the name of a model.
pub(crate) const NAME: Key =
    Key::required("name", Shape::Text, "provider/model, or local:/path/to/file.gguf");
/// The key with the address of a server.
pub(crate) const BASE_URL: Key =
    Key::new("base_url", Shape::Text, "address of the server, if it is not the provider's usual one");
/// The key with the environment variable that holds the server's key.
pub(crate) const KEY_ENV: Key = Key::new("key_env", Shape::Text, "environment variable that holds the key");

/// `[model]`
pub(crate) static MODEL: Section = Section {
    name: "model",
    about: "A language model.",
    keys: &[
        NAME,
        BASE_URL,
        KEY_ENV,
        Key::new(
            "temperature",
            Shape::Number(0.0, 2.0),
            "0, the default, always takes the most likely token",
        ),
        Key::new("max_tokens", Shape::Integer(1, 1_000_000), "most tokens of a reply; 512 if left out"),
    ],
    variants: None,
};

/// `[proposer]`. It has no temperature, because each request of an optimizer sets its own.
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

/// The default limit for the tokens of a reply.
pub(crate) const REPLY_TOKENS: u32 = 512;
/// The default limit for the tokens of a proposer's reply. Reasoning models use most of them for thoughts.
pub const PROPOSAL_TOKENS: u32 = 4_096;

impl Default for ModelConfig {
    /// The embedded model with greedy decoding.
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

/// Reads a section that names a model; none if the section is absent. `max_tokens` is the default limit of a reply.
pub(crate) fn read(
    table: TableReader<'_>,
    max_tokens: u32,
    problems: &mut Vec<Problem>,
) -> Option<ModelConfig> {
    let name = table.string("name")?;
    // A server with an address of its own may use any name.
    if table.get("base_url").is_none() {
        check_name(&name, table.span("name").unwrap_or_default(), problems);
    }
    if let (Some(url), Some(span)) = (table.text("base_url"), table.span("base_url"))
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        let problem = Problem::new(span, format!("`{url}` is not a web address"), "no http:// or https://");
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
    #[cfg(feature = "local")]
    if providers::is_local(name) {
        if let Err(error) = name.parse::<ModelName>() {
            problems.push(Problem::new(span, error.to_string(), "no such model"));
        }
        return;
    }
    if providers::find(name).is_none() {
        let known: Vec<_> = providers::ALL.iter().flat_map(|provider| provider.prefixes()).copied().collect();
        let end = name.find(['/', ':']).map_or(name.len(), |mark| mark + 1);
        let problem =
            Problem::new(span, format!("`{name}` does not begin with a known provider"), "unknown provider");
        let suggestion = suggest(&name[..end], &known);
        problems.push(problem.hint(format!("{suggestion} With `base_url` any name is allowed")));
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name.len() <= 64
}
