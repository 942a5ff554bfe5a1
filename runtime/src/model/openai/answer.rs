//! Answers with status 200. Servers differ, so reading is lenient where the meaning is clear: a null or empty field
//! counts as absent, and reasoning that is sent beside the answer is ignored.

use serde::Deserialize;
use serde_json::Value as Json;

use super::failure::{ServerError, shorten};
use crate::model::{CallError, Finish, Reply, Usage};

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<AnswerChoice>,
    #[serde(default)]
    usage: Option<Tokens>,
    /// Some routers answer with status 200 and put the error of the server behind them here.
    #[serde(default)]
    error: Option<Json>,
}

#[derive(Deserialize)]
struct AnswerChoice {
    message: AnswerMessage,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct AnswerMessage {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Json>>,
}

/// Text, or the joined texts of those parts that have one.
#[derive(Deserialize)]
#[serde(from = "Json")]
struct Content(String);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
}

/// Reads a reply.
pub(super) fn read(model: &str, bytes: &[u8]) -> Result<Reply, CallError> {
    let unreadable = |message: String| CallError::Unreadable { model: model.to_owned(), message };
    let completion: Completion = serde_json::from_slice(bytes)
        .map_err(|error| unreadable(format!("{error} in {:?}", shorten(&String::from_utf8_lossy(bytes)))))?;
    let usage = completion.usage.unwrap_or_default().into();
    match (completion.choices.into_iter().next(), completion.error) {
        (Some(choice), _) => choice.read(usage).map_err(unreadable),
        (None, Some(error)) => ServerError::within_success(&error).classify(model),
        (None, None) => Err(unreadable("no choice in it".to_owned())),
    }
}

impl AnswerChoice {
    fn read(self, usage: Usage) -> Result<Reply, String> {
        let AnswerMessage { content, refusal, tool_calls } = self.message;
        let reason = self.finish_reason.unwrap_or_default();
        let text = content.map_or_else(String::new, |content| content.0);
        let refused = refusal.is_some_and(|why| !why.is_empty());
        if text.is_empty() && tool_calls.is_some_and(|calls| !calls.is_empty()) {
            return Err("it calls a tool, although none was offered".to_owned());
        }
        let finish = match reason.as_str() {
            "content_filter" => Finish::Filtered,
            _ if refused => Finish::Filtered,
            "length" | "max_tokens" | "model_length" => Finish::Length,
            "error" => return Err("it ended with an error".to_owned()),
            // "stop" and other words for it: "eos", "end_turn", "", null.
            _ => Finish::Stop,
        };
        Ok(Reply { text, finish, usage, choice_logprob: None, logprobs: None })
    }
}

impl From<Json> for Content {
    fn from(json: Json) -> Self {
        match json {
            Json::String(text) => Self(text),
            Json::Array(parts) => Self(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
            _ => Self(String::new()),
        }
    }
}

impl From<Tokens> for Usage {
    /// A number that the server does not give is 0.
    fn from(tokens: Tokens) -> Self {
        let details = tokens.prompt_tokens_details.unwrap_or_default();
        Self {
            input: tokens.prompt_tokens.unwrap_or(0),
            cached: details.cached_tokens.or(tokens.prompt_cache_hit_tokens).unwrap_or(0),
            output: tokens.completion_tokens.unwrap_or(0),
        }
    }
}
