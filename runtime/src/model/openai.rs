//! OpenAI-compatible chat completions: OpenAI itself, and every server with the same protocol (Ollama, vLLM,
//! llama.cpp, LM Studio, OpenRouter, Groq, Together, ...).
//! Protocol: <https://platform.openai.com/docs/api-reference/chat/create>.
//!
//! **Invariant:** the body that is sent is [`Body`], a function of the request, the model's name and the base URL alone. The key comes from the environment and never reaches an error, a log, an identity or the call store.
//!
//! `services.rs` lists the known servers, `body.rs` writes requests, `answer.rs` reads answers, `failure.rs` reads errors.

mod answer;
mod body;
mod failure;
mod services;

#[cfg(test)]
mod tests;

use std::{env, time::Duration};

use reqwest::{Client, Response, Url, header::HeaderValue, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::{Abilities, CallError, Identity, Model, Pending, Reply, Request, providers::OpenError};
use crate::tls;
use body::Body;
use failure::{ServerError, unavailable};

pub(super) use services::{DEEPSEEK, GROQ, MISTRAL, OLLAMA, OPENAI, OPENROUTER, TOGETHER};

/// The address of a model and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAi {
    /// The name that the user gives; the name of its identity.
    pub name: String,
    /// The name on the server.
    pub model: String,
    /// The server, up to and including `/v1`; no user, password or query in it.
    pub base_url: String,
    /// The environment variable of the key; none if the server needs none.
    pub key_env: Option<String>,
}

/// The largest answer that is read, in bytes.
const MOST_BYTES: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(15);
/// The time limit of a whole call: reasoning models may take minutes before the first byte.
const WHOLE: Duration = Duration::from_secs(600);

/// An open chat-completions model.
pub struct ChatModel {
    identity: Identity,
    model: String,
    url: Url,
    key: Option<SecretString>,
    client: Client,
}

impl OpenAi {
    /// Opens the model with the key from the environment. This sends nothing.
    ///
    /// # Errors
    /// [`OpenError`]: no key, or a base URL that cannot be used.
    pub fn open(&self) -> Result<ChatModel, OpenError> {
        let key = self.key_env.as_ref().map(|variable| {
            let set = env::var(variable).ok().filter(|key| !key.trim().is_empty());
            set.ok_or_else(|| OpenError::NoKey { name: self.name.clone(), variable: variable.clone() })
        });
        self.open_with(key.transpose()?.map(SecretString::from))
    }

    /// Opens the model with this key.
    ///
    /// # Errors
    /// [`OpenError`]: a key or a base URL that cannot be used.
    pub fn open_with(&self, key: Option<SecretString>) -> Result<ChatModel, OpenError> {
        let key = key.map(|key| SecretString::from(key.expose_secret().trim()));
        if key.as_ref().is_some_and(|key| HeaderValue::from_str(key.expose_secret()).is_err()) {
            let problem = "the key holds characters that no HTTP header may hold".to_owned();
            return Err(OpenError::Failed { name: self.name.clone(), problem });
        }
        let url = endpoint(&self.base_url)
            .map_err(|problem| OpenError::BadBaseUrl { name: self.name.clone(), problem })?;
        let client = tls::client()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            // A redirected POST becomes a GET, and the key would go to the other server.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| OpenError::Failed { name: self.name.clone(), problem: error.to_string() })?;
        Ok(ChatModel {
            identity: Identity {
                name: self.name.clone(),
                fingerprint: self.base_url.trim_end_matches('/').to_owned(),
            },
            model: self.model.clone(),
            url,
            key,
            client,
        })
    }
}

/// The address of chat completions below a base URL. Errors do not repeat the URL, which may hold a secret.
fn endpoint(base: &str) -> Result<Url, String> {
    let mut url = Url::parse(base).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "it must not hold a user, password, query or fragment; a key goes into `key_env`".to_owned()
        );
    }
    url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
    Ok(url)
}

impl ChatModel {
    async fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        let body = Body::new(&self.model, &self.url, request);
        let mut post = self.client.post(self.url.clone()).json(&body);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let response = post.send().await.map_err(|error| unavailable(&self.identity.name, error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = self.read(response).await?;
        if status.is_success() {
            answer::read(&self.identity.name, &bytes)
        } else {
            ServerError::new(status.as_u16(), &headers, &bytes).classify(&self.identity.name)
        }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let mut bytes = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| unavailable(&self.identity.name, error))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                let message = format!("more than {} MiB", MOST_BYTES >> 20);
                return Err(CallError::Unreadable { model: self.identity.name.clone(), message });
            }
        }
        Ok(bytes)
    }

    /// The error without the key, which some servers repeat when they refuse it.
    fn without_key(&self, mut error: CallError) -> CallError {
        use CallError::{RateLimited, Refused, Unauthorized, Unavailable, Unreadable};
        if let (
            Some(key),
            Unauthorized { message, .. }
            | RateLimited { message, .. }
            | Unavailable { message, .. }
            | Refused { message, .. }
            | Unreadable { message, .. },
        ) = (&self.key, &mut error)
        {
            *message = message.replace(key.expose_secret(), "[key]");
        }
        error
    }
}

impl Model for ChatModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Chat completions give no probability of a whole text, but enforce a JSON schema.
    fn abilities(&self) -> Abilities {
        Abilities { scores_choices: false, enforces_schema: true }
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move { self.ask(request).await.map_err(|error| self.without_key(error)) })
    }
}
