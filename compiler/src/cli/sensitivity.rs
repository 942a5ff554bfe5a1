//! `proofmark sensitivity ARTIFACT`: what a prompt's score hangs on that it should not hang on.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use proofmark_optimizers::{Outcome, lab::shown};
use proofmark_runtime::{Artifact, Candidate, Example, ExampleId, digest, model::Model as _};
use serde_json::json;

use super::{
    Common, Failure, artifacts, say,
    screen::{self, percent, points},
    session::{TaskSession, task_of, visible},
};
use crate::{
    answer,
    data::Splits,
    exit::Exit,
    sensitivity::{Answers, Change, Sensitivity as Found, Shift, sensitivity, variations},
    task::Task,
    verify::{Recorded, record::chosen},
};

/// Change a prompt in ways that should not matter, and see what becomes of its score.
#[derive(Debug, Args)]
pub(crate) struct Sensitivity {
    /// The artifact file
    artifact: PathBuf,
    /// Task that it was compiled from, whose rows, model and metric are used; the one above the artifact if left out
    #[arg(long)]
    task: Option<PathBuf>,
    /// Visible rows to ask, those first that did not choose the prompt
    #[arg(long, default_value_t = 60, value_name = "N")]
    rows: usize,
    /// Seed of the other orders of demonstrations and of rewordings
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

impl Sensitivity {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let artifact = artifacts::read(&self.artifact)?;
        let task = task_of(&self.artifact, self.task.as_deref())?;
        let (splits, _) = Splits::load(&task)?;
        let visible = visible(&splits);
        let (program, candidate) = (&artifact.parts().program, &artifact.parts().candidate);
        let mut rows = rows(&artifact, &visible);
        rows.truncate(self.rows);
        let varied = variations(program, candidate, self.seed);
        if rows.is_empty() || varied.is_empty() {
            return Err(Failure::new(
                Exit::Invalid,
                "there is nothing to change about this prompt, or no row to ask",
            )
            .hint("rows come from the task's training and validation splits; demonstrations are not asked"));
        }
        let found = self.ask(&task, &artifact, &rows, &varied)?;
        if self.common.json {
            screen::document(&json!(found))?;
        } else {
            lines(&found).iter().try_for_each(|line| screen::line(line))?;
        }
        Ok(Exit::Ok)
    }

    /// Asks all rows with the prompt as it is, and with every variation.
    fn ask(
        &self,
        task: &Task,
        artifact: &Artifact,
        rows: &[&Example],
        varied: &[crate::sensitivity::Variation],
    ) -> Result<Found, Failure> {
        let place = self.task.clone().unwrap_or_else(|| task.folder.clone());
        let program = &artifact.parts().program;
        let candidate = &artifact.parts().candidate;
        let session = TaskSession::open(task, &place, program, rows, &self.common)?;
        let backend = session.backend();
        if !self.common.quiet {
            if backend.model.identity() != artifact.model() {
                say("note: the task's model is not the one that this prompt was compiled for");
            }
            say(&format!("{} variations on {} visible rows", varied.len(), rows.len()));
        }
        let run = digest(&("sensitivity", candidate.id(), self.seed)).short();
        let mut engine = session.engine(program, &run);
        let mut answers = |candidate: &Candidate| -> Result<Answers, Failure> {
            let applied = program.apply(candidate);
            let applied = applied.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            engine.allow((rows.len() * applied.calls_per_record()) as u64);
            let cells: Vec<_> = rows.iter().map(|row| (candidate, *row)).collect();
            let outcomes = engine.try_out(&cells, 0)?;
            let answer = |(row, outcome): (&&Example, &Outcome)| {
                answer::fingerprint(answer::of(&applied, row, outcome).as_ref())
            };
            Ok(Answers {
                scores: outcomes.iter().map(|outcome| outcome.worth().get()).collect(),
                answers: rows.iter().zip(&outcomes).map(answer).collect(),
            })
        };
        let own = answers(candidate)?;
        let all =
            varied.iter().map(|variation| answers(&variation.candidate)).collect::<Result<Vec<_>, _>>()?;
        backend.finish()?;
        Ok(sensitivity(&own, varied, &all))
    }
}

/// Visible rows that the prompt does not show, those first whose scores did not choose it, as far as that is on record.
fn rows<'v>(artifact: &Artifact, visible: &[&'v Example]) -> Vec<&'v Example> {
    let recorded = artifact.parts().recorded.clone();
    let recorded: Recorded = recorded.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default();
    let chose: BTreeSet<&ExampleId> =
        recorded.rows.iter().filter(|row| row.chose).map(|row| &row.id).collect();
    let shown = shown(&artifact.parts().candidate);
    chosen(visible, &shown, &chose).into_iter().map(|(row, _)| row).collect()
}

/// One screen.
fn lines(found: &Found) -> Vec<String> {
    let (low, high) = found.range();
    let mut lines = vec![
        match found.proven().count() {
            0 => "Nothing that should not matter moves the score by more than chance would.".to_owned(),
            1 => "One change that should not matter moves the score by more than chance would.".to_owned(),
            n => format!("{n} changes that should not matter move the score by more than chance would."),
        },
        format!(
            "  score    {} on {} visible rows; from {} to {} over {} variations of the prompt",
            percent(found.score),
            found.rows,
            percent(low),
            percent(high),
            found.shifts.len()
        ),
        String::new(),
        format!("  {:<46}{:>8}{:>8}   {:<18}{:>8}", "", "score", "shift", "95 %", "changed"),
    ];
    lines.extend(found.shifts.iter().map(line));
    lines
}

fn line(shift: &Shift) -> String {
    let change = match shift.change {
        Change::Order => "demonstrations in another order",
        Change::LeftOut => "a demonstration left out",
        Change::Format => "another format",
        Change::Wording => "other wording",
    };
    let interval = format!("{} to {}", points(shift.lower), points(shift.upper));
    let proven = if shift.proven { "  not by chance" } else { "" };
    format!(
        "  {:<46}{:>8}{:>8}   {:<18}{:>8}{proven}",
        format!("{change}: {}", shift.about),
        percent(shift.score),
        points(shift.shift),
        interval,
        percent(shift.changed)
    )
}
