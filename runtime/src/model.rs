//! Models: what answers a request. One file per provider.
//!
//! **Invariant:** the request that is hashed is the request that is sent. A [`Request`] holds everything that can change
//! the reply, and no provider rewrites it. Retries and caching are layers around a model, never inside it.

#[cfg(not(feature = "local"))]
mod absent;
#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "http")]
pub mod openai;
pub mod providers;
#[cfg(feature = "store")]
pub mod replay;
pub mod scripted;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::digest::{Digest, digest};

/// One request to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The decoding settings.
    pub sampling: Sampling,
    /// The required form of the reply.
    #[serde(default, skip_serializing_if = "Shape::is_free")]
    pub shape: Shape,
    /// The number of this draw among independent draws of the same request, from 0.
    #[serde(default)]
    pub replicate: u32,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator of the program.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// The decoding settings of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// The temperature; 0 is greedy.
    pub temperature: f64,
    /// The share of probability that is kept (nucleus sampling), in (0, 1].
    pub top_p: f64,
    /// The largest number of tokens of the reply.
    pub max_tokens: u32,
    /// The random seed of the draw, where the provider takes one.
    pub seed: u64,
    /// Texts that end the reply. They are cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// The required form of a reply, where the provider can enforce it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// Any text.
    #[default]
    Free,
    /// One of these texts.
    Choice {
        /// The texts: at least one, without repetition.
        choices: Vec<String>,
        /// Replacements for the content of the last message. The label probabilities are divided by their mean over these
        /// (contextual calibration). Empty: not calibrated.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        content_free: Vec<String>,
    },
    /// JSON that satisfies this schema.
    Schema(Json),
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text, without stop texts.
    pub text: String,
    /// The reason why it ended.
    pub finish: Finish,
    /// The tokens of the call.
    pub usage: Usage,
    /// For [`Shape::Choice`]: the natural-log probability of the chosen text, where the provider gives it.
    /// Before calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice_logprob: Option<f64>,
    /// Natural-log probability of each generated token, where the provider gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<f64>>,
}

/// The reason why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// The reply was cut at `max_tokens`.
    Length,
    /// The provider withheld the reply.
    Filtered,
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// Tokens of the prompt that came from the provider's cache, at a lower price.
    pub cached: u64,
    /// Tokens of the reply.
    pub output: u64,
}

/// The identity of a model, for cache keys and artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The name as the user writes it: `local/smollm2-135m-instruct`, `openai/gpt-5-mini`, ...
    pub name: String,
    /// What tells models of this name apart: the checksum of a local file, a base URL, ...
    pub fingerprint: String,
}

/// The abilities of a model beyond text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it gives probabilities for [`Shape::Choice`].
    pub scores_choices: bool,
    /// Whether it enforces [`Shape::Schema`].
    pub enforces_schema: bool,
}

/// A future that can move between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A model that answers requests.
pub trait Model: Send + Sync {
    /// The identity of the model.
    fn identity(&self) -> &Identity;
    /// The abilities of the model.
    fn abilities(&self) -> Abilities;
    /// Answers one request. Dropping the future cancels it.
    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>>;
}

/// The reason why a call gave no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallError {
    /// The key is missing or refused.
    #[error("{model} refused the key: {message}")]
    Unauthorized {
        /// The model.
        model: String,
        /// What the provider said.
        message: String,
    },
    /// Too many requests for now.
    #[error("{model} asks to slow down: {message}")]
    RateLimited {
        /// The model.
        model: String,
        /// What the provider said.
        message: String,
        /// The wait that the provider asks for, if any.
        retry_after: Option<Duration>,
    },
    /// The provider cannot answer for now: connection, time-out, overload, status 5xx.
    #[error("{model} did not answer: {message}")]
    Unavailable {
        /// The model.
        model: String,
        /// What happened.
        message: String,
    },
    /// The request itself was refused. Repeating it does not help.
    #[error("{model} refused the request: {message}")]
    Refused {
        /// The model.
        model: String,
        /// What the provider said.
        message: String,
    },
    /// The prompt does not fit the model's context. Nothing is ever cut silently.
    #[error("the prompt has {tokens} tokens, but {model} takes {limit}")]
    TooLong {
        /// The model.
        model: String,
        /// Tokens of the prompt and of the longest reply.
        tokens: usize,
        /// Tokens that fit.
        limit: usize,
    },
    /// The provider's answer cannot be read.
    #[error("{model} answered something unreadable: {message}")]
    Unreadable {
        /// The model.
        model: String,
        /// What was wrong.
        message: String,
    },
    /// A recording or a script has no answer for this request.
    #[error("{model} has no recorded answer for request {key}")]
    NotRecorded {
        /// The model.
        model: String,
        /// The hash of the request.
        key: String,
    },
    /// The call store cannot be read or written.
    #[error("the call store failed: {message}")]
    StoreFailed {
        /// What happened and what to do.
        message: String,
    },
}

impl<M: Model + ?Sized> Model for Arc<M> {
    fn identity(&self) -> &Identity {
        (**self).identity()
    }

    fn abilities(&self) -> Abilities {
        (**self).abilities()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        (**self).complete(request)
    }
}

impl CallError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }
}

impl Request {
    /// The key of a call: the hash of the request and the model's identity.
    pub fn key(&self, identity: &Identity) -> Digest {
        digest(&(identity, self))
    }
}

impl Message {
    /// Makes a message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

impl Shape {
    /// Whether any text is a valid reply.
    pub fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }
}

impl Default for Sampling {
    /// Greedy, at most 512 tokens.
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, max_tokens: 512, seed: 0, stop: vec![] }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        })
    }
}
