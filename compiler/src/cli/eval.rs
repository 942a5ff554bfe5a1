//! `proofmark eval ARTIFACT DATA`: the pass rate on a data file, with its interval.

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Args;
use proofmark_runtime::{Candidate, ExampleId};
use serde_json::json;

use super::{Common, Failure, artifacts, say, screen};
use crate::{
    data,
    exit::Exit,
    gate::statistics::interval::{self, Bounds},
    task::Columns,
};

/// How many rows without a usable answer are listed.
const LISTED: usize = 20;

/// Score an artifact on a data file.
#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The artifact file
    artifact: PathBuf,
    /// Labelled rows: JSON lines, a JSON array or CSV
    data: PathBuf,
    /// Task whose columns and metric apply; the one above the artifact if left out
    #[arg(long)]
    task: Option<PathBuf>,
    /// Score that must be reached: pass if the interval is above it, fail if below, else inconclusive
    #[arg(long, value_name = "SHARE")]
    target: Option<f64>,
    /// Score the program as written instead of the candidate found
    #[arg(long)]
    baseline: bool,
    #[command(flatten)]
    other: artifacts::OtherModel,
    #[command(flatten)]
    common: Common,
}

impl Eval {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if self.target.is_some_and(|target| !(0.0..=1.0).contains(&target)) {
            return Err(Failure::new(Exit::Usage, "--target must be a share from 0 to 1"));
        }
        // Whoever is to approve a prompt may score it.
        let mut artifact = artifacts::read(&self.artifact)?.with_approval(None);
        if self.baseline {
            artifact = artifact.with_candidate(Candidate::baseline())?;
        }
        let task = artifacts::task_of(&self.artifact, self.task.as_deref())?;
        // What only matters for splitting need not be there.
        let Columns { id, inputs, outputs, .. } = task.data.columns.clone();
        let columns = Columns { id, inputs, outputs, ..Columns::default() };
        let examples = data::read_rows(&artifact.parts().program, &columns, &self.data)?;
        let (runner, parallel) = artifacts::runner(&artifact, &self.other, &self.common)?;
        let runtime = artifacts::runtime()?;
        let begun = Instant::now();
        let inputs = examples.iter().map(|example| example.inputs.clone()).collect();
        let runs = runtime.block_on(artifacts::run_all(Arc::new(runner), inputs, parallel));
        let seconds = begun.elapsed().as_secs_f64();

        let (mut scores, mut failures, mut calls) = (Vec::new(), Vec::new(), 0u64);
        for (example, run) in examples.iter().zip(runs) {
            calls += run.as_ref().map_or(1, |run| u64::from(run.calls));
            match run {
                Ok(run) => {
                    let judged = task.metric.score(example, &run.outputs, &run.steps);
                    let judged = judged.map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
                    scores.push(judged.score.get());
                }
                Err(error) if artifacts::of_provider(&error) => {
                    return Err(Failure::new(Exit::Provider, format!("row {}: {error}", example.id)));
                }
                Err(error) => {
                    scores.push(0.0);
                    failures.push((&example.id, error.to_string()));
                }
            }
        }
        task.metric.finish().map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        self.tell(&scores, &failures, (calls, seconds))
    }

    fn tell(
        &self,
        scores: &[f64],
        failures: &[(&ExampleId, String)],
        (calls, seconds): (u64, f64),
    ) -> Result<Exit, Failure> {
        let (score, Bounds { lower, upper }) = interval::mean_of_scores(scores);
        let verdict = self.target.map(|target| match target {
            target if lower >= target => "pass",
            target if upper < target => "fail",
            _ => "inconclusive",
        });
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = scores.len() as f64 / seconds.max(1e-9);
        if self.common.json {
            screen::document(&json!({
                "n": scores.len(), "score": score, "interval": [lower, upper], "verdict": verdict, "calls": calls,
                "rows_per_second": rate,
                "failures": failures.iter().map(|(row, error)| json!({"row": row, "error": error})).collect::<Vec<_>>(),
            }))?;
        } else {
            let percent = screen::percent;
            screen::line(&format!(
                "{} ({} to {}, 95 %) on {} rows",
                percent(score),
                percent(lower),
                percent(upper),
                scores.len()
            ))?;
            if let (Some(verdict), Some(target)) = (verdict, self.target) {
                screen::line(&format!("target {}: {verdict}", percent(target)))?;
            }
            if !self.common.quiet && !failures.is_empty() {
                say(&format!("{} rows gave no usable answer and count as 0:", failures.len()));
                for (row, problem) in failures.iter().take(LISTED) {
                    say(&format!("  {row}: {problem}"));
                }
                if failures.len() > LISTED {
                    say(&format!("  and {} more; --json lists them all", failures.len() - LISTED));
                }
            }
        }
        Ok(match verdict {
            Some("fail") => Exit::Rejected,
            Some("inconclusive") => Exit::Inconclusive,
            _ => Exit::Ok,
        })
    }
}
