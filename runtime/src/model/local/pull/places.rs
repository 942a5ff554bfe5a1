//! The places of model files, on this machine and elsewhere. Only this module reads the environment for them.

use std::{
    env,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::model::local::registry::ModelName;

/// The places of model files.
#[derive(Clone, Debug)]
pub struct Places {
    /// `PROOFMARK_MODELS`: a folder with model files, or one such file. It is never written.
    pub models: Option<PathBuf>,
    /// The folder of downloaded files: `proofmark/models` in the user's cache folder.
    pub cache: PathBuf,
    /// `HF_ENDPOINT`: a server with the protocol of Hugging Face.
    pub hub: String,
    /// `HF_TOKEN`.
    pub token: Option<SecretString>,
}

impl Places {
    /// The places that the environment names. An empty variable counts as none.
    pub fn from_env() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let text = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let hub = text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Self {
            models: path("PROOFMARK_MODELS"),
            cache: cache_folder(path).join("proofmark").join("models"),
            hub: hub.trim().trim_end_matches('/').to_owned(),
            token: text("HF_TOKEN").map(|token| token.trim().into()),
        }
    }

    /// The path of a model's file in the cache folder, whether or not it exists.
    pub fn cached(&self, name: &ModelName) -> PathBuf {
        match name {
            ModelName::Known(entry) => self.cache.join(entry.file),
            ModelName::Hub { repository, file } => self.cache.join("hf").join(repository).join(file),
            ModelName::File(path) => path.clone(),
        }
    }

    /// The path of a file according to `PROOFMARK_MODELS`.
    pub(super) fn named(&self, file: &str) -> Option<PathBuf> {
        let models = self.models.as_deref()?;
        Some(if models.is_dir() { models.join(file) } else { models.to_owned() })
    }
}

/// The user's cache folder by the convention of the system; without a home, the folder for temporary files.
fn cache_folder(path: impl Fn(&'static str) -> Option<PathBuf>) -> PathBuf {
    let home = || path("HOME").or_else(|| path("USERPROFILE"));
    let by_custom = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Caches"))
    } else {
        None
    };
    // The XDG base directory specification says to ignore a relative path.
    let xdg = path("XDG_CACHE_HOME").filter(|folder| Path::is_absolute(folder));
    xdg.or(by_custom).or_else(|| home().map(|home| home.join(".cache"))).unwrap_or_else(env::temp_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_folder_follows_the_environment() {
        let with = |variables: &'static [(&str, &str)]| {
            cache_folder(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Path::new("/c"));
        if cfg!(target_os = "linux") {
            assert_eq!(with(&[("HOME", "/h")]), Path::new("/h/.cache"));
            assert_eq!(with(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]), Path::new("/h/.cache"));
        }
        assert_eq!(with(&[]), env::temp_dir());
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Some("hf_secret".into());
        let places = Places { models: None, cache: "/c".into(), hub: String::new(), token };
        assert!(!format!("{places:?}").contains("hf_secret"));
    }
}
