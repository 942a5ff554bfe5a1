//! `command`: the user's own program scores answers.
//!
//! For every answer the program gets one line of JSON on its standard input,
//! `{"id": .., "inputs": {..}, "gold": {..}, "outputs": {..}, "steps": [{"module": .., "inputs": {..}, "outputs": {..}}]}`, with a
//! step for every module in running order. It writes one line on its standard output,
//! `{"score": 0.5, "feedback": "..", "modules": {"extract": ".."}}`, with optional feedback on the answer and on single modules.
//!
//! **Invariant:** a program that does not answer, answers something else, names unknown modules, or ends, gives no score.

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
/// The name of the program in messages.
pub(crate) const ROLE: &str = "metric command";

#[derive(Deserialize)]
struct CommandReply {
    score: Score,
    feedback: Option<String>,
    #[serde(default)]
    modules: BTreeMap<String, String>,
}

/// Asks the program for the score of an answer.
pub(super) fn judge(
    command: &Command,
    example: &Example,
    outputs: &Record,
    steps: &[Step],
) -> Result<Judged, CommandError> {
    let step_json =
        |step: &Step| json!({"module": step.module, "inputs": step.inputs, "outputs": step.outputs});
    let question = json!({
        "id": example.id, "inputs": example.inputs, "gold": example.outputs, "outputs": outputs,
        "steps": steps.iter().map(step_json).collect::<Vec<_>>(),
    });
    command.ask(&question, "{\"score\": 0 to 1}", |line| {
        let reply: CommandReply = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let unknown = |name: &&String| steps.iter().all(|step| step.module != **name);
        match reply.modules.keys().find(unknown) {
            Some(name) => Err(format!("there is no module `{name}`")),
            None => Ok(Judged { score: reply.score, feedback: reply.feedback, remarks: reply.modules }),
        }
    })
}
