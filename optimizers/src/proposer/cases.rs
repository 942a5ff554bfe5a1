//! Cases: rows of the pool with a candidate's answers and the metric's remarks. A proposer reflects on them.
//!
//! **Invariant:** cases come from the pool. If the pool is empty, because the task has only a handful of rows, they come
//! from the common rows.

use proofmark_runtime::{Candidate, Example, ExampleId, Module, Program, Record, Source, prompt::label};
use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

use crate::{
    effects::{Stop, Trial},
    lab::{Lab, shown},
    outcome::{Outcome, Step},
};

/// The greatest number of characters of a value that a prompt shows.
const LONGEST: usize = 600;

/// A row and a candidate's outcome on it.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The row.
    pub example: &'a Example,
    /// The outcome.
    pub outcome: Outcome,
}

/// A sampler of the rows that a prompt may show, in shuffled epochs: every row comes once before any comes again.
pub struct RowSampler {
    rows: Vec<ExampleId>,
    next: usize,
    rng: ChaCha8Rng,
}

impl RowSampler {
    /// Makes a sampler of the pool's rows; `purpose` names its random stream.
    pub fn new(lab: &Lab<'_>, purpose: &str) -> Self {
        let rows = if lab.pool().is_empty() { lab.rows() } else { lab.pool() };
        Self { rows: rows.to_vec(), next: 0, rng: lab.rng(purpose) }
    }

    /// The next rows, at most `count` and no row twice.
    pub fn next_rows(&mut self, count: usize) -> Vec<ExampleId> {
        let mut batch: Vec<ExampleId> = Vec::new();
        while batch.len() < count.min(self.rows.len()) {
            if self.next == 0 {
                self.rows.shuffle(&mut self.rng);
            }
            let row = &self.rows[self.next];
            if !batch.contains(row) {
                batch.push(row.clone());
            }
            self.next = (self.next + 1) % self.rows.len();
        }
        batch
    }
}

/// Scores a candidate on these rows, except the rows of its own demonstrations.
///
/// # Errors
/// [`Stop`].
pub fn study<'a>(
    lab: &mut Lab<'a>,
    candidate: &Candidate,
    rows: &[ExampleId],
) -> Result<Vec<Case<'a>>, Stop> {
    let own = shown(candidate);
    let rows: Vec<ExampleId> = rows.iter().filter(|row| !own.contains(row)).cloned().collect();
    let trial = Trial { candidate: candidate.clone(), rows };
    let outcomes = lab.evaluate(std::slice::from_ref(&trial))?.into_iter().flatten();
    let cases = trial.rows.iter().zip(outcomes);
    Ok(cases.filter_map(|(row, outcome)| Some(Case { example: lab.example(row)?, outcome })).collect())
}

/// The cases with a score below 1, worst first, at most `most`.
pub fn worst<'c, 'a>(cases: &'c [Case<'a>], most: usize) -> Vec<&'c Case<'a>> {
    let mut flawed: Vec<&Case<'a>> = cases.iter().filter(|case| case.score() < 1.0).collect();
    flawed.sort_by(|a, b| a.score().total_cmp(&b.score()));
    flawed.truncate(most);
    flawed
}

impl Case<'_> {
    /// The score, 0..=1; a failure counts 0.
    pub fn score(&self) -> f64 {
        self.outcome.worth().get()
    }

    /// Renders the case for a prompt: the program's inputs, the labels, this module's inputs and outputs, the program's
    /// answer, and the metric's remarks on the answer and on this module. Remarks on other modules are left out.
    pub fn rendered(&self, program: &Program, module: &Module) -> String {
        let mut lines = record("", &self.example.inputs);
        lines.extend(record("Wanted ", &self.example.outputs));
        match &self.outcome {
            Outcome::Failed { message, .. } => lines.push(format!("No usable answer: {}", short(message))),
            Outcome::Scored { score, feedback, trace } => {
                let step = trace.iter().rev().find(|step| step.module == module.name);
                if let Some(step) = step.filter(|_| program.modules().len() > 1) {
                    lines.extend(record("This step got ", &step.inputs));
                    lines.extend(record("This step gave ", &step.outputs));
                }
                lines.extend(record("Answered ", &answered(program, trace)));
                lines.push(format!("Score: {:.2}", score.get()));
                lines.extend(feedback.as_ref().map(|text| format!("Remark: {}", short(text))));
                let own = step.and_then(|step| step.remark.as_ref());
                lines.extend(own.map(|text| format!("Remark on this step: {}", short(text))));
            }
        }
        lines.join("\n")
    }
}

/// Renders labelled rows for a prompt: inputs and labels, without any answer of a model.
pub fn labelled(examples: &[&Example]) -> String {
    let mut blocks = Vec::with_capacity(examples.len());
    for (i, example) in examples.iter().enumerate() {
        let lines = record("", &example.inputs).into_iter().chain(record("Wanted ", &example.outputs));
        blocks.push(format!("## Example {}\n{}", i + 1, lines.collect::<Vec<_>>().join("\n")));
    }
    blocks.join("\n")
}

/// The program's outputs that a trace holds.
fn answered(program: &Program, trace: &[Step]) -> Record {
    let at = |source: &Source| match source {
        Source::Output { module, field } => {
            trace.iter().rev().find(|step| step.module == *module)?.outputs.get(field)
        }
        Source::Input(_) => None,
    };
    let given = program.outputs().iter().filter(|output| output.sources().any(|source| at(source).is_some()));
    given.map(|output| (output.name.clone(), output.value(at))).collect()
}

/// Renders a record, one line per field.
fn record(prefix: &str, record: &Record) -> Vec<String> {
    let name = |name: &str| if prefix.is_empty() { label(name) } else { label(name).to_lowercase() };
    record
        .iter()
        .map(|(field, value)| format!("{prefix}{}: {}", name(field), short(&value.to_string())))
        .collect()
}

/// The text, or its first [`LONGEST`] characters.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} [...]", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{landscape::Landscape, outcome::Score};

    #[test]
    fn a_case_holds_only_remarks_on_its_own_module() {
        let landscape = Landscape::rules_in_two(12).unwrap();
        let modules = landscape.program.modules();
        let step = |module: &Module| Step {
            module: module.name.clone(),
            inputs: Record::new(),
            outputs: Record::new(),
            remark: Some(format!("{} was slow", module.name)),
        };
        let trace = modules.iter().map(step).collect();
        let outcome = Outcome::Scored { score: Score::ZERO, feedback: Some("wrong".into()), trace };
        let case = Case { example: &landscape.train.examples()[0], outcome };
        let text = case.rendered(&landscape.program, &modules[1]);
        let own = format!("Remark: wrong\nRemark on this step: {} was slow", modules[1].name);
        assert!(text.ends_with(&own) && !text.contains(&format!("{} was", modules[0].name)), "{text}");
    }
}
