//! Opening models by name: embedded ones are fetched first if they are not on this machine, all others are opened by
//! their provider; retries and limits go around servers.

use std::sync::Arc;

use proofmark_runtime::{
    layer::{Limit, Patience, Retry, Told},
    model::{
        Model,
        local::{
            LocalError, LocalModel,
            pull::{self, ModelFile, Places, Progress, PullError},
            registry::{ModelName, NameError},
        },
        providers::{self, OpenError, Settings},
    },
};

use crate::config::ModelConfig;

/// Calls in flight to a server.
const SERVER_CALLS: usize = 16;
/// Calls in flight to an embedded model, which computes all of them together.
const LOCAL_CALLS: usize = 256;

/// A model, and how many calls it takes at a time.
pub struct Opened {
    /// The model, with retries where they make sense.
    pub model: Arc<dyn Model>,
    /// Calls that may be in flight.
    pub parallel: usize,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The name means nothing.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The file cannot be had.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The file cannot be used.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A provider refused.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// The file of an embedded model, fetched if need be.
///
/// # Errors
/// If the name means nothing or no source has the file.
pub fn fetch(name: &str, watch: &(dyn Fn(Progress<'_>) + Send + Sync)) -> Result<ModelFile, ModelError> {
    let name: ModelName = name.parse()?;
    Ok(pull::pull(&name, &Places::from_env(), watch)?)
}

/// Whether a model can be used, in words, as far as can be told without asking or fetching anything.
///
/// # Errors
/// Why it cannot.
pub fn ready(config: &ModelConfig) -> Result<String, ModelError> {
    if config.base_url.is_none() && providers::is_local(&config.name) {
        let found = pull::find(&config.name.parse()?, &Places::from_env())?;
        return Ok(match found {
            Some(file) => format!("on this machine, {}", file.path.display()),
            None => "not on this machine yet; the first run fetches it".to_owned(),
        });
    }
    providers::open(&config.name, &settings(config))?;
    Ok("can be asked; nothing was sent to it yet".to_owned())
}

/// Opens a model. `told` hears of failures that are waited out.
///
/// # Errors
/// [`ModelError`].
pub fn open(
    config: &ModelConfig,
    watch: &(dyn Fn(Progress<'_>) + Send + Sync),
    told: Told,
) -> Result<Opened, ModelError> {
    if config.base_url.is_none() && providers::is_local(&config.name) {
        let file = fetch(&config.name, watch)?;
        let model = LocalModel::open(&config.name, &file)?;
        return Ok(Opened { model: Arc::new(model), parallel: LOCAL_CALLS });
    }
    let model = providers::open(&config.name, &settings(config))?;
    let patient = Retry::new(Limit::new(model, SERVER_CALLS), Patience::default(), told);
    Ok(Opened { model: Arc::new(patient), parallel: SERVER_CALLS })
}

fn settings(config: &ModelConfig) -> Settings {
    Settings { base_url: config.base_url.clone(), key_env: config.key_env.clone() }
}
