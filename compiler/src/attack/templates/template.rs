//! One template: a text with holes, what they are filled with, and the expressions that work the answers out.
//!
//! **Invariant:** every expression knows the holes of the text and no other name, every hole is drawn, and at least one of
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

/// Draws that are tried when a template is read.
const SAMPLES: usize = 1000;

/// A template.
#[derive(Debug)]
pub(super) struct Template {
    /// The line of the file that it is on.
    pub(super) line: usize,
    pub(super) pattern: Pattern,
    /// What each hole is filled with.
    pub(super) draws: Vec<(String, Draw)>,
    /// What must hold of what is drawn.
    pub(super) condition: Option<Expression>,
    /// How each output is worked out.
    pub(super) answers: Vec<(String, Expression)>,
}

impl Template {
    /// Values for all holes.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> Record {
        self.draws.iter().map(|(hole, draw)| (hole.clone(), draw.draw(rng))).collect()
    }

    /// Checks that it says of a row what the row's labels say.
    ///
    /// # Errors
    /// The first label that it contradicts; idle if there is a label that it does not work out.
    pub(super) fn is_right(&self, reading: &Reading<'_>, labels: &Record) -> Result<(), Miss> {
        let answer_of = |name: &str| self.answers.iter().find(|(output, _)| output == name);
        if labels.is_empty() || !labels.iter().all(|(name, _)| answer_of(name).is_some()) {
            return Err(Miss::Idle);
        }
        for (label, (_, answer)) in labels.iter().filter_map(|(name, label)| Some((label, answer_of(name)?)))
        {
            let says = match answer.answer(&reading.values) {
                Ok(answer) if label::says(label, &answer) => continue,
                Ok(answer) => answer.to_string(),
                Err(problem) => format!("nothing ({problem})"),
            };
            return Err(Broken::Answer { says, label: label.to_string() }.into());
        }
        Ok(())
    }

    /// The labels of a row for other values, each written like the old one; nothing if these values cannot be used.
    pub(super) fn relabelled(&self, values: &Record, labels: &Record, outputs: &[Field]) -> Option<Record> {
        let answers = self.answers_to(values).ok()?;
        let new = labels.iter().map(|(name, old)| {
            let new = label::like(old, answers.get(name)?)?;
            let fits = outputs.iter().find(|field| field.name == name)?.check(Some(&new)).is_ok();
            fits.then(|| (name.to_owned(), new))
        });
        new.collect()
    }

    /// What the outputs are for these values.
    ///
    /// # Errors
    /// Why these values cannot be used.
    fn answers_to(&self, values: &Record) -> Result<Record, String> {
        let texts: Vec<_> = values.iter().filter(|(_, value)| value.as_text().is_some()).collect();
        for (i, (hole, text)) in texts.iter().enumerate() {
            // A tale of Ann and Ann is another one than that of Ann and Omar.
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
        let answer = |(output, answer): &(String, Expression)| match answer.answer(values) {
            Ok(value) => Ok((output.clone(), value)),
            Err(problem) => Err(format!("the answer for `{output}` fails: {problem}")),
        };
        self.answers.iter().map(answer).collect()
    }

    /// Checks that some of what may be drawn can be used.
    ///
    /// # Errors
    /// Why the first of the draws cannot.
    pub(super) fn can_be_drawn(&self, outputs: &[Field]) -> Result<(), String> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut first = None;
        for _ in 0..SAMPLES {
            let values = self.draw(&mut rng);
            match self.answers_to(&values).and_then(|answers| fit(&answers, outputs)) {
                Ok(()) => return Ok(()),
                Err(problem) => first.get_or_insert_with(|| format!("{problem} (for {})", shown(&values))),
            };
        }
        Err(format!("none of {SAMPLES} draws can be used; of the first, {}", first.unwrap_or_default()))
    }
}

/// Checks that answers are such as the outputs take, a number also as a text.
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
