//! Attacks: perturbations that keep the right answer. One file per family, one line in [`ALL`].
//!
//! **Invariant:** every variant was checked against its family's [`Guarantee`] on its own row. Variants are frozen: they depend
//! on the seed and the rows alone, never on the answers of a prompt, so that no prompt can influence what it is tested on.
//!
//! [`Plan::freeze`] makes variants; [`crate::gate`] seals them. `own` and `templates` hold the user's own families, [`rewrite`]
//! those that a model writes; `listing` keeps the row and changes the prompt. `built_in` describes the built-in families.

mod allocate;
pub mod audit;
mod built_in;
mod case;
mod config;
mod contraction;
mod date;
mod distractor;
mod filler;
mod guarantee;
mod injection;
mod length;
mod lexicon;
mod light;
mod listing;
mod neutral;
mod number;
mod ocr;
mod options;
mod own;
mod plan;
mod protect;
pub mod rewrite;
mod severity;
mod synonym;
mod tautology;
mod templates;
mod thread;
mod typo;
mod unicode;
mod unit;
mod whitespace;

use std::collections::BTreeSet;

use proofmark_runtime::{Example, Value};
use rand::rngs::ChaCha8Rng;

use crate::gate::variant::Refused;

pub(crate) use built_in::about;
pub use built_in::{COMPOSED, default_families, names};
pub(crate) use config::{ATTACK, read};
pub use guarantee::{Broken, Guarantee, Normalizer};
pub use listing::NAME as LISTING;
pub use own::{Own, OwnProgram, Rules};
pub use plan::{Count, Frozen, Plan, PlanError};
pub(crate) use plan::{choices_of, words_of};
pub use protect::Protected;
pub use templates::Templates;

pub use crate::gate::variant::{Class, Variant};

/// A way to perturb a text that keeps the right answer.
pub trait Family: Sync {
    /// The name used in task files and reports.
    fn name(&self) -> &str;
    /// One line for help and docs.
    fn about(&self) -> &str;
    /// The checkable reason why the right answer stays.
    fn guarantee(&self) -> Guarantee<'_>;
    /// Whether the family keeps the right answer only if upper and lower case do not matter.
    fn needs_case_insensitive(&self) -> bool {
        false
    }
    /// Whether tasks that name no family get it. Families that change few texts, or that resemble another one, are used only
    /// by name, because every family takes rows from the others.
    fn is_default(&self) -> bool {
        true
    }
    /// The perturbed text; none if this family cannot change it.
    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String>;

    /// The row with this input perturbed, after a check of the guarantee.
    ///
    /// # Errors
    /// Why there is no such row.
    fn apply(
        &self,
        row: &Example,
        field: &str,
        scene: &Scene<'_>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Example, Miss> {
        let text = row.inputs.get(field).and_then(Value::as_text).ok_or(Miss::Idle)?;
        let changed = self.perturb(text, scene, rng).ok_or(Miss::Idle)?;
        self.guarantee().check(text, &changed, scene.protected)?;
        let mut row = row.clone();
        row.inputs.insert(field, changed);
        Ok(row)
    }
}

/// Why a family has no variant of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It can change nothing in the row.
    Idle,
    /// Its variant breaks the guarantee.
    Broken(Broken),
}

impl From<Broken> for Miss {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Refused<Broken>> for Miss {
    fn from(refused: Refused<Broken>) -> Self {
        match refused {
            Refused::Broken(broken) => Self::Broken(broken),
            Refused::Relabelled => Self::Broken(Broken::Relabelled),
        }
    }
}

/// The facts about a task that a family may use.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Words that must stay: labels and field names.
    pub protected: &'a Protected,
    /// A wrong answer, for injections; none if the set of answers is not known.
    pub wrong_answer: Option<&'a str>,
}

/// Every family that perturbs texts.
pub const ALL: &[&dyn Family] = &[
    &whitespace::Whitespace,
    &unicode::Unicode,
    &case::LetterCase,
    &typo::Typo,
    &filler::Filler,
    &distractor::Distractor,
    &injection::Injection,
    &length::Length,
    &contraction::CONTRACTION,
    &number::NUMBER,
    &date::Date,
    &unit::UNIT,
    &synonym::SYNONYM,
    &ocr::Ocr,
    &tautology::Tautology,
    &thread::Thread,
    &options::Options,
];

/// The family of the user's adversarial rows, which are not perturbed.
pub const NATURAL: &str = "natural";

/// The words of labels and field names that no family may change.
pub fn protected_words<'a>(names: impl IntoIterator<Item = &'a str>) -> Protected {
    let words = names.into_iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    Protected::new(words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<BTreeSet<_>>())
}

#[cfg(test)]
mod tests;
