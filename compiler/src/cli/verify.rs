//! `proofmark verify ARTIFACT`: does a stamped prompt still do what it did?

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use proofmark_runtime::{Artifact, Example, ExampleId};
use serde_json::json;

use super::{
    Common, Failure, artifacts,
    screen::{self, percent, points},
    session::{Answer, ArtifactSession, OtherModel, task_of},
};
use crate::{
    answer,
    data::Splits,
    exit::Exit,
    task::Task,
    verify::{Conclusion, Now, Recorded, Slice, Verification, record::content, verify},
};

/// How many broken rows are listed.
const LISTED: usize = 20;

/// Ask again what was recorded when the prompt was stamped: has the model changed, and for the worse?
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The artifact file
    artifact: PathBuf,
    /// Task that it was compiled from, whose rows and metric are used; the one above the artifact if left out
    #[arg(long)]
    task: Option<PathBuf>,
    #[command(flatten)]
    other: OtherModel,
    #[command(flatten)]
    common: Common,
}

impl Verify {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let artifact = artifacts::read(&self.artifact)?;
        let recorded = recorded(&artifact)?;
        let task = task_of(&self.artifact, self.task.as_deref())?;
        let (splits, _) = Splits::load(&task)?;
        let visible: BTreeMap<&ExampleId, &Example> =
            splits.train.examples().iter().chain(splits.val.examples()).map(|row| (&row.id, row)).collect();
        let unchanged = |row: &&&Example, was| content(row) == was;
        let rows: Vec<Option<&Example>> = recorded
            .rows
            .iter()
            .map(|row| visible.get(&row.id).filter(|found| unchanged(found, row.content)).copied())
            .collect();
        let there: Vec<_> = rows.iter().flatten().copied().collect();
        let now = self.answers(&artifact, &task, &there)?;
        let mut now = now.into_iter();
        let now: Vec<_> = rows.iter().map(|row| row.and_then(|_| now.next())).collect();
        let found = verify(&recorded, &now);
        if self.common.json {
            screen::document(&json!({
                "verification": found, "missing": rows.len() - there.len(),
                "own_changes": {"rows": recorded.twice, "changed": recorded.changed, "at_most": recorded.own_changes()},
            }))?;
        } else {
            lines(&recorded, &found, rows.len() - there.len())
                .iter()
                .try_for_each(|line| screen::line(line))?;
        }
        Ok(match found.conclusion {
            Conclusion::Stable | Conclusion::ChangedButNotWorse => Exit::Ok,
            Conclusion::Regressed => Exit::Drift,
            Conclusion::Inconclusive => Exit::Inconclusive,
        })
    }

    /// Fresh answers to rows: nothing is read from the call store, which would only repeat what was recorded.
    fn answers(&self, artifact: &Artifact, task: &Task, rows: &[&Example]) -> Result<Vec<Now>, Failure> {
        let session = ArtifactSession::open_on_any(artifact, &self.other, &self.common)?;
        let answers = session.answer(artifact, &task.metric, rows)?;
        Ok(rows.iter().zip(answers).map(|(row, answer)| now(row, answer)).collect())
    }
}

/// What was recorded in an artifact.
fn recorded(artifact: &Artifact) -> Result<Recorded, Failure> {
    let Some(json) = artifact.parts().recorded.clone() else {
        return Err(Failure::new(Exit::Invalid, "this artifact holds no record of what its prompt did")
            .hint("compile again: the record is made when the prompt is emitted"));
    };
    serde_json::from_value(json).map_err(|error| {
        Failure::new(Exit::Invalid, format!("the record of what this prompt did cannot be read: {error}"))
    })
}

fn now(row: &Example, answer: Answer) -> Now {
    let slices = row.slices.iter().map(|(column, value)| format!("{column}={value}")).collect();
    match answer {
        Answer::Scored(run, score) => {
            Now { score: score.get(), answer: answer::fingerprint(Some(&run.outputs)), slices }
        }
        Answer::Unusable(_) => Now { score: 0.0, answer: answer::fingerprint(None), slices },
    }
}

/// One screen.
fn lines(recorded: &Recorded, found: &Verification, missing: usize) -> Vec<String> {
    let headline = match found.conclusion {
        Conclusion::Stable => "STABLE: the prompt does what it did when it was stamped.",
        Conclusion::ChangedButNotWorse => "CHANGED, BUT NOT WORSE: answers differ, scores hold.",
        Conclusion::Regressed => {
            "REGRESSED: answers got worse. Compile again, or go back to the model of the stamp."
        }
        Conclusion::Inconclusive if found.noticed_after.is_some() => {
            "INCONCLUSIVE: answers changed; these rows are too few to tell whether for the worse."
        }
        Conclusion::Inconclusive => "INCONCLUSIVE: these rows are too few to notice a change.",
    };
    let mut lines = vec![headline.to_owned(), String::new()];
    let gone = if missing == 0 { String::new() } else { format!("; {missing} more are gone or were edited") };
    lines.push(format!("  asked    {} rows that were recorded with the stamp{gone}", found.rows));
    let noticed =
        found.noticed_after.map(|asked| format!(", noticed after {asked} answers")).unwrap_or_default();
    lines.push(format!(
        "  changed  {} answers; the model's own wavering explains up to {:.1}; evidence {}, alarm at 100{noticed}",
        found.changed,
        found.expected,
        evidence(found.change_evidence)
    ));
    lines.push(format!(
        "  wavering asked twice at the stamp, {} of {} answers differed: at most {} (90 %)",
        recorded.changed,
        recorded.twice,
        percent(recorded.own_changes())
    ));
    lines.push(format!(
        "  power    a change of one answer in ten is noticed in {} of cases",
        percent(found.power)
    ));
    let shift = found.scores;
    lines.push(format!(
        "  score    {} points ({} to {}, 90 %) on the {} rows that did not choose the prompt; evidence of a fall {}, alarm \
         at 40",
        points(shift.mean),
        points(shift.lower),
        points(shift.upper),
        shift.rows,
        evidence(shift.evidence)
    ));
    if found.changed > 0 {
        lines.push(String::new());
        lines.push(format!("  {:<28}{:>8}{:>8}{:>8}{:>8}", "", "right", "broken", "fixed", "wrong"));
        lines.extend(found.slices.iter().map(row));
    }
    let ids: Vec<_> = found.broken.iter().take(LISTED).map(|id| id.0.as_str()).collect();
    if !ids.is_empty() {
        let more = found.broken.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(format!("  broken   {}{more}", ids.join(" ")));
    }
    lines
}

/// Beyond a thousand nobody cares how much.
fn evidence(fortune: f64) -> String {
    if fortune > 1000.0 { "over 1000".to_owned() } else { format!("{fortune:.2}") }
}

fn row(slice: &Slice) -> String {
    let worse = if slice.p_worse.is_some_and(|p| p <= 0.05) { "  got worse" } else { "" };
    let Slice { name, right, broken, fixed, wrong, .. } = slice;
    format!("  {name:<28}{right:>8}{broken:>8}{fixed:>8}{wrong:>8}{worse}")
}
