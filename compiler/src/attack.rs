//! Attacks: perturbations that leave the right answer as it is. One file per family, one line in [`ALL`].
//!
//! **Invariant:** no variant exists whose family's [`Guarantee`] was not checked on that very row, and variants are
//! frozen: they depend on the seed and the rows alone, never on what any prompt answered (gate.md, section 5.4).
//! [`Plan::freeze`] makes them; [`crate::gate`] seals them. `own` and `templates` hold families of the user's, [`rewrite`]
//! those that a model writes; `listing` leaves rows alone and changes what every prompt shows.

mod allocate;
pub mod audit;
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

pub use crate::gate::variant::{Class, Variant};
pub(crate) use config::{ATTACK, read};
pub use guarantee::{Broken, Guarantee, Normalizer};
pub use listing::NAME as LISTING;
pub use own::{Own, OwnProgram, Rules};
pub(crate) use plan::families_of;
pub(crate) use plan::words_of;
pub use plan::{Count, Frozen, Plan, PlanError};
pub use protect::Protected;
pub use templates::Templates;

/// A way to perturb text without changing the right answer.
pub trait Family: Sync {
    /// The name used in task files and reports.
    fn name(&self) -> &str;
    /// One line for help and docs.
    fn about(&self) -> &str;
    /// Why the right answer stays, and how that is checked.
    fn guarantee(&self) -> Guarantee<'_>;
    /// Whether the family is safe only where upper and lower case do not matter.
    fn needs_case_insensitive(&self) -> bool {
        false
    }
    /// Whether tasks that name no family get it. Those that few texts give a handle to, or that another one resembles, are
    /// only used by name: every family takes rows from the others.
    fn is_default(&self) -> bool {
        true
    }
    /// The perturbed text; `None` where this family cannot change it.
    fn perturb(&self, text: &str, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<String>;

    /// The row with the text of that input perturbed and the guarantee checked.
    ///
    /// # Errors
    /// If there is no such row.
    fn apply(
        &self,
        row: &Example,
        field: &str,
        (scene, rng): (&Scene<'_>, &mut ChaCha8Rng),
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
    /// There is nothing in the row that it could change.
    Idle,
    /// What it made is not vouched for.
    Broken(Broken),
}

impl From<Refused<Broken>> for Miss {
    fn from(refused: Refused<Broken>) -> Self {
        match refused {
            Refused::Broken(broken) => Self::Broken(broken),
            Refused::Relabelled => Self::Broken(Broken::Relabelled),
        }
    }
}

impl From<Broken> for Miss {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What a family may know about the task besides the text.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Words that must not be touched: labels and field names.
    pub protected: &'a Protected,
    /// A wrong answer, for injections; `None` where the outputs are free.
    pub wrong_answer: Option<&'a str>,
}

/// Every family.
pub const ALL: &[&dyn Family] = &[
    &whitespace::Whitespace,
    &unicode::Unicode,
    &case::Case,
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

/// The name under which two families at once are asked for and reported.
pub const COMPOSED: &str = "composed";

/// The names of all families, [`COMPOSED`] last.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|family| family.name()).chain([LISTING, COMPOSED]).collect()
}

/// One line about a family that is neither of the user's nor written by a model.
pub(crate) fn about(name: &str) -> Option<&'static str> {
    let listing = (name == LISTING).then_some(listing::ABOUT);
    ALL.iter().find(|family| family.name() == name).map(|family| family.about()).or(listing)
}

/// The families that suit a task when it names none: the default ones, without those that need case to be irrelevant if it
/// is not, and [`COMPOSED`].
pub fn default_families(case_insensitive: bool) -> Vec<String> {
    let suits =
        |family: &&&dyn Family| family.is_default() && (case_insensitive || !family.needs_case_insensitive());
    let names = ALL.iter().filter(suits).map(|family| family.name());
    names.chain([COMPOSED]).map(str::to_owned).collect()
}

/// The words of labels and field names that no family may touch.
pub fn protected_words<'a>(names: impl IntoIterator<Item = &'a str>) -> Protected {
    let words = names.into_iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    Protected::new(words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<BTreeSet<_>>())
}

#[cfg(test)]
mod tests;
