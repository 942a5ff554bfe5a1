//! Templates of the user's: a text with holes, what they may hold, and how the answer is worked out from it. A row that a
//! template fits gets other names and numbers, and the answer to these. A prompt that knows answers by heart falls here
//! (GSM-Symbolic, Mirzadeh et al. 2024, arXiv:2410.05229).
//!
//! A template is used on a row only if what it works out from the row's own values is the row's own label, so that it was
//! shown to be right about that very row. Of several that fit, the first in the file counts.
//!
//! **Invariant:** a variant differs from its row in the holes alone, the template reads it back to the values that were
//! drawn, and its labels are what these values give, of the kind of the old ones and allowed by the task.
//!
//! `file` reads templates, `template` is one, `pattern` the text with holes, `draw` what fills them, `expression` works out,
//! `label` and `number` write down.

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

/// Draws for one row, until one can be used.
const TRIES: usize = 200;

/// A family of the user's that redraws what stands in the holes of templates.
#[derive(Debug)]
pub struct Templates {
    name: String,
    /// The file that they are from, as the task file names it.
    file: String,
    /// What the program gives.
    outputs: Vec<Field>,
    templates: Vec<Template>,
}

impl Templates {
    /// Reads the text of a file of templates, for a program with these outputs.
    ///
    /// # Errors
    /// All mistakes in it.
    pub(crate) fn read(
        (name, file): (&str, &str),
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

    /// The position of the template that fits a row, and whether it is right about it.
    pub(crate) fn of_row(&self, row: &Example) -> Option<(usize, Result<(), Miss>)> {
        let text = row.inputs.get(longest_text(row)?)?.as_text()?;
        let (at, reading) = self.first(text)?;
        Some((at, self.templates[at].is_right(&reading, &row.outputs)))
    }

    /// Whether the template that fits a text fits another as well.
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
        "your own templates: names and numbers drawn anew, the answer worked out again"
    }

    fn guarantee(&self) -> Guarantee<'_> {
        Guarantee::Recomputes(self)
    }

    /// Nothing: without its label no text is changed.
    fn perturb(&self, _: &str, _: &Scene<'_>, _: &mut ChaCha8Rng) -> Option<String> {
        None
    }

    fn apply(
        &self,
        row: &Example,
        field: &str,
        (scene, rng): (&Scene<'_>, &mut ChaCha8Rng),
    ) -> Result<Example, Miss> {
        let text = row.inputs.get(field).and_then(Value::as_text).ok_or(Miss::Idle)?;
        let (at, reading) = self.first(text).ok_or(Miss::Idle)?;
        let template = &self.templates[at];
        template.is_right(&reading, &row.outputs)?;
        for _ in 0..TRIES {
            let values = template.draw(rng);
            let changed = reading.rewritten(&values);
            let reads_back = template.pattern.read(&changed).is_some_and(|again| again.values == values);
            let labels = template.relabelled(&values, &row.outputs, &self.outputs);
            let Some(outputs) = labels.filter(|_| reads_back && changed != text) else { continue };
            self.guarantee().check(text, &changed, scene.protected)?;
            let mut variant = Example { outputs, ..row.clone() };
            variant.inputs.insert(field, changed);
            return Ok(variant);
        }
        Err(Miss::Idle)
    }
}
