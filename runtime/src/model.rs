//! Models: who answers a request. One file per provider.
//!
//! **Invariant:** what is hashed is what is sent: a [`Request`] holds everything that can change the reply, and no
//! provider rewrites it. Retries and caching are layers around a model, never inside it.

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
    /// How to decode.
    pub sampling: Sampling,
    /// What the reply must look like.
    #[serde(default, skip_serializing_if = "Shape::is_free")]
    pub shape: Shape,
    /// Which of several independent draws of the same request this is, from 0.
    #[serde(default)]
    pub replicate: u32,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// How to decode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    /// Share of probability that is kept, in (0, 1].
    pub top_p: f64,
    /// Most tokens of the reply.
    pub max_tokens: u32,
    /// Seed of the draw, where the provider takes one.
    pub seed: u64,
    /// Texts that end the reply and are cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// What the reply must look like, where the provider can enforce it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// Anything.
    #[default]
    Free,
    /// One of these texts.
    Choice {
        /// The texts; at least one, none twice.
        choices: Vec<String>,
        /// Contents that stand in for the last message's content; the label probabilities are divided by their mean
        /// over these (contextual calibration). Empty: not calibrated.
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
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
    /// For [`Shape::Choice`]: the natural-log probability of the chosen text, where the provider gives it.
    /// Before calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice_logprob: Option<f64>,
    /// Natural-log probability of each generated token, where the provider gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<f64>>,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// The reply was cut at `max_tokens`.
    Length,
    /// The provider withheld it.
    Filtered,
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// Tokens of the prompt that the provider had cached and bills at a lower price.
    pub cached: u64,
    /// Tokens of the reply.
    pub output: u64,
}

/// What a model is, for cache keys and artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// As the user writes it: `local/smollm2-135m-instruct`, `openai/gpt-5-mini`, ...
    pub name: String,
    /// What pins the answers down further: the checksum of a local file, a base URL, ...
    pub fingerprint: String,
}

/// What a model can do beyond text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Gives probabilities for [`Shape::Choice`].
    pub scores_choices: bool,
    /// Enforces [`Shape::Schema`].
    pub enforces_schema: bool,
}

/// A future that can move between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that answers requests.
pub trait Model: Send + Sync {
    /// What it is.
    fn identity(&self) -> &Identity;
    /// What it can do.
    fn abilities(&self) -> Abilities;
    /// Answers one request. Dropping the future cancels it.
    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>>;
}

/// Why a call gave no reply.
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
        /// When to come back, if the provider said so.
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
    /// The request itself was refused; asking again will not help.
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
        /// Tokens of the prompt and of the reply that was asked for.
        tokens: usize,
        /// Tokens that fit.
        limit: usize,
    },
    /// The provider answered something that is not an answer.
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
    /// The key of a call: the request together with who is asked.
    pub fn key(&self, identity: &Identity) -> Digest {
        digest(&(identity, self))
    }
}

impl Message {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

impl Shape {
    /// Whether nothing is asked of the reply.
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
