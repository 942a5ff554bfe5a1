//! The user's own templates: a text with holes, the values of the holes, and the expression of the answer. A row that fits a
//! template gets new names and numbers, and the answer to these. A prompt that memorized answers fails here (GSM-Symbolic,
//! Mirzadeh et al. 2024, arXiv:2410.05229).
//!
//! A template is used on a row only if its answer to the row's own values is the row's label: it is then known to be right for
//! this row. If several templates fit, the first one in the file is used.
//!
//! **Invariant:** a variant differs from its row in the holes alone, the template reads the drawn values back from it, and its
//! labels are the answers to these values, of the same kind as the old labels and allowed by the task.
//!
//! `file` reads templates; `template` is one of them, with `pattern` for the text, `draw` for the values and `expression` for the
//! answers. `label` and `number` write answers like the old labels.

mod draw;
mod expression;
mod file;
mod label;
mod number;
mod pattern;
mod template;
#[cfg(test)]
mod tests;

use proofmark_runtime::{Example, Field, Value};
use rand::rngs::ChaCha8Rng;

pub(crate) use self::file::Mistake;
use self::{pattern::Reading, template::Template};
use super::{Family, Guarantee, Miss, Scene, plan::longest_text};

/// Most draws for one row.
const TRIES: usize = 200;

/// An own family of the user that draws new values for the holes of templates.
#[derive(Debug)]
pub struct Templates {
    name: String,
    /// The file, as the task file names it.
    file: String,
    /// The outputs of the program.
    outputs: Vec<Field>,
    templates: Vec<Template>,
}

impl Templates {
    /// Reads the text of a file of templates, for a program with these outputs.
    ///
    /// # Errors
    /// All mistakes in it.
    pub(crate) fn read(
        name: &str,
        file: &str,
        text: &str,
        outputs: Vec<Field>,
    ) -> Result<Self, Vec<Mistake>> {
        let templates = file::read(text, &outputs)?;
        Ok(Self { name: name.to_owned(), file: file.to_owned(), outputs, templates })
    }

    /// The places of all templates, as `file:line`.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> {
        self.templates.iter().map(|template| format!("{}:{}", self.file, template.line))
    }

    /// The position of the template that fits a row, and whether it gives the row's label.
    pub(crate) fn of_row(&self, row: &Example) -> Option<(usize, Result<(), Miss>)> {
        let text = row.inputs.get(longest_text(row)?)?.as_text()?;
        let (at, reading) = self.first(text)?;
        Some((at, self.templates[at].is_right(&reading, &row.outputs)))
    }

    /// Whether the template that fits the original fits the variant too.
    pub(super) fn read_alike(&self, original: &str, variant: &str) -> bool {
        let first = self.first(original).map(|(at, _)| &self.templates[at]);
        first.is_some_and(|template| template.pattern.read(variant).is_some())
    }

    /// The first template that fits a text.
    fn first<'t>(&'t self, text: &'t str) -> Option<(usize, Reading<'t>)> {
        self.templates.iter().enumerate().find_map(|(at, template)| Some((at, template.pattern.read(text)?)))
    }
}

impl Family for Templates {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        "your own templates: new names and numbers, with the answer to them"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Recomputes(self)
    }

    /// Returns none: a text is changed only together with its label.
    fn perturb(&self, _: &str, _: &Scene<'_>, _: &mut ChaCha8Rng) -> Option<String> {
        None
    }

    fn apply(
        &self,
        row: &Example,
        field: &str,
        scene: &Scene<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Example, Miss> {
        let text = row.inputs.get(field).and_then(Value::as_text).ok_or(Miss::Idle)?;
        let (at, reading) = self.first(text).ok_or(Miss::Idle)?;
        let template = &self.templates[at];
        template.is_right(&reading, &row.outputs)?;
        for _ in 0..TRIES {
            let values = template.draw(rng);
            let changed = reading.rewritten(&values);
            let reads_back = template.pattern.read(&changed).is_some_and(|again| again.values == values);
            let labels = template.new_labels(&values, &row.outputs, &self.outputs);
            let Some(outputs) = labels.filter(|_| reads_back && changed != text) else { continue };
            self.guarantee().check(text, &changed, scene.protected)?;
            let mut variant = Example { outputs, ..row.clone() };
            variant.inputs.insert(field, changed);
            return Ok(variant);
        }
        Err(Miss::Idle)
    }
}
