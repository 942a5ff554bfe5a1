//! `command`: the user's own program judges.
//!
//! For every answer it gets one line of JSON on its standard input,
//! `{"id": ..., "inputs": {...}, "gold": {...}, "outputs": {...}, "steps": [{"module": ..., "inputs": {...}, "outputs": {...}}]}`,
//! with a step for every module in running order, and gives one line on its standard output,
//! `{"score": 0.5, "feedback": "...", "modules": {"extract": "..."}}`: what is wrong with the answer, and what each module is to
//! be told about its part. Both may be left out.
//!
//! **Invariant:** a program that does not answer, answers rubbish, speaks of modules that there are not, or dies never scores
//! anything.

use std::collections::BTreeMap;

use proofmark_optimizers::Score;
use proofmark_runtime::{Example, Record, run::Step};
use serde::Deserialize;
use serde_json::json;

use super::Judged;
use crate::command::{Command, CommandError};

pub(super) const NAME: &str = "command";
pub(super) const ABOUT: &str =
    "your own program: a line of JSON in, {\"score\": 0.5, \"feedback\": \"...\"} out";
/// What messages call the program.
pub(crate) const ROLE: &str = "metric command";

#[derive(Deserialize)]
struct Verdict {
    score: Score,
    feedback: Option<String>,
    #[serde(default)]
    modules: BTreeMap<String, String>,
}

/// Asks for a verdict, one row at a time.
pub(super) fn judge(
    command: &Command,
    example: &Example,
    (outputs, steps): (&Record, &[Step]),
) -> Result<Judged, CommandError> {
    let told = |step: &Step| json!({"module": step.module, "inputs": step.inputs, "outputs": step.outputs});
    let question = json!({
        "id": example.id, "inputs": example.inputs, "gold": example.outputs, "outputs": outputs,
        "steps": steps.iter().map(told).collect::<Vec<_>>(),
    });
    command.ask(&question, "{\"score\": 0 to 1}", |line| {
        let verdict: Verdict = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let unknown = |name: &&String| steps.iter().all(|step| step.module != **name);
        match verdict.modules.keys().find(unknown) {
            Some(name) => Err(format!("there is no module `{name}`")),
            None => Ok(Judged { score: verdict.score, feedback: verdict.feedback, remarks: verdict.modules }),
        }
    })
}
