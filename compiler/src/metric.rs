//! Metrics: how good an answer is. One file per measure, one line in `ALL`.
//!
//! **Invariant:** only outputs that the row labels are scored. A metric that fails (a program that crashes, a number that
//! is not a score, an unexpected line) is an error that stops the run, never a score of 0.
//!
//! A `Measure` scores one output. A [`Metric`] is the weighted mean over the outputs of a program, the user's own program
//! ([`Command`]), or code of a library user ([`CustomMetric`]). `config` reads `[metric]` of a task file.
//!
//! **Identity:** [`Metric::identity`] is part of the hash that call stores and ledgers know a question by. It is a digest of an
//! explicit text of each scorer, so that code can be renamed without a new, paid question:
//!
//! | scorer | text |
//! |---|---|
//! | `exact`, `contains`, `json_fields` | `Exact`, `Contains`, `JsonFields` |
//! | `f1`, `rouge` | `F1`, `RougeL` |
//! | `number` | `Within { tolerance: 0.0, relative: 1e-9 }` |
//! | `regex` | `Found { pattern: Regex("..") }` |
//! | outputs | `[Weighted { output: "name", weight: 1.0, judge: Exact }, ..]` |
//! | `command` | its words, and the hashes of the words that are files ([`Command::identity`]) |
//! | custom | its name and version |

mod command;
mod config;
mod contains;
mod exact;
mod f1;
mod json_fields;
mod number;
mod overlap;
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
    config::{Key, Problem, TableReader},
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
    Outputs(Vec<WeightedOutput>),
    /// The user's own program.
    Command(Command),
    /// Code of a library user.
    Custom(Box<dyn CustomMetric>),
}

/// How one output is scored.
#[derive(Debug)]
struct WeightedOutput {
    output: String,
    /// Above 0.
    weight: f64,
    scorer: Box<dyn OutputScorer>,
}

/// A metric that a library user writes in Rust, for [`Metric::custom`].
pub trait CustomMetric: std::fmt::Debug + Send + Sync {
    /// Its name, which is part of its identity.
    fn name(&self) -> &str;
    /// Its version, which is part of its identity. Raise it whenever scores change: answers are then scored and tested again.
    fn version(&self) -> u32;
    /// Scores an answer: the outputs of a program, and the steps that led to them.
    ///
    /// # Errors
    /// Why there is no score; the run has to stop.
    fn score(&self, example: &Example, outputs: &Record, steps: &[Step]) -> Result<Judged, String>;
}

/// The score of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The score.
    pub score: Score,
    /// What is wrong with the answer, for optimizers that reflect; none if nothing is.
    pub feedback: Option<String>,
    /// Feedback on single modules, by name.
    pub remarks: BTreeMap<String, String>,
}

/// Why an answer has no score. It stops the run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The row labels no output that the metric scores.
    #[error("row {row} has no label that the metric could score")]
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
    /// A custom metric failed.
    #[error("on row {row}, the metric `{name}` gives no score: {message}")]
    Custom {
        /// The row.
        row: String,
        /// The metric.
        name: String,
        /// What happened.
        message: String,
    },
    /// Weights so large or small that their mean is not a number.
    #[error("the weights of the metric give no score: {0}")]
    Weights(#[from] NotAScore),
}

/// A way to score one output.
pub(crate) trait Measure: Sync {
    /// The name used in task files.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Whether it can score values of a type (never optional).
    fn judges(&self, ty: &Type) -> bool;
    /// The default score from which on an answer counts as right.
    fn pass(&self) -> f64 {
        1.0
    }
    /// Its options in a task file.
    fn options(&self) -> &'static [Key] {
        &[]
    }
    /// The measure with its options.
    ///
    /// # Errors
    /// If an option has the right shape but no meaning.
    fn build(&self, options: TableReader<'_>) -> Result<Box<dyn OutputScorer>, Problem>;
}

/// A measure with its options.
pub(crate) trait OutputScorer: std::fmt::Debug + Send + Sync {
    /// The text that stands for this scorer in the identity of a metric (see the [module](self)). It must never change for the
    /// same scores, because stored answers and paid questions are known by it.
    fn identity(&self) -> String;
    /// The score of `given` if `gold` is right. An absent answer is [`Value::Null`].
    fn score(&self, gold: &Value, given: &Value) -> Score;
}

