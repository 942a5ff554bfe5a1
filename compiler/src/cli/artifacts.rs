//! Reading artifacts and running them: what `run`, `eval` and `show` share.

use std::{path::Path, sync::Arc};

use clap::Args;
use proofmark_runtime::{
    Record,
    artifact::{Artifact, ArtifactError},
    model::CallError,
    run::{Run, RunError, Runner},
};
#[cfg(unix)]
use tokio::signal::unix::SignalKind;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use super::{Common, Failure, opening, say};
use crate::{
    exit::Exit,
    models::Opened,
    task::{ModelConfig, TASK_FILE, Task},
};

/// Flags for running an artifact on a model other than its own.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OtherModel {
    /// Ask this model instead of the artifact's; its stamp says nothing about it
    #[arg(long)]
    model: Option<String>,
    /// Base URL of an OpenAI-compatible server
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Environment variable with the server's key
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
}

/// Reads an artifact.
pub(crate) fn read(path: &Path) -> Result<Artifact, Failure> {
    Artifact::read(path).map_err(|error| match error {
        ArtifactError::Io { .. } => Failure::from(error),
        error => Failure::new(Exit::Invalid, format!("{}: {error}", path.display())),
    })
}

/// The task whose rows and metric apply to an artifact: the one that is named, else the one above it.
pub(crate) fn task_of(artifact: &Path, named: Option<&Path>) -> Result<Task, Failure> {
    let is_task = |folder: &&Path| folder.join(TASK_FILE).is_file();
    let above = || artifact.canonicalize().ok()?.ancestors().find(is_task).map(Path::to_owned);
    let path = named.map(Path::to_owned).or_else(above).ok_or_else(|| {
        Failure::new(Exit::Usage, "no task stands above this artifact, so it is not known how to score")
            .hint("name the task with --task FOLDER: its columns and metric are used")
    })?;
    Ok(Task::load(&path)?)
}

/// The artifact's runner, on its own model unless another is named, and how many calls may be in flight.
pub(crate) fn runner(
    artifact: &Artifact,
    other: &OtherModel,
    common: &Common,
) -> Result<(Runner, usize), Failure> {
    let opened = open(artifact, other, common)?;
    let own = *opened.model.identity() == *artifact.model();
    if !own && !common.quiet {
        say("note: this is not the model that the artifact was stamped on; its numbers do not hold here");
    }
    let runner = match other.model.is_some() || other.base_url.is_some() {
        true => artifact.runner_on_any(opened.model)?,
        false => artifact.runner(opened.model)?,
    };
    Ok((runner, opened.parallel))
}

/// The same, whatever the model has become: to find out whether the stamp still holds.
pub(crate) fn runner_on_any(
    artifact: &Artifact,
    other: &OtherModel,
    common: &Common,
) -> Result<(Runner, usize), Failure> {
    let opened = open(artifact, other, common)?;
    Ok((artifact.runner_on_any(opened.model)?, opened.parallel))
}

fn open(artifact: &Artifact, other: &OtherModel, common: &Common) -> Result<Opened, Failure> {
    let config = ModelConfig {
        name: other.model.clone().unwrap_or_else(|| artifact.model().name.clone()),
        base_url: other.base_url.clone(),
        key_env: other.key_env.clone(),
        temperature: artifact.parts().sampling.temperature,
        max_tokens: artifact.parts().sampling.max_tokens,
    };
    opening::model(&config, common, say)
}

/// Runs all records, at most `parallel` at a time; results in order.
pub(crate) async fn run_all(
    runner: Arc<Runner>,
    records: Vec<Record>,
    parallel: usize,
) -> Vec<Result<Run, RunError>> {
    let mut results: Vec<Option<Result<Run, RunError>>> = records.iter().map(|_| None).collect();
    let mut waiting = records.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < parallel
            && let Some((index, record)) = waiting.next()
        {
            let runner = Arc::clone(&runner);
            running.spawn(async move { (index, runner.run(&record, 0).await) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((index, result))) => results[index] = Some(result),
            Some(Err(_)) => {}
        }
    }
    results.into_iter().flatten().collect()
}

/// Whether an error is the provider's doing, not that of the record or of the prompt.
pub(crate) fn of_provider(error: &RunError) -> bool {
    matches!(error, RunError::Call { error, .. } if !matches!(error, CallError::TooLong { .. }))
}

/// Threads to await calls on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let none = |error| Failure::new(Exit::Internal, format!("the system gave no threads: {error}"));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(none)?;
    fail_writes_beyond_the_limit(&runtime);
    Ok(runtime)
}

/// Makes a write beyond the limit on file sizes (`ulimit -f`) fail with an error that is told, instead of killing the
/// process: whoever listens for a signal is not killed by it.
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

impl From<ArtifactError> for Failure {
    fn from(error: ArtifactError) -> Self {
        Self::new(Exit::Invalid, error.to_string())
    }
}
