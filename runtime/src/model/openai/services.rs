//! Servers that are known by name.
//!
//! **Invariant:** the key of one server is never sent to another. Where a task names a base URL, that server gets only the
//! key that the task names.

use std::{env, sync::Arc};

use super::OpenAi;
use crate::model::{
    Model,
    providers::{OpenError, Provider, Settings},
};

/// A server with OpenAI's protocol.
pub(crate) struct Service {
    /// The prefix of model names: the name of the service and a slash.
    prefixes: &'static [&'static str],
    about: &'static str,
    base_url: &'static str,
    /// The environment variable that overrides the base URL.
    base_url_env: Option<&'static str>,
    /// The environment variable of the key; none if the server needs none.
    key_env: Option<&'static str>,
}

const PLAIN: Service = Service { prefixes: &[], about: "", base_url: "", base_url_env: None, key_env: None };

pub(crate) const OPENAI: Service = Service {
    prefixes: &["openai/"],
    about: "OpenAI (OPENAI_API_KEY, OPENAI_BASE_URL); with `base_url` any server that speaks its protocol",
    base_url: "https://api.openai.com/v1",
    base_url_env: Some("OPENAI_BASE_URL"),
    key_env: Some("OPENAI_API_KEY"),
};

pub(crate) const OLLAMA: Service = Service {
    prefixes: &["ollama/"],
    about: "Ollama on this machine, no key",
    base_url: "http://localhost:11434/v1",
    ..PLAIN
};

pub(crate) const OPENROUTER: Service = Service {
    prefixes: &["openrouter/"],
    about: "OpenRouter (OPENROUTER_API_KEY)",
    base_url: "https://openrouter.ai/api/v1",
    key_env: Some("OPENROUTER_API_KEY"),
    ..PLAIN
};

pub(crate) const GROQ: Service = Service {
    prefixes: &["groq/"],
    about: "Groq (GROQ_API_KEY)",
    base_url: "https://api.groq.com/openai/v1",
    key_env: Some("GROQ_API_KEY"),
    ..PLAIN
};

pub(crate) const TOGETHER: Service = Service {
    prefixes: &["together/"],
    about: "Together (TOGETHER_API_KEY)",
    base_url: "https://api.together.xyz/v1",
    key_env: Some("TOGETHER_API_KEY"),
    ..PLAIN
};

pub(crate) const MISTRAL: Service = Service {
    prefixes: &["mistral/"],
    about: "Mistral (MISTRAL_API_KEY)",
    base_url: "https://api.mistral.ai/v1",
    key_env: Some("MISTRAL_API_KEY"),
    ..PLAIN
};

pub(crate) const DEEPSEEK: Service = Service {
    prefixes: &["deepseek/"],
    about: "DeepSeek (DEEPSEEK_API_KEY)",
    base_url: "https://api.deepseek.com/v1",
    key_env: Some("DEEPSEEK_API_KEY"),
    ..PLAIN
};

impl Service {
    fn config(&self, name: &str, settings: &Settings) -> OpenAi {
        let moved = self.base_url_env.and_then(variable);
        let key_env = match (&settings.key_env, &settings.base_url) {
            (Some(variable), _) => Some(variable.clone()),
            (None, Some(_)) => None,
            // The user's own server may need no key.
            (None, None) => {
                self.key_env.filter(|key| moved.is_none() || variable(key).is_some()).map(str::to_owned)
            }
        };
        let model = self.prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        let base_url = settings.base_url.clone().or(moved);
        OpenAi {
            name: name.to_owned(),
            model: model.to_owned(),
            base_url: base_url.unwrap_or_else(|| self.base_url.to_owned()),
            key_env,
        }
    }
}

/// The value of an environment variable; an empty one counts as absent.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl Provider for Service {
    fn prefixes(&self) -> &'static [&'static str] {
        self.prefixes
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
        let config = self.config(name, settings);
        if config.model.is_empty() {
            let problem = "it names no model; write for example `openai/gpt-5-mini`".to_owned();
            return Err(OpenError::Failed { name: name.to_owned(), problem });
        }
        Ok(Arc::new(config.open()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: Option<&str>, key_env: Option<&str>) -> Settings {
        Settings { base_url: base_url.map(str::to_owned), key_env: key_env.map(str::to_owned) }
    }

    #[test]
    fn a_service_has_its_address_and_its_key() {
        let groq = GROQ.config("groq/llama-3.3-70b", &settings(None, None));
        assert_eq!((groq.model.as_str(), groq.base_url.as_str()), ("llama-3.3-70b", GROQ.base_url));
        assert_eq!(groq.key_env.as_deref(), Some("GROQ_API_KEY"));
        assert_eq!(OLLAMA.config("ollama/qwen3", &settings(None, None)).key_env, None);
        let routed = OPENROUTER.config("openrouter/qwen/qwen3-8b", &settings(None, Some("MINE")));
        assert_eq!((routed.model.as_str(), routed.key_env.as_deref()), ("qwen/qwen3-8b", Some("MINE")));
    }

    #[test]
    fn another_server_never_gets_the_key_of_the_service() {
        let elsewhere = settings(Some("http://elsewhere/v1"), None);
        for service in [OPENAI, OLLAMA, OPENROUTER, GROQ, TOGETHER, MISTRAL, DEEPSEEK] {
            let config = service.config("m", &elsewhere);
            assert_eq!((config.base_url.as_str(), config.key_env), ("http://elsewhere/v1", None));
        }
    }
}
