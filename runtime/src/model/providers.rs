//! Providers: who can open a model by its name. One file each, one line in [`ALL`].
//!
//! **Invariant:** a name is opened by exactly one provider: the one whose prefix it bears, or the HTTP one if a base URL
//! is given. Opening sends nothing to anybody.

use std::sync::Arc;

use super::Model;

/// What a task says about a model beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// An HTTP server that speaks OpenAI's protocol, such as `http://localhost:11434/v1`.
    pub base_url: Option<String>,
    /// The environment variable that holds the server's key.
    pub key_env: Option<String>,
}

/// A way to open models.
pub trait Provider: Sync {
    /// What the names of its models begin with: `vendor/` before a model, `kind:` before a path.
    fn prefix(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Opens a model by its whole name.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&self, name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError>;
}

/// Every provider of this build.
pub const ALL: &[&dyn Provider] = &[
    #[cfg(feature = "http")]
    &super::openai::OpenAiProvider,
    #[cfg(feature = "store")]
    &super::replay::ReplayProvider,
    &super::scripted::ScriptedProvider,
];

/// Why a model could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No provider has such names.
    #[error("`{name}` is not the name of a model; names begin with {}, or say where it is with `base_url`", known.join(", "))]
    UnknownProvider {
        /// The name.
        name: String,
        /// The prefixes there are.
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

/// The provider whose prefix a name bears.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    ALL.iter().copied().find(|provider| name.starts_with(provider.prefix()))
}

/// Opens a model by name.
///
/// # Errors
/// [`OpenError`].
pub fn open(name: &str, settings: &Settings) -> Result<Arc<dyn Model>, OpenError> {
    let provider = match settings.base_url {
        Some(_) => find("openai/"),
        None => find(name),
    };
    let known = || ALL.iter().map(|provider| provider.prefix()).collect();
    provider
        .ok_or_else(|| OpenError::UnknownProvider { name: name.to_owned(), known: known() })?
        .open(name, settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_distinct() {
        for (i, one) in ALL.iter().enumerate() {
            for other in &ALL[..i] {
                assert!(
                    !one.prefix().starts_with(other.prefix()) && !other.prefix().starts_with(one.prefix())
                );
            }
        }
    }

    #[test]
    fn unknown_names_are_told_what_there_is() {
        let error = open("gpt-5", &Settings::default()).err().unwrap();
        assert!(matches!(error, OpenError::UnknownProvider { .. }), "{error}");
    }
}
