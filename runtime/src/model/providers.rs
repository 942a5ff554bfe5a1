//! Providers: ways to open a model by its name. One file each, one line in [`ALL`].
//!
//! **Invariant:** a name is opened by exactly one provider: the one whose prefix it has, or, if a base URL is given and no
//! prefix fits, the one for OpenAI-compatible servers. Opening sends nothing over the network.

use std::sync::Arc;

use super::Model;

/// The settings of a model in a task, beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// An HTTP server that speaks OpenAI's protocol, such as `http://localhost:8000/v1`.
    pub base_url: Option<String>,
    /// The environment variable that holds the server's key.
    pub key_env: Option<String>,
}

/// A way to open models.
pub trait Provider: Sync {
    /// The prefixes of its models' names: `vendor/` before a model, `kind:` before a path. No two overlap.
    fn prefixes(&self) -> &'static [&'static str];
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Whether its models are files that this process runs itself.
    fn is_local(&self) -> bool {
        false
    }
    /// Opens a model by its whole name.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError>;
}

/// Every provider of this build.
pub const ALL: &[&dyn Provider] = &[
    #[cfg(feature = "local")]
    &super::local::LocalProvider,
    #[cfg(not(feature = "local"))]
    &super::absent::AbsentProvider,
    #[cfg(feature = "http")]
    &super::openai::OPENAI,
    #[cfg(feature = "http")]
    &super::openai::OLLAMA,
    #[cfg(feature = "http")]
    &super::openai::OPENROUTER,
    #[cfg(feature = "http")]
    &super::openai::GROQ,
    #[cfg(feature = "http")]
    &super::openai::TOGETHER,
    #[cfg(feature = "http")]
    &super::openai::MISTRAL,
    #[cfg(feature = "http")]
    &super::openai::DEEPSEEK,
    #[cfg(feature = "store")]
    &super::replay::ReplayProvider,
    &super::scripted::ScriptedProvider,
];

/// The reason why a model could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No provider has a prefix of this name.
    #[error("`{name}` is not the name of a model; names begin with {}, or say where it is with `base_url`", known.join(", "))]
    UnknownProvider {
        /// The name.
        name: String,
        /// The known prefixes.
        known: Vec<&'static str>,
    },
    /// The key is not in the environment.
    #[error("`{name}` needs a key: set the environment variable {variable}")]
    NoKey {
        /// The model.
        name: String,
        /// The variable.
        variable: String,
    },
    /// The base URL cannot be used.
    #[error("the base URL of `{name}` cannot be used: {problem}")]
    BadBaseUrl {
        /// The model.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Anything else.
    #[error("`{name}` cannot be opened: {problem}")]
    Failed {
        /// The model.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// The provider whose prefix a name has.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    let fits = |provider: &&dyn Provider| provider.prefixes().iter().any(|prefix| name.starts_with(prefix));
    ALL.iter().copied().find(fits)
}

/// Whether a name means a model file that this process runs itself.
pub fn is_local(name: &str) -> bool {
    find(name).is_some_and(Provider::is_local)
}

/// Opens a model by name.
///
/// # Errors
/// [`OpenError`].
pub fn open(name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
    let fallback = settings.base_url.as_ref().and_then(|_| find("openai/"));
    let known = || ALL.iter().flat_map(|provider| provider.prefixes()).copied().collect();
    find(name)
        .or(fallback)
        .ok_or_else(|| OpenError::UnknownProvider { name: name.to_owned(), known: known() })?
        .open(name, settings)
}

impl Settings {
    /// Refuses settings for a model that is no server, which would ignore them.
    ///
    /// # Errors
    /// [`OpenError::Failed`].
    pub(super) fn expect_none(&self, name: &str) -> Result<(), OpenError> {
        if *self == Self::default() {
            return Ok(());
        }
        let problem =
            "it is no server, so `base_url` and `key_env` mean nothing for it; remove them".to_owned();
        Err(OpenError::Failed { name: name.to_owned(), problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_fits_two_providers() {
        let prefixes: Vec<_> = ALL.iter().flat_map(|provider| provider.prefixes()).collect();
        for (i, one) in prefixes.iter().enumerate() {
            for other in &prefixes[..i] {
                assert!(!one.starts_with(*other) && !other.starts_with(*one), "{one} {other}");
            }
        }
    }

    #[test]
    fn unknown_names_list_the_known_prefixes() {
        let error = open("gpt-5", &Settings::default()).err().unwrap().to_string();
        assert!(error.contains("scripted:"), "{error}");
    }

    #[test]
    fn server_settings_are_refused_without_a_server() {
        let settings = Settings { base_url: Some("http://localhost".into()), key_env: None };
        let error = open("scripted:x.json", &settings).err().unwrap().to_string();
        assert!(error.contains("`base_url`"), "{error}");
    }
}
