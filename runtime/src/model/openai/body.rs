//! The body of a request.
//!
//! - A default of the protocol (`temperature` and `top_p` of 1, no `stop`) is left out: reasoning models refuse these
//!   fields whatever their values.
//! - `seed` is sent only with a temperature above 0: the request's seed plus its replicate index, in 31 bits, which every
//!   server accepts. Providers do not guarantee that equal seeds give equal replies.
//! - OpenAI's own service gets `max_completion_tokens`, because newer models refuse `max_tokens`. Other servers get
//!   `max_tokens`, because some know only that name.
//! - [`Shape::Choice`] has no counterpart in the protocol, so the text of the reply is free.

use reqwest::Url;
use serde::Serialize;
use serde_json::Value as Json;

use crate::model::{Message, Request, Sampling, Shape};

/// The JSON body of a request, in the order of its fields.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Debug, Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Json,
}

impl<'a> Body<'a> {
    /// The body for a request to a model at a server.
    pub(super) fn new(model: &'a str, server: &Url, request: &'a Request) -> Self {
        let Sampling { temperature, top_p, max_tokens, seed, stop } = &request.sampling;
        let most = Some(*max_tokens);
        let newer = server.host_str() == Some("api.openai.com");
        let drawn = *temperature > 0.0;
        Self {
            model,
            messages: &request.messages,
            temperature: unless_one(*temperature),
            top_p: unless_one(*top_p),
            max_tokens: most.filter(|_| !newer),
            max_completion_tokens: most.filter(|_| newer),
            seed: drawn.then(|| seed.wrapping_add(u64::from(request.replicate)) & 0x7fff_ffff),
            stop,
            response_format: match &request.shape {
                Shape::Schema(schema) => Some(ResponseFormat::JsonSchema {
                    json_schema: NamedSchema { name: "reply", strict: true, schema },
                }),
                Shape::Free | Shape::Choice { .. } => None,
            },
        }
    }
}

fn unless_one(value: f64) -> Option<f64> {
    ((value - 1.0).abs() > 0.0).then_some(value)
}
