//! A template: a text with holes, the values of the holes, and the expressions of the answers.
//!
//! **Invariant:** every expression uses holes of the text and no other name, every hole has values, and at least one of
//! [`SAMPLES`] draws can be used.

use proofmark_runtime::{Field, Record, Value};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::{
    draw::Draw,
    expression::Expression,
    label,
    pattern::{Pattern, Reading},
};
use crate::attack::{Broken, Miss};

/// The number of draws that are tried when a template is read.
const SAMPLES: usize = 1000;

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    /// Its line in the file.
    pub(super) line: usize,
    pub(super) pattern: Pattern,
    /// The values of each hole.
    pub(super) draws: Vec<(String, Draw)>,
    /// The condition on drawn values.
    pub(super) condition: Option<Expression>,
    /// The expression of each output.
    pub(super) answers: Vec<(String, Expression)>,
}

impl Template {
    /// Random values for all holes.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> Record {
        self.draws.iter().map(|(hole, draw)| (hole.clone(), draw.draw(rng))).collect()
    }

    /// Checks that its answers to a row equal the row's labels.
    ///
    /// # Errors
    /// The first label that differs; idle if it has no expression for a label.
    pub(super) fn is_right(&self, reading: &Reading<'_>, labels: &Record) -> Result<(), Miss> {
        if labels.is_empty() || !labels.iter().all(|(name, _)| self.expression(name).is_some()) {
            return Err(Miss::Idle);
        }
        for (name, label) in labels.iter() {
            let Some(expression) = self.expression(name) else { continue };
            let says = match expression.answer(&reading.values) {
                Ok(answer) if label::says(label, &answer) => continue,
                Ok(answer) => answer.to_string(),
                Err(problem) => format!("nothing ({problem})"),
            };
            return Err(Broken::Answer { says, label: label.to_string() }.into());
        }
        Ok(())
    }

    /// The expression of an output.
    fn expression(&self, output: &str) -> Option<&Expression> {
        self.answers.iter().find(|(name, _)| name == output).map(|(_, expression)| expression)
    }

    /// The labels of a row for other values, each written like the old one; none if these values cannot be used.
    pub(super) fn new_labels(&self, values: &Record, labels: &Record, outputs: &[Field]) -> Option<Record> {
        let answers = self.answers_to(values).ok()?;
        let new = labels.iter().map(|(name, old)| {
            let new = label::like(old, answers.get(name)?)?;
            let fits = outputs.iter().find(|field| field.name == name)?.check(Some(&new)).is_ok();
            fits.then(|| (name.to_owned(), new))
        });
        new.collect()
    }

    /// The answers for these values.
    ///
    /// # Errors
    /// Why these values cannot be used.
    fn answers_to(&self, values: &Record) -> Result<Record, String> {
        let texts: Vec<_> = values.iter().filter(|(_, value)| value.as_text().is_some()).collect();
        for (i, (hole, text)) in texts.iter().enumerate() {
            // A text about Ann and Ann has another meaning than one about Ann and Omar.
            if let Some((other, _)) = texts[..i].iter().find(|(_, other)| other == text) {
                return Err(format!("`{other}` and `{hole}` are the same"));
            }
        }
        match self.condition.as_ref().map(|condition| condition.answer(values)) {
            None | Some(Ok(Value::Boolean(true))) => {}
            Some(Ok(Value::Boolean(false))) => return Err("`where` is false".into()),
            Some(Ok(other)) => return Err(format!("`where` is {}, not true or false", other.to_json())),
            Some(Err(problem)) => return Err(format!("`where` fails: {problem}")),
        }
        let mut answers = Record::new();
        for (output, expression) in &self.answers {
            match expression.answer(values) {
                Ok(answer) => answers.insert(output, answer),
                Err(problem) => return Err(format!("the answer for `{output}` fails: {problem}")),
            }
        }
        Ok(answers)
    }

    /// Checks that at least one of [`SAMPLES`] draws can be used.
    ///
    /// # Errors
    /// Why the first draw cannot be used.
    pub(super) fn can_be_drawn(&self, outputs: &[Field]) -> Result<(), String> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut first = None;
        for _ in 0..SAMPLES {
            let values = self.draw(&mut rng);
            match self.answers_to(&values).and_then(|answers| fit(&answers, outputs)) {
                Ok(()) => return Ok(()),
                Err(problem) => first.get_or_insert_with(|| format!("{problem} (with {})", shown(&values))),
            };
        }
        Err(format!("none of {SAMPLES} draws can be used; for the first one, {}", first.unwrap_or_default()))
    }
}

/// Checks that answers fit the outputs, as they are or as text.
fn fit(answers: &Record, outputs: &[Field]) -> Result<(), String> {
    for field in outputs {
        let Some(answer) = answers.get(&field.name) else { continue };
        let as_text = Value::Text(answer.to_string());
        if let (Err(misfit), Err(_)) = (field.check(Some(answer)), field.check(Some(&as_text))) {
            return Err(format!("{misfit}: {answer}"));
        }
    }
    Ok(())
}

/// Values as `n = 3, name = Ann`.
fn shown(values: &Record) -> String {
    values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}
