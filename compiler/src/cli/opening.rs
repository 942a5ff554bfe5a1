//! Opening models on the command line: download progress, the call store, the layers.

use std::{
    io::IsTerminal,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use proofmark_optimizers::{Culprit, Stop};
use proofmark_runtime::{
    layer::OnRetry,
    model::{Sampling, local::pull::Progress, providers::OpenError},
    store::{Cached, Store, StoreError},
};
use tokio::runtime::Handle;

use super::{Common, Failure, progress, say};
use crate::{
    cancel::Cancel,
    engine::{Crew, Proposer, StoredModel},
    exit::Exit,
    gate::{GateError, table::NoTable},
    models::{self, ModelError, Opened},
    task::{ModelConfig, Task},
    watch::Watcher,
};

/// Shows a download: a bar on a terminal, a line per source and per tenth elsewhere.
pub(crate) struct Download {
    bar: Option<ProgressBar>,
    quiet: bool,
    tenths: Mutex<u64>,
}

impl Download {
    pub(crate) fn new(common: &Common) -> Self {
        let bar = (!common.quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, quiet: common.quiet, tenths: Mutex::new(0) }
    }

    pub(crate) fn tell(&self, progress: Progress<'_>) {
        match progress {
            Progress::Waiting => self.say("Another process is fetching the model; waiting for it"),
            Progress::Asking { source } => self.say(&format!("Fetching the model from {source} (once)")),
            Progress::Verifying => self.say("Verifying the model's checksum"),
            Progress::Bytes { done, total } => self.bytes(done, total),
        }
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
        } else if let Some(total) = total {
            let mut told = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
            let tenth = 10 * done / total.max(1);
            if tenth > *told {
                *told = tenth;
                self.say(&format!("  {} of {} MB", done / 1_000_000, total / 1_000_000));
            }
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None if !self.quiet => say(text),
            None => {}
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Opens a model. `tell` says that a call failed and is repeated after a while, unless nothing is to be said.
pub(crate) fn model(
    config: &ModelConfig,
    common: &Common,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Opened, Failure> {
    let (download, quiet) = (Download::new(common), common.quiet);
    let told: OnRetry = Arc::new(move |error, wait| {
        if !quiet {
            tell(&format!("{error}; asking again in {:.1} s", wait.as_secs_f64()));
        }
    });
    Ok(models::open(config, &|progress| download.tell(progress), told)?)
}

/// The command as it was given, for the record of runs.
pub(crate) fn command_line() -> String {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Opens the call store.
pub(crate) fn store(path: &Path) -> Result<Store, Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    }
    Ok(Store::open(path)?)
}

/// Opens a model behind the call store, and how many calls it takes at a time. Whoever watches, once there is one, hears of
/// failures that are waited out.
pub(crate) fn stored(
    config: &ModelConfig,
    store: &Store,
    common: &Common,
    watch: &Arc<OnceLock<Watcher>>,
) -> Result<(StoredModel, usize), Failure> {
    let watch = Arc::clone(watch);
    let tell = move |text: &str| watch.get().into_iter().for_each(|watch| watch.remark(text));
    let Opened { model, parallel } = model(config, common, tell)?;
    Ok((Arc::new(Cached::new(model, store.clone())), parallel))
}

/// Everybody who works for a task, and the way to stop them.
pub(crate) fn crew(
    task: &Task,
    store: &Store,
    runtime: &Handle,
    common: &Common,
) -> Result<(Crew, Cancel), Failure> {
    let watch: Arc<OnceLock<Watcher>> = Arc::default();
    let open = |config: &ModelConfig| stored(config, store, common, &watch);
    let (model, parallel) = open(&task.model)?;
    let proposer = match &task.proposer {
        Some(config) => Some(Proposer { model: open(config)?.0, max_tokens: config.max_tokens }),
        None => None,
    };
    let cancel = Cancel::default();
    let crew = Crew {
        model,
        sampling: Sampling {
            temperature: task.model.temperature,
            max_tokens: task.model.max_tokens,
            ..Sampling::default()
        },
        proposer,
        metric: Arc::clone(&task.metric),
        guards: task.guards.iter().map(|guard| Arc::clone(&guard.metric)).collect(),
        runtime: runtime.clone(),
        watch: Arc::clone(watch.get_or_init(|| progress::watcher(common))),
        cancel: cancel.clone(),
        parallel,
    };
    Ok((crew, cancel))
}

impl From<&Stop> for Failure {
    fn from(stop: &Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::new(Exit::Interrupted, "stopped; nothing is lost")
                .hint("the same command goes on where it stopped and pays for no call twice"),
            Stop::Budget => Self::new(Exit::Budget, "the budget was spent before anything could be measured")
                .hint("raise [optimizer] budget.calls or --budget-calls"),
            Stop::Failed { culprit, message } => {
                let exit = match culprit {
                    Culprit::Model => Exit::Provider,
                    Culprit::Metric => Exit::Invalid,
                    Culprit::Store => Exit::Internal,
                };
                Self::new(exit, message.clone())
                    .hint("every answered call is kept; the same command goes on from there")
            }
            Stop::Broken { message } => Self::new(Exit::Internal, message.clone())
                .hint("this is a mistake in Proofmark: please report it with the command that led to it"),
        }
    }
}

impl<E> From<GateError<E>> for Failure
where
    E: std::fmt::Display,
    Self: From<E>,
{
    fn from(error: GateError<E>) -> Self {
        let exit = match error {
            GateError::Measure(error) => return Self::from(error),
            GateError::TokensNotCounted { .. } => Exit::Provider,
            GateError::NoUnits | GateError::Miscounted { .. } | GateError::Ledger(_) => Exit::Internal,
            GateError::Finalists { .. }
            | GateError::Unsealed { .. }
            | GateError::NeverAsked
            | GateError::Decided { .. }
            | GateError::NotFresh { .. } => Exit::Invalid,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::from(&stop)
    }
}

impl From<NoTable> for Failure {
    fn from(error: NoTable) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let exit = match &error {
            ModelError::Name(_) | ModelError::Open(OpenError::UnknownProvider { .. }) => Exit::Usage,
            _ => Exit::Provider,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}
