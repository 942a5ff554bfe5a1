//! Embedded models, of which the file is fetched first if it is not on this machine.

use std::sync::Arc;

use proofmark_runtime::model::{
    Model,
    local::{
        LocalError, LocalModel,
        pull::{self, ModelFile, Places, PullError},
        registry::{ModelName, NameError},
    },
};

pub use proofmark_runtime::model::local::pull::Progress;

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

impl EmbeddedError {
    /// Whether the user named a model that there is not.
    pub(crate) fn is_wrong_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

/// Checks that a name is the name of an embedded model.
///
/// # Errors
/// If it is not.
pub fn check_name(name: &str) -> Result<(), EmbeddedError> {
    name.parse::<ModelName>()?;
    Ok(())
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

pub(super) fn open(
    name: &str,
    watch: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<Arc<dyn Model>, EmbeddedError> {
    let file = fetch(name, watch)?;
    Ok(Arc::new(LocalModel::open(name, &file)?))
}
