//! A session for a task: its models behind its call store, its metric and guards tried.

use std::{path::Path, sync::Arc};

use proofmark_optimizers::Stop;
use proofmark_runtime::{
    Digest, Example, Program, digest,
    model::Sampling,
    store::{NewRun, RunState, Store},
};

use super::{Session, store};
use crate::{
    cli::{Common, Failure},
    compile::CompileError,
    config::ModelConfig,
    data::Splits,
    engine::{Backend, Engine, GateError, Proposer, Workers},
    ledger::StoredLedger,
    task::Task,
    workplace::Workplace,
};

/// The models, the call store and the judges of a task.
pub(crate) struct TaskSession {
    // Dropped first: it holds the progress display, which must not draw over the result.
    backend: Backend,
    place: Workplace,
    store: Store,
    // Holds the threads that calls are awaited on.
    _session: Session,
}

/// What is left of a session when no model is asked any more.
pub(crate) struct Closed {
    pub(crate) store: Store,
    pub(crate) place: Workplace,
}

/// A run on record that has not ended.
pub(crate) struct OpenRun {
    id: String,
    store: Store,
}

impl TaskSession {
    /// Opens what the task at `path` asks with. The judges are tried on one of the visible rows.
    pub(crate) fn open(
        task: &Task,
        path: &Path,
        program: &Program,
        visible: &[&Example],
        common: &Common,
    ) -> Result<Self, Failure> {
        let session = Session::open(common)?;
        let place = Workplace::of(path);
        let store = store(&place)?;
        let (model, parallel) = session.stored(&task.model, &store)?;
        let proposer = match &task.proposer {
            Some(config) => Some(proposer(&session, config, &store)?),
            None => None,
        };
        let workers = Workers {
            model,
            sampling: Sampling {
                temperature: task.model.temperature,
                max_tokens: task.model.max_tokens,
                ..Sampling::default()
            },
            proposer,
            metric: Arc::clone(&task.metric),
            guards: task.guards.iter().map(|guard| Arc::clone(&guard.metric)).collect(),
            runtime: session.handle().clone(),
            watch: session.watcher(),
            cancel: session.cancel.clone(),
            parallel,
        };
        let backend = Backend::open(workers, program, visible)?;
        Ok(Self { backend, place, store, _session: session })
    }

    /// The same without guards, for a command that asks none.
    pub(crate) fn without_guards(self) -> Self {
        Self { backend: self.backend.without_guards(), ..self }
    }

    /// What answers and judges.
    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The call store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// An engine for questions that are no search: its budget is what [`Engine::allow`] says.
    pub(crate) fn engine<'a>(&self, program: &'a Program, run: &str) -> Engine<'a> {
        Engine::new(self.backend.clone(), program, [], (self.store.clone(), run.to_owned(), 0))
    }

    /// The ledger that a run asks with.
    pub(crate) fn ledger<'a>(&'a self, run: &'a str) -> StoredLedger<'a> {
        StoredLedger::new(&self.store, run)
    }

    /// Records that a run begins.
    pub(crate) fn begin(&self, task: &Task, id: &str, seed: u64) -> Result<OpenRun, Failure> {
        let config: Digest = digest(id);
        let command = command_line();
        let (id, task) = (id.to_owned(), task.name.clone());
        self.store.begin_run(&NewRun { id: id.clone(), task, command, seed, config })?;
        Ok(OpenRun { id, store: self.store.clone() })
    }

    /// Ends the progress display. The call store stays open for the record of the run.
    pub(crate) fn close(self) -> Closed {
        let Self { store, place, .. } = self;
        Closed { store, place }
    }
}

impl OpenRun {
    /// Records how the run ended if it failed.
    pub(crate) fn watch<T>(&self, result: Result<T, CompileError>) -> Result<T, Failure> {
        result.map_err(|error| {
            let state = match &error {
                CompileError::Stopped(Stop::Cancelled)
                | CompileError::Gate(GateError::Measure(Stop::Cancelled)) => RunState::Interrupted,
                _ => RunState::Failed,
            };
            self.fail(state, &error.to_string());
            Failure::from(error)
        })
    }

    /// Records how the run ended.
    pub(crate) fn end(&self, state: RunState, summary: &str) -> Result<(), Failure> {
        Ok(self.store.end_run(&self.id, state, summary)?)
    }

    /// Records that the run failed. The failure itself is what the user sees, also where its record cannot be written.
    pub(crate) fn fail(&self, state: RunState, summary: &str) {
        self.store.end_run(&self.id, state, summary).ok();
    }
}

/// The training and validation rows, which a search may see.
pub(crate) fn visible(splits: &Splits) -> Vec<&Example> {
    splits.train.examples().iter().chain(splits.val.examples()).collect()
}

/// The command as it was given, for the record of runs.
pub(crate) fn command_line() -> String {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn proposer(session: &Session, config: &ModelConfig, store: &Store) -> Result<Proposer, Failure> {
    let (model, _) = session.stored(config, store)?;
    Ok(Proposer { model, max_tokens: config.max_tokens })
}
