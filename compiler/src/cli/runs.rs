//! `proofmark runs TASK`: what was run, when, and how it ended.

use std::io::ErrorKind;

use clap::Args;
use proofmark_runtime::store::Store;
use serde_json::json;

use super::{Common, Failure, TaskArg, failure, say, screen};
use crate::{exit::Exit, workplace::Workplace};

/// List the runs of a task.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    #[command(flatten)]
    task: TaskArg,
    #[command(flatten)]
    common: Common,
}

impl Runs {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if !self.task.task.exists() {
            return Err(failure::missing_task(&self.task.task, &ErrorKind::NotFound.into()));
        }
        let place = Workplace::of(&self.task.task);
        let runs = if place.calls().exists() { Store::open(place.calls())?.runs()? } else { vec![] };
        if self.common.json {
            let list: Vec<_> = runs
                .iter()
                .map(|run| {
                    json!({
                        "id": run.about.id, "task": run.about.task, "command": run.about.command,
                        "seed": run.about.seed, "state": run.state.name(), "summary": run.summary,
                        "started_ms": run.started, "ended_ms": run.ended,
                        "folder": place.run(&run.about.id),
                    })
                })
                .collect();
            return screen::document(&json!({"runs": list}));
        }
        if runs.is_empty() {
            say("No run yet.");
        }
        for run in runs {
            let summary = if run.summary.is_empty() { "-" } else { &run.summary };
            screen::line(&format!(
                "{}  {:<11}  seed {:<6}  {summary}",
                run.about.id,
                run.state.name(),
                run.about.seed
            ))?;
        }
        Ok(Exit::Ok)
    }
}
