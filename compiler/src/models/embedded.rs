//! Embedded models. The file of one is fetched first if it is not on this machine.

use std::sync::Arc;

pub use proofmark_runtime::model::local::pull::Progress;
use proofmark_runtime::model::{
    Model,
    local::{
        LocalError, LocalModel,
        pull::{self, ModelFile, Places, PullError},
        registry::{ModelName, NameError},
    },
};

/// Why an embedded model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The name means nothing.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The file cannot be had.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The file cannot be used.
    #[error(transparent)]
    Local(#[from] LocalError),
}

/// Returns the file of an embedded model, fetched if need be.
///
/// # Errors
/// If the name means nothing or no source has the file.
pub fn fetch(name: &str, watch: &(dyn Fn(Progress<'_>) + Send + Sync)) -> Result<ModelFile, EmbeddedError> {
    let name: ModelName = name.parse()?;
    Ok(pull::pull(&name, &Places::from_env(), watch)?)
}

/// Says where the model's file is, and fetches nothing.
pub(super) fn ready(name: &str) -> Result<String, EmbeddedError> {
    let found = pull::find(&name.parse()?, &Places::from_env())?;
    Ok(match found {
        Some(file) => format!("on this machine, {}", file.path.display()),
        None => "not on this machine yet; the first run fetches it".to_owned(),
    })
}

/// Opens an embedded model.
pub(super) fn open(
    name: &str,
    watch: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<Arc<dyn Model>, EmbeddedError> {
    let file = fetch(name, watch)?;
    Ok(Arc::new(LocalModel::open(name, &file)?))
}
