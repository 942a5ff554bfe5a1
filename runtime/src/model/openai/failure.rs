//! Errors of a server. The class follows from the status and the provider's error code. One message is read as well, that
//! of a prompt that is too long, because most servers have no code for it.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use reqwest::header::HeaderMap;
use serde_json::Value as Json;

use crate::model::{CallError, Finish, Reply, Usage};

/// An error that a server reports.
pub(super) struct ServerError {
    status: u16,
    code: String,
    message: String,
    retry_after: Option<Duration>,
    /// Tokens requested and tokens that fit, if the prompt is too long.
    lengths: Option<(usize, usize)>,
}

impl ServerError {
    /// Reads an answer with an error status.
    pub(super) fn new(status: u16, headers: &HeaderMap, bytes: &[u8]) -> Self {
        let json: Option<Json> = serde_json::from_slice(bytes).ok();
        let error = json.as_ref().map(|json| json.get("error").unwrap_or(json));
        let raw = String::from_utf8_lossy(bytes);
        let message = error.and_then(message).unwrap_or_else(|| shorten(&raw));
        let message = if message.is_empty() { format!("status {status}") } else { message };
        Self {
            status,
            code: error.map(code).unwrap_or_default(),
            retry_after: retry_after(headers),
            lengths: error.and_then(lengths),
            message: match headers.get("location").and_then(|to| to.to_str().ok()) {
                Some(to) if (300..400).contains(&status) => {
                    format!("it has moved to {}; change `base_url`", shorten(to))
                }
                _ => message,
            },
        }
    }

    /// Reads an error object inside an answer with status 200. Its code is the status.
    pub(super) fn within_success(error: &Json) -> Self {
        let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(502);
        let message = message(error).unwrap_or_else(|| shorten(&error.to_string()));
        Self { status, code: code(error), message, retry_after: None, lengths: lengths(error) }
    }

    /// The error of the call; or a withheld reply, which is an answer about this input.
    pub(super) fn classify(self, model: &str) -> Result<Reply, CallError> {
        let Self { status, code, message, retry_after, lengths } = self;
        let model = model.to_owned();
        if code == "content_filter" || code == "content_policy_violation" {
            let finish = Finish::Filtered;
            let usage = Usage::default();
            return Ok(Reply { text: String::new(), finish, usage, choice_logprob: None, logprobs: None });
        }
        Err(match (status, lengths) {
            (400 | 413 | 422 | 500, Some((tokens, limit))) => CallError::TooLong { model, tokens, limit },
            (401 | 403, _) => CallError::Unauthorized { model, message },
            // No credit is left, so waiting does not help.
            (402, _) => CallError::Refused { model, message },
            (429, _) if code == "insufficient_quota" => CallError::Refused { model, message },
            (429, _) => CallError::RateLimited { model, message, retry_after },
            (503 | 529, _) if retry_after.is_some() => CallError::RateLimited { model, message, retry_after },
            (408 | 409 | 425 | 500.., _) => CallError::Unavailable { model, message },
            _ => CallError::Refused { model, message },
        })
    }
}

/// The error for a call without an answer: no connection, time-out, connection lost.
pub(super) fn unavailable(model: &str, error: reqwest::Error) -> CallError {
    // Only the host, because a URL may hold a key.
    let host =
        error.url().map(|url| (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default()));
    let at = host.map(|(host, port)| format!(" to {host}:{}", port.unwrap_or_default())).unwrap_or_default();
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = match () {
        () if error.is_timeout() => "it took too long".to_owned(),
        () if error.is_connect() => format!("cannot connect{at}"),
        () => "the connection broke".to_owned(),
    };
    CallError::Unavailable { model: model.to_owned(), message: shorten(&format!("{what}: {cause}")) }
}

/// One line, at most 300 characters, without control characters.
pub(super) fn shorten(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn message(error: &Json) -> Option<String> {
    let text = match error {
        Json::String(text) => text,
        _ => ["message", "detail", "error"].iter().find_map(|name| error[*name].as_str())?,
    };
    // Routers put the message of the server behind them here.
    let raw = error["metadata"]["raw"].as_str().map(|raw| format!(": {raw}"));
    Some(shorten(&format!("{text}{}", raw.unwrap_or_default())))
}

fn code(error: &Json) -> String {
    let text = |name: &str| error[name].as_str().filter(|text| !text.is_empty());
    text("code").or_else(|| text("type")).unwrap_or_default().to_owned()
}

/// Tokens requested and tokens that fit, if the error is that the prompt is too long.
///
/// llama.cpp gives fields. OpenAI, vLLM, OpenRouter and others write "maximum context length is 8192 tokens ... 9000
/// tokens".
fn lengths(error: &Json) -> Option<(usize, usize)> {
    let field = |name: &str| error[name].as_u64().and_then(|number| usize::try_from(number).ok());
    if let (Some(tokens), Some(limit)) = (field("n_prompt_tokens"), field("n_ctx")) {
        return Some((tokens, limit));
    }
    let text = error.as_str().or_else(|| error["message"].as_str())?;
    let rest = text.split_once("maximum context length")?.1;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let limit = numbers.next()?;
    let tokens = numbers.next()?;
    (tokens > limit).then_some((tokens, limit))
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), or OpenAI's `retry-after-ms`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    if let Some(milliseconds) = header("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let text = header("retry-after")?;
    match number(text) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}
