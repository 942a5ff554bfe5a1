//! Metrics: how good an answer is. One file per measure, one line in `ALL`.
//!
//! **Invariant:** only outputs that the row labels are judged. A metric that fails (a program that crashes, a number that
//! is no score, a line too many) is an error that stops the run, never a score of 0.
//!
//! A `Measure` judges one output; a [`Metric`] weighs the outputs of a program, or asks the user's own
//! [`Command`]. `config` reads `[metric]` of a task file.

mod command;
mod config;
mod contains;
mod exact;
mod f1;
mod json_fields;
mod number;
mod regex;
mod rouge;
mod text;
mod tryout;

use std::collections::BTreeMap;

use proofmark_optimizers::{Score, outcome::NotAScore};
use proofmark_runtime::{Digest, Example, Record, Type, Value, digest, run::Step};

pub(crate) use self::{
    command::ROLE,
    config::{KIND, KINDS, METRIC, read},
    tryout::answered,
};
use crate::{
    command::{Command, CommandError},
    task::{Key, Problem, Reader},
};

/// How the answers of a program are scored.
#[derive(Debug)]
pub struct Metric {
    judge: Judge,
    pass: Score,
}

#[derive(Debug)]
enum Judge {
    /// The weighted mean over the labelled outputs.
    Outputs(Vec<Weighted>),
    /// The user's own program.
    Command(Command),
}

/// How one output is judged.
#[derive(Debug)]
struct Weighted {
    output: String,
    /// Above 0.
    weight: f64,
    judge: Box<dyn JudgeOutput>,
}

/// A verdict on one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// How good the answer is.
    pub score: Score,
    /// What is wrong with it, for optimizers that reflect; nothing if nothing is.
    pub feedback: Option<String>,
    /// What is to be said of single modules.
    pub remarks: BTreeMap<String, String>,
}

/// Why an answer could not be judged. Stops the run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The row labels nothing that the metric judges.
    #[error("row {row} has no label that the metric could judge")]
    Unlabelled {
        /// The row.
        row: String,
    },
    /// The user's own program failed.
    #[error("on row {row}, {source}")]
    Command {
        /// The row.
        row: String,
        /// What happened.
        source: CommandError,
    },
    /// Weights so large or small that their mean is no number.
    #[error("the weights of the metric give no score: {0}")]
    Weights(#[from] NotAScore),
}

/// A way to judge one output.
pub(crate) trait Measure: Sync {
    /// The name used in task files.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Whether it can judge values of a type (never optional).
    fn judges(&self, ty: &Type) -> bool;
    /// The score from which on an answer counts as right, unless the task file says otherwise.
    fn pass(&self) -> f64 {
        1.0
    }
    /// Its options in a task file.
    fn options(&self) -> &'static [Key] {
        &[]
    }
    /// The measure with its options set; fails on an option that has the right shape and no meaning.
    fn build(&self, options: Reader<'_>) -> Result<Box<dyn JudgeOutput>, Problem>;
}

/// A measure with its options set.
pub(crate) trait JudgeOutput: std::fmt::Debug + Send + Sync {
    /// How good `given` is where `gold` is right. An absent answer is [`Value::Null`].
    fn judge(&self, gold: &Value, given: &Value) -> Score;
}

/// Every measure. The first is the default.
pub(crate) const ALL: &[&dyn Measure] = &[
    &exact::Exact,
    &number::Number,
    &contains::Contains,
    &regex::Regex,
    &f1::F1,
    &rouge::RougeL,
    &json_fields::JsonFields,
];

/// Name and meaning of every metric, for help and docs.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let measures = ALL.iter().map(|measure| (measure.name(), measure.about()));
    measures.chain([(command::NAME, command::ABOUT)])
}

impl Metric {
    /// Judges an answer: the outputs of a program, and the steps that led there. Blocks while a command thinks.
    ///
    /// # Errors
    /// Where there is no verdict; the run has to stop.
    pub fn score(&self, example: &Example, outputs: &Record, steps: &[Step]) -> Result<Judged, MetricError> {
        match &self.judge {
            Judge::Outputs(weighted) => score_outputs(weighted, example, outputs),
            Judge::Command(command) => command::judge(command, example, (outputs, steps))
                .map_err(|source| MetricError::Command { row: example.id.to_string(), source }),
        }
    }

    /// Asks the user's own program, if one judges, about a row with its own labels as the answer that this step gave, and ends
    /// it again.
    ///
    /// # Errors
    /// If it cannot judge.
    pub(crate) fn try_out(&self, row: &Example, step: &Step) -> Result<(), MetricError> {
        let Judge::Command(command) = &self.judge else { return Ok(()) };
        let tried = command::judge(command, row, (&row.outputs, std::slice::from_ref(step)));
        tried
            .and_then(|_| command.finish())
            .map_err(|source| MetricError::Command { row: row.id.to_string(), source })
    }

    /// Ends the user's own program, if one judges; the next answer starts it again.
    ///
    /// # Errors
    /// If it gave more lines than it was asked for: then nobody knows which score belongs to which answer.
    pub fn finish(&self) -> Result<(), CommandError> {
        match &self.judge {
            Judge::Outputs(_) => Ok(()),
            Judge::Command(command) => command.finish(),
        }
    }

    /// What decides its scores: the same metric in another run, or before and after a program of the user's was started, has
    /// the same.
    pub fn identity(&self) -> Digest {
        let judge = match &self.judge {
            Judge::Outputs(weighted) => digest(&("outputs", format!("{weighted:?}"))),
            Judge::Command(command) => digest(&("command", command.identity())),
        };
        digest(&("metric", judge, self.pass))
    }

    /// The score from which on an answer counts as right.
    pub fn pass(&self) -> Score {
        self.pass
    }
}

fn score_outputs(weighted: &[Weighted], example: &Example, outputs: &Record) -> Result<Judged, MetricError> {
    let (mut sum, mut weights, mut feedback) = (0.0, 0.0, Vec::new());
    for output in weighted {
        let Some(gold) = example.outputs.get(&output.output) else { continue };
        let given = outputs.get(&output.output).unwrap_or(&Value::Null);
        let score = output.judge.judge(gold, given);
        sum += output.weight * score.get();
        weights += output.weight;
        if score < Score::ONE {
            feedback.push(text::correction(&output.output, gold, given));
        }
    }
    if weights <= 0.0 {
        return Err(MetricError::Unlabelled { row: example.id.to_string() });
    }
    let score = Score::new((sum / weights).min(1.0))?;
    let feedback = (!feedback.is_empty()).then(|| feedback.join("; "));
    Ok(Judged { score, feedback, remarks: BTreeMap::new() })
}

/// A share as a score; nothing of nothing is all of it.
fn share(part: usize, whole: usize) -> Score {
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens and fields are small")]
    let share = if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    Score::new(share.min(1.0)).unwrap_or(Score::ONE)
}

/// All or nothing.
fn whether(right: bool) -> Score {
    if right { Score::ONE } else { Score::ZERO }
}

#[cfg(test)]
mod tests;