/// Every measure. The first is the default.
pub(crate) const ALL: &[&dyn Measure] = &[
    &exact::Exact,
    &number::Number,
    &contains::Contains,
    &regex::Regex,
    &f1::F1,
    &rouge::ROUGE_L,
    &json_fields::JsonFields,
];

/// Name and meaning of every metric, for help and docs.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let measures = ALL.iter().map(|measure| (measure.name(), measure.about()));
    measures.chain([(command::NAME, command::ABOUT)])
}

impl Metric {
    /// Makes a metric of code of a library user. An answer counts as right from the score `pass` on.
    pub fn custom(metric: Box<dyn CustomMetric>, pass: Score) -> Self {
        Self { judge: Judge::Custom(metric), pass }
    }

    /// Scores an answer: the outputs of a program, and the steps that led to them. Blocks while a command runs.
    ///
    /// # Errors
    /// Why there is no score; the run has to stop.
    pub fn score(&self, example: &Example, outputs: &Record, steps: &[Step]) -> Result<Judged, MetricError> {
        match &self.judge {
            Judge::Outputs(weighted) => score_outputs(weighted, example, outputs),
            Judge::Command(command) => command::judge(command, example, outputs, steps)
                .map_err(|source| MetricError::Command { row: example.id.to_string(), source }),
            Judge::Custom(custom) => custom.score(example, outputs, steps).map_err(|message| {
                let name = custom.name().to_owned();
                MetricError::Custom { row: example.id.to_string(), name, message }
            }),
        }
    }

    /// Tests the user's own program, if the metric is one, with the labels of a row as the answer that this step gave, and
    /// ends it again.
    ///
    /// # Errors
    /// If it gives no score.
    pub(crate) fn try_out(&self, row: &Example, step: &Step) -> Result<(), MetricError> {
        let Judge::Command(command) = &self.judge else { return Ok(()) };
        let tried = command::judge(command, row, &row.outputs, std::slice::from_ref(step));
        tried
            .and_then(|_| command.finish())
            .map_err(|source| MetricError::Command { row: row.id.to_string(), source })
    }

    /// Ends the user's own program, if the metric is one; the next answer starts it again.
    ///
    /// # Errors
    /// If it wrote more lines than it got questions: then it is not known which score belongs to which answer.
    pub fn finish(&self) -> Result<(), CommandError> {
        match &self.judge {
            Judge::Outputs(_) | Judge::Custom(_) => Ok(()),
            Judge::Command(command) => command.finish(),
        }
    }

    /// The digest of everything that decides its scores (see the [module](self)). It is the same in every run, and before and
    /// after a program of the user's was started.
    pub fn identity(&self) -> Digest {
        let judge = match &self.judge {
            Judge::Outputs(weighted) => {
                let outputs: Vec<_> = weighted.iter().map(WeightedOutput::identity).collect();
                digest(&("outputs", format!("[{}]", outputs.join(", "))))
            }
            Judge::Command(command) => digest(&("command", command.identity())),
            Judge::Custom(custom) => digest(&("custom", custom.name(), custom.version())),
        };
        digest(&("metric", judge, self.pass))
    }

    /// The score from which on an answer counts as right.
    pub fn pass(&self) -> Score {
        self.pass
    }
}

impl WeightedOutput {
    /// Its text in the identity of a metric.
    fn identity(&self) -> String {
        let scorer = self.scorer.identity();
        format!("Weighted {{ output: {:?}, weight: {:?}, judge: {scorer} }}", self.output, self.weight)
    }
}

/// The weighted mean over the labelled outputs.
fn score_outputs(
    weighted: &[WeightedOutput],
    example: &Example,
    outputs: &Record,
) -> Result<Judged, MetricError> {
    let mut sum = 0.0;
    let mut weights = 0.0;
    let mut feedback = Vec::new();
    for output in weighted {
        let Some(gold) = example.outputs.get(&output.output) else { continue };
        let given = outputs.get(&output.output).unwrap_or(&Value::Null);
        let score = output.scorer.score(gold, given);
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

/// The share `part` / `whole` as a score; 1 if `whole` is 0.
fn share(part: usize, whole: usize) -> Score {
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens and fields are small")]
    let share = if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    Score::new(share.min(1.0)).unwrap_or(Score::ONE)
}

/// The score 1 or 0.
fn whether(right: bool) -> Score {
    if right { Score::ONE } else { Score::ZERO }
}

#[cfg(test)]
mod tests;
