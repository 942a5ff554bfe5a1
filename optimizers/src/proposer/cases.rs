//! Cases: rows of the pool, what a candidate made of them, and what the metric said: the material of reflection.
//!
//! **Invariant:** cases come from the pool. Only where there is none, since the task has a handful of rows, they come
//! from the rows that candidates are scored on.

use proofmark_runtime::{Candidate, Example, ExampleId, Module, Program, Record, Source, prompt::label};
use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

use crate::{
    effects::{Stop, Trial},
    lab::{Lab, shown},
    outcome::{Outcome, Step},
};

/// Longest value that is told whole, in characters.
const LONGEST: usize = 600;

/// A row and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) example: &'a Example,
    pub(crate) outcome: Outcome,
}

/// The rows that may be shown, in shuffled epochs: all are dealt before one comes again.
pub(crate) struct Deck {
    rows: Vec<ExampleId>,
    next: usize,
    rng: ChaCha8Rng,
}

impl Deck {
    /// A deck of the pool's rows; `purpose` names its random stream.
    pub(crate) fn new(lab: &Lab<'_>, purpose: &str) -> Self {
        let rows = if lab.pool().is_empty() { lab.rows() } else { lab.pool() };
        Self { rows: rows.to_vec(), next: 0, rng: lab.rng(purpose) }
    }

    /// The next rows, at most `count` and none twice.
    pub(crate) fn deal(&mut self, count: usize) -> Vec<ExampleId> {
        let mut hand: Vec<ExampleId> = Vec::new();
        while hand.len() < count.min(self.rows.len()) {
            if self.next == 0 {
                self.rows.shuffle(&mut self.rng);
            }
            let row = &self.rows[self.next];
            if !hand.contains(row) {
                hand.push(row.clone());
            }
            self.next = (self.next + 1) % self.rows.len();
        }
        hand
    }
}

/// Runs a candidate on rows that do not stand in its demonstrations.
///
/// # Errors
/// [`Stop`].
pub(crate) fn study<'a>(
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

/// The cases that are not perfect, worst first, at most `most`.
pub(crate) fn worst<'c, 'a>(cases: &'c [Case<'a>], most: usize) -> Vec<&'c Case<'a>> {
    let mut flawed: Vec<&Case<'a>> = cases.iter().filter(|case| case.score() < 1.0).collect();
    flawed.sort_by(|a, b| a.score().total_cmp(&b.score()));
    flawed.truncate(most);
    flawed
}

impl Case<'_> {
    /// 0..=1.
    pub(crate) fn score(&self) -> f64 {
        self.outcome.worth().get()
    }

    /// The case in words: what went in, what was wanted, what this module got and gave, what came out, what the metric
    /// says of all of it and of this module. What it says of others is theirs.
    pub(crate) fn told(&self, program: &Program, module: &Module) -> String {
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

/// The rows as material without any answer of a model: what goes in and what should come out.
pub(crate) fn labelled(examples: &[&Example]) -> String {
    let told = |(i, example): (usize, &&Example)| {
        let lines = record("", &example.inputs).into_iter().chain(record("Wanted ", &example.outputs));
        format!("## Example {}\n{}", i + 1, lines.collect::<Vec<_>>().join("\n"))
    };
    examples.iter().enumerate().map(told).collect::<Vec<_>>().join("\n")
}

/// The program's outputs in a trace, as far as they are there.
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

fn record(prefix: &str, record: &Record) -> Vec<String> {
    let name = |name: &str| if prefix.is_empty() { label(name) } else { label(name).to_lowercase() };
    record
        .iter()
        .map(|(field, value)| format!("{prefix}{}: {}", name(field), short(&value.to_string())))
        .collect()
}

/// The text, or its beginning.
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
    fn a_module_is_told_what_the_metric_says_of_it_and_not_of_others() {
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
        let told = case.told(&landscape.program, &modules[1]);
        let own = format!("Remark: wrong\nRemark on this step: {} was slow", modules[1].name);
        assert!(told.ends_with(&own) && !told.contains(&format!("{} was", modules[0].name)), "{told}");
    }
}
