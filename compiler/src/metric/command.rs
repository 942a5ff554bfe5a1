//! `command`: the user's own program judges.
//!
//! For every answer it gets one line of JSON on its standard input,
//! `{"id": ..., "inputs": {...}, "gold": {...}, "outputs": {...}}`, and gives one line on its standard output,
//! `{"score": 0.5, "feedback": "..."}` (feedback may be left out).
//!
//! **Invariant:** a program that does not answer, answers rubbish or dies never scores anything.

use proofmark_optimizers::Score;
use proofmark_runtime::{Example, Record};
use serde::Deserialize;
use serde_json::json;

use super::Judged;
use crate::command::{Command, CommandError};

pub(super) const NAME: &str = "command";
pub(super) const ABOUT: &str =
    "your own program: a line of JSON in, {\"score\": 0.5, \"feedback\": \"...\"} out";
/// What messages call the program.
pub(super) const ROLE: &str = "metric command";

#[derive(Deserialize)]
struct Verdict {
    score: Score,
    feedback: Option<String>,
}

/// Asks for a verdict, one row at a time.
pub(super) fn judge(command: &Command, example: &Example, outputs: &Record) -> Result<Judged, CommandError> {
    let question = json!({
        "id": example.id, "inputs": example.inputs, "gold": example.outputs, "outputs": outputs,
    });
    command.ask(&question, "{\"score\": 0 to 1}", |line| {
        let verdict: Verdict = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok(Judged { score: verdict.score, feedback: verdict.feedback })
    })
}
