//! What stands in for embedded models in a build without the feature `local`: errors that say so.

use std::sync::Arc;

use proofmark_runtime::model::Model;

/// A build without embedded models was asked for one.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{name}` is an embedded model, and this binary was built without them; build it with the feature `local`, or name \
     another model in [model]"
)]
pub struct EmbeddedError {
    name: String,
}

/// The progress of a download; here there is none.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process is fetching.
    Waiting,
    /// A source is asked for the file.
    Asking {
        /// The source.
        source: &'a str,
    },
    /// The file is hashed.
    Verifying,
    /// Bytes have arrived.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// All bytes, if the source said.
        total: Option<u64>,
    },
}

impl EmbeddedError {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Whether the user named a model that there is not.
    pub(crate) fn is_wrong_name(&self) -> bool {
        true
    }
}

/// Refuses the name.
///
/// # Errors
/// Always.
pub fn check_name(name: &str) -> Result<(), EmbeddedError> {
    Err(EmbeddedError::new(name))
}

pub(super) fn ready(name: &str) -> Result<String, EmbeddedError> {
    Err(EmbeddedError::new(name))
}

pub(super) fn open(
    name: &str,
    _watch: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<Arc<dyn Model>, EmbeddedError> {
    Err(EmbeddedError::new(name))
}
