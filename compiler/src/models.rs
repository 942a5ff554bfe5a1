//! Opening models by name: embedded ones are fetched first if they are not on this machine, all others are opened by
//! their provider; retries and limits go around servers.

#[cfg(not(feature = "local"))]
mod absent;
#[cfg(feature = "local")]
mod embedded;

use std::sync::Arc;

use proofmark_runtime::{
    layer::{Limit, OnRetry, Patience, Retry},
    model::{
        Model,
        providers::{self, OpenError, Settings},
    },
};

#[cfg(not(feature = "local"))]
pub use self::absent::Progress;
#[cfg(feature = "local")]
pub use self::embedded::{EmbeddedError, Progress, fetch};
use crate::config::ModelConfig;

/// Calls in flight to a server.
const SERVER_CALLS: usize = 16;
/// Calls in flight to an embedded model, which computes all of them together.
#[cfg(feature = "local")]
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
    /// An embedded model cannot be had.
    #[cfg(feature = "local")]
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// A provider refused.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Whether a model can be used, in words, as far as can be told without asking or fetching anything.
///
/// # Errors
/// Why it cannot.
pub fn ready(config: &ModelConfig) -> Result<String, ModelError> {
    #[cfg(feature = "local")]
    if config.base_url.is_none() && providers::is_local(&config.name) {
        return Ok(embedded::ready(&config.name)?);
    }
    providers::open(&config.name, &settings(config))?;
    Ok("can be asked; nothing was sent to it yet".to_owned())
}

/// Opens a model. `told` hears of failures that are waited out.
///
/// # Errors
/// [`ModelError`].
#[cfg_attr(not(feature = "local"), expect(unused_variables, reason = "only embedded models are downloaded"))]
pub fn open(
    config: &ModelConfig,
    watch: &(dyn Fn(Progress<'_>) + Send + Sync),
    told: OnRetry,
) -> Result<Opened, ModelError> {
    #[cfg(feature = "local")]
    if config.base_url.is_none() && providers::is_local(&config.name) {
        return Ok(Opened { model: embedded::open(&config.name, watch)?, parallel: LOCAL_CALLS });
    }
    let model = providers::open(&config.name, &settings(config))?;
    let patient = Retry::new(Limit::new(model, SERVER_CALLS), Patience::default(), told);
    Ok(Opened { model: Arc::new(patient), parallel: SERVER_CALLS })
}

fn settings(config: &ModelConfig) -> Settings {
    Settings { base_url: config.base_url.clone(), key_env: config.key_env.clone() }
}
