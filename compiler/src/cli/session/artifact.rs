//! A session for an artifact: its model asked afresh, without the call store, which would only repeat what is recorded.

use std::{path::Path, sync::Arc};

use clap::Args;
use proofmark_optimizers::{Score, Stop};
use proofmark_runtime::{
    Example, Record,
    artifact::Artifact,
    model::{CallError, Model as _},
    run::{Run, RunError, Runner},
};

use super::Session;
use crate::{
    cli::{Common, Failure, say},
    config::ModelConfig,
    engine::{try_judges, unjudged},
    exit::Exit,
    metric::Metric,
    models::Opened,
    task::{TASK_FILE, Task},
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

/// An artifact's program on a model.
pub(crate) struct ArtifactSession {
    session: Session,
    runner: Arc<Runner>,
    parallel: usize,
}

/// A fresh answer to a labelled row, scored.
pub(crate) enum Answer {
    /// The run and its score.
    Scored(Box<Run>, Score),
    /// No usable answer, and why.
    Unusable(RunError),
}

impl ArtifactSession {
    /// Opens the artifact's own model, unless another is named.
    pub(crate) fn open(artifact: &Artifact, other: &OtherModel, common: &Common) -> Result<Self, Failure> {
        let (session, opened) = open(artifact, other, common)?;
        let own = *opened.model.identity() == *artifact.model();
        if !own && !common.quiet {
            say("note: this is not the model that the artifact was stamped on; its numbers do not hold here");
        }
        let runner = match other.model.is_some() || other.base_url.is_some() {
            true => artifact.runner_on_any(opened.model)?,
            false => artifact.runner(opened.model)?,
        };
        Ok(Self { session, runner: Arc::new(runner), parallel: opened.parallel })
    }

    /// Opens the artifact's model as it is today, to find out whether the stamp still holds.
    pub(crate) fn open_on_any(
        artifact: &Artifact,
        other: &OtherModel,
        common: &Common,
    ) -> Result<Self, Failure> {
        let (session, opened) = open(artifact, other, common)?;
        let runner = artifact.runner_on_any(opened.model)?;
        Ok(Self { session, runner: Arc::new(runner), parallel: opened.parallel })
    }

    /// Runs all records; results in order, failures of the provider among them.
    pub(crate) fn run_each(&self, records: Vec<Record>) -> Result<Vec<Result<Run, RunError>>, Failure> {
        let work = records.into_iter().map(|record| (Arc::clone(&self.runner), record, 0)).collect();
        self.session.pool(self.parallel).each(work).map_err(unkept)
    }

    /// Has the artifact answer labelled rows and the metric score the answers, in order. The metric is tried before the first
    /// call; the first failure of the provider ends it.
    pub(crate) fn answer(
        &self,
        artifact: &Artifact,
        metric: &Arc<Metric>,
        rows: &[&Example],
    ) -> Result<Vec<Answer>, Failure> {
        try_judges(std::iter::once(metric), &artifact.parts().program, rows)?;
        let work = rows.iter().map(|row| (Arc::clone(&self.runner), row.inputs.clone(), 0)).collect();
        let runs = self.session.pool(self.parallel).runs(work, || ()).map_err(unkept)?;
        let mut answers = Vec::with_capacity(rows.len());
        for (row, run) in rows.iter().zip(runs) {
            answers.push(match run {
                Ok(run) => {
                    let judged = metric.score(row, &run.outputs, &run.steps).map_err(unjudged)?;
                    Answer::Scored(Box::new(run), judged.score)
                }
                Err(error) => Answer::Unusable(error),
            });
        }
        metric.finish().map_err(unjudged)?;
        Ok(answers)
    }
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

/// Whether an error is the provider's doing, not that of the record or of the prompt.
pub(crate) fn is_of_provider(error: &RunError) -> bool {
    matches!(error, RunError::Call { error, .. } if !matches!(error, CallError::TooLong { .. }))
}

fn open(artifact: &Artifact, other: &OtherModel, common: &Common) -> Result<(Session, Opened), Failure> {
    let session = Session::open(common)?;
    let config = ModelConfig {
        name: other.model.clone().unwrap_or_else(|| artifact.model().name.clone()),
        base_url: other.base_url.clone(),
        key_env: other.key_env.clone(),
        temperature: artifact.parts().sampling.temperature,
        max_tokens: artifact.parts().sampling.max_tokens,
    };
    let opened = session.model(&config)?;
    Ok((session, opened))
}

/// A stop of a command whose answers are not kept.
fn unkept(stop: Stop) -> Failure {
    let hint = "this command asks afresh, so its answers were not kept; the same command starts again";
    Failure::from(stop).hint(hint)
}
