//! `proofmark eval ARTIFACT DATA`: the pass rate on a data file, with its interval.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use proofmark_runtime::{Candidate, ExampleId};
use serde_json::json;

use super::{
    Common, Failure, artifacts, say, screen,
    session::{Answer, ArtifactSession, OtherModel, task_of},
};
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
    other: OtherModel,
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
        let task = task_of(&self.artifact, self.task.as_deref())?;
        // What only matters for splitting need not be there.
        let Columns { id, inputs, outputs, .. } = task.data.columns.clone();
        let columns = Columns { id, inputs, outputs, ..Columns::default() };
        let examples = data::read_rows(&artifact.parts().program, &columns, &self.data)?;
        let session = ArtifactSession::open(&artifact, &self.other, &self.common)?;
        let begun = Instant::now();
        let rows: Vec<_> = examples.iter().collect();
        let answers = session.answer(&artifact, &task.metric, &rows)?;
        let seconds = begun.elapsed().as_secs_f64();

        let mut scores = Vec::new();
        let mut failures = Vec::new();
        let mut calls = 0;
        for (example, answer) in examples.iter().zip(answers) {
            match answer {
                Answer::Scored(run, score) => {
                    calls += u64::from(run.calls);
                    scores.push(score.get());
                }
                Answer::Unusable(error) => {
                    calls += 1;
                    scores.push(0.0);
                    failures.push((&example.id, error.to_string()));
                }
            }
        }
        self.tell(&scores, &failures, calls, seconds)
    }

    fn tell(
        &self,
        scores: &[f64],
        failures: &[(&ExampleId, String)],
        calls: u64,
        seconds: f64,
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
