//! Attacks: perturbations that leave the right answer as it is. One file per family, one line in [`ALL`].
//!
//! **Invariant:** no variant exists whose family's [`Guarantee`] was not checked on that very text, and variants are
//! frozen: they depend on the seed and the row alone, never on what any prompt answered (gate.md, section 5.4).
//! [`freeze`] makes them; [`crate::gate`] seals them.

mod allocate;
mod case;
mod contraction;
mod date;
mod distractor;
mod filler;
mod guarantee;
mod injection;
mod length;
mod lexicon;
mod neutral;
mod number;
mod ocr;
mod protect;
mod synonym;
mod tautology;
mod thread;
mod typo;
mod unicode;
mod unit;
mod whitespace;

use std::collections::BTreeSet;

use proofmark_runtime::{Example, ExampleId, Value, digest};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use allocate::Allocation;
pub use guarantee::{Broken, Class, Guarantee, Normalizer};
pub use protect::Protected;

/// A way to perturb text without changing the right answer.
pub trait Family: Sync {
    /// The name used in task files and reports.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
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
];

/// The name under which two families at once are asked for and reported.
pub const COMPOSED: &str = "composed";

/// One perturbed row.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The family's name, or [`COMPOSED`].
    pub family: String,
    /// Which families made it, in order.
    pub steps: Vec<&'static str>,
    /// The weakest guarantee of its steps.
    pub class: Class,
    /// The perturbed row; its id is the original's with `#family` behind it.
    pub example: Example,
}

/// What to attack with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names of families, [`COMPOSED`] included if wanted.
    pub families: Vec<String>,
    /// Variants per row.
    pub variants: usize,
    /// Names the frozen random choices.
    pub seed: u64,
    /// Label words and field names that no family may touch.
    pub protected: Protected,
    /// The choices of the task, for wrong answers in injections.
    pub choices: Vec<String>,
}

/// Something wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A family that does not exist.
    #[error("there is no perturbation family `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that exist, joined.
        known: String,
    },
    /// Nothing to attack with.
    #[error("no perturbation family is named, so there is nothing to test robustness with")]
    Empty,
}

/// The names of all families, [`COMPOSED`] last.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|family| family.name()).chain([COMPOSED]).collect()
}

/// The families that suit a task when it names none: the default ones, without those that need case to be irrelevant if it
/// is not, and [`COMPOSED`].
pub fn default_families(case_insensitive: bool) -> Vec<String> {
    let suits =
        |family: &&&dyn Family| family.is_default() && (case_insensitive || !family.needs_case_insensitive());
    let names = ALL.iter().filter(suits).map(|family| family.name());
    names.chain([COMPOSED]).map(str::to_owned).collect()
}

/// Makes the variants of every row: `plan.variants` per row from different families, each family on about equally many
/// rows. A row whose text no family can change gets fewer.
///
/// # Errors
/// If the plan names an unknown family or none.
pub fn freeze(examples: &[&Example], plan: &Plan) -> Result<Vec<Vec<Variant>>, PlanError> {
    let recipes = plan.families.iter().map(|name| Recipe::find(name)).collect::<Result<Vec<_>, _>>()?;
    if recipes.is_empty() {
        return Err(PlanError::Empty);
    }
    let singles: Vec<_> = recipes.iter().filter_map(|recipe| recipe.single()).collect();
    let mut allocation =
        Allocation::new(recipes.len(), ChaCha8Rng::from_seed(*digest(&("allocate", plan.seed)).as_bytes()));
    let frozen = examples.iter().map(|example| {
        let mut variants: Vec<Variant> = Vec::new();
        for chosen in allocation.order() {
            if variants.len() == plan.variants {
                break;
            }
            if let Some(variant) = recipes[chosen].apply(example, plan, &singles) {
                variants.push(variant);
                allocation.used(chosen);
            }
        }
        allocation.next_row();
        variants
    });
    Ok(frozen.collect())
}

/// One family, or two of the plan's at once.
enum Recipe {
    One(&'static dyn Family),
    Composed,
}

impl Recipe {
    fn find(name: &str) -> Result<Self, PlanError> {
        let unknown = || PlanError::Unknown { name: name.to_owned(), known: names().join(", ") };
        match ALL.iter().find(|family| family.name() == name) {
            Some(family) => Ok(Self::One(*family)),
            None if name == COMPOSED => Ok(Self::Composed),
            None => Err(unknown()),
        }
    }

    fn single(&self) -> Option<&'static dyn Family> {
        match self {
            Self::One(family) => Some(*family),
            Self::Composed => None,
        }
    }

    fn apply(&self, example: &Example, plan: &Plan, singles: &[&'static dyn Family]) -> Option<Variant> {
        match self {
            Self::One(family) => perturb(example, family.name(), &[*family], plan),
            Self::Composed => {
                let pairs = allocate::pairs(singles.len());
                let pick = digest(&("compose", plan.seed, &example.id)).as_bytes()[0] as usize;
                let (first, second) = *pairs.get(pick % pairs.len().max(1))?;
                perturb(example, COMPOSED, &[singles[first], singles[second]], plan)
            }
        }
    }
}

/// Applies families one after the other to the row's longest text input, checking each guarantee on the way.
fn perturb(example: &Example, name: &str, steps: &[&'static dyn Family], plan: &Plan) -> Option<Variant> {
    let (field, original) = longest_text(example)?;
    let label = example.label();
    let wrong: Vec<_> = plan.choices.iter().filter(|choice| **choice != label).collect();
    let mut text = original.to_owned();
    for family in steps {
        let seed = digest(&("perturb", plan.seed, &example.id, name, family.name()));
        let mut rng = ChaCha8Rng::from_seed(*seed.as_bytes());
        let wrong_answer =
            wrong.get(seed.as_bytes()[31] as usize % wrong.len().max(1)).map(|choice| choice.as_str());
        let next = family.perturb(&text, &Scene { protected: &plan.protected, wrong_answer }, &mut rng)?;
        family.guarantee().check(&text, &next, &plan.protected).ok()?;
        text = next;
    }
    if text == original {
        return None;
    }
    let mut perturbed = example.clone();
    perturbed.id = ExampleId(format!("{}#{name}", example.id));
    perturbed.inputs.insert(field, text);
    Some(Variant {
        family: name.to_owned(),
        steps: steps.iter().map(|family| family.name()).collect(),
        class: steps.iter().map(|family| family.guarantee().class()).max().unwrap_or(Class::G0),
        example: perturbed,
    })
}

fn longest_text(example: &Example) -> Option<(&str, &str)> {
    let texts = example.inputs.iter().filter_map(|(name, value)| match value {
        Value::Text(text) if !text.trim().is_empty() => Some((name, text.as_str())),
        _ => None,
    });
    texts.max_by_key(|(_, text)| text.len())
}

/// The words of labels and field names that no family may touch.
pub fn protected_words<'a>(names: impl IntoIterator<Item = &'a str>) -> Protected {
    let words = names.into_iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    Protected::new(words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<BTreeSet<_>>())
}

#[cfg(test)]
mod tests;
