//! A session: what a command opens before it asks a model, in one order and in one place.
//!
//! First the threads with Ctrl-C, then the call store, then the models, and last the judges, which are tried on a visible
//! row. [`TaskSession`] asks a task's models behind the call store; [`ArtifactSession`] asks an artifact's model afresh.
//!
//! **Invariant:** no command asks a model without a session, and no session makes a call that a judge would score before that
//! judge passed its trial. `tests/it/session.rs` holds every command to the same exit codes and messages.

mod artifact;
mod task;

use std::sync::{Arc, OnceLock};

use proofmark_runtime::store::{Cached, Store};
use tokio::runtime::{Builder, Handle, Runtime};
#[cfg(unix)]
use tokio::signal::unix::SignalKind;

use super::{Common, Failure, download::Download, progress, say};
use crate::{
    cancel::Cancel,
    config::ModelConfig,
    engine::{StoredModel, pool::Pool},
    exit::Exit,
    models::{self, Opened},
    watch::Watcher,
    workplace::Workplace,
};

pub(crate) use artifact::{Answer, ArtifactSession, OtherModel, is_of_provider, task_of};
pub(crate) use task::{Closed, TaskSession, command_line, visible};

/// Threads to await calls on, Ctrl-C, and the progress display.
pub(crate) struct Session {
    runtime: Runtime,
    cancel: Cancel,
    watch: Arc<OnceLock<Watcher>>,
    common: Common,
}

impl Session {
    /// Opens threads and listens for Ctrl-C.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        let runtime = threads()?;
        let cancel = Cancel::default();
        cancel.on_ctrl_c(runtime.handle());
        Ok(Self { runtime, cancel, watch: Arc::default(), common: common.clone() })
    }

    /// The threads.
    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The progress display. It is drawn from the first call on, so that downloads before it have the terminal to
    /// themselves.
    pub(crate) fn watcher(&self) -> Watcher {
        Arc::clone(self.watch.get_or_init(|| progress::watcher(&self.common)))
    }

    /// A pool that keeps at most `parallel` calls in flight and stops at Ctrl-C.
    pub(crate) fn pool(&self, parallel: usize) -> Pool<'_> {
        Pool { runtime: self.runtime.handle(), cancel: &self.cancel, parallel }
    }

    /// Opens a model that is asked afresh.
    pub(crate) fn model(&self, config: &ModelConfig) -> Result<Opened, Failure> {
        let download = Download::new(&self.common);
        let quiet = self.common.quiet;
        let watch = Arc::clone(&self.watch);
        let notice = move |error: &_, wait: std::time::Duration| {
            if quiet {
                return;
            }
            let text = format!("{error}; asking again in {:.1} s", wait.as_secs_f64());
            match watch.get() {
                Some(watch) => watch.remark(&text),
                None => say(&text),
            }
        };
        Ok(models::open(config, &|progress| download.tell(progress), Arc::new(notice))?)
    }

    /// Opens a model behind the call store, and how many calls it takes at a time.
    pub(crate) fn stored(
        &self,
        config: &ModelConfig,
        store: &Store,
    ) -> Result<(StoredModel, usize), Failure> {
        let Opened { model, parallel } = self.model(config)?;
        Ok((Arc::new(Cached::new(model, store.clone())), parallel))
    }
}

/// Opens the call store of a task.
pub(crate) fn store(place: &Workplace) -> Result<Store, Failure> {
    let path = place.calls();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    }
    Ok(Store::open(path)?)
}

/// Threads to await calls on.
pub(crate) fn threads() -> Result<Runtime, Failure> {
    let none = |error| Failure::new(Exit::Internal, format!("the system gave no threads: {error}"));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(none)?;
    fail_writes_beyond_the_limit(&runtime);
    Ok(runtime)
}

/// Makes a write beyond the limit on file sizes (`ulimit -f`) fail with an error, instead of killing the process: a process
/// that listens for a signal is not killed by it.
#[cfg(unix)]
fn fail_writes_beyond_the_limit(runtime: &Runtime) {
    /// SIGXFSZ on Linux and macOS.
    const FILE_SIZE_LIMIT: i32 = 25;
    let listen = || tokio::signal::unix::signal(SignalKind::from_raw(FILE_SIZE_LIMIT));
    // Listening stays in force when the listener is dropped. Without it, things are as they were.
    let _ = runtime.block_on(async { listen().map(drop) });
}

#[cfg(not(unix))]
fn fail_writes_beyond_the_limit(_: &Runtime) {}
