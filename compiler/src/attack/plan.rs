//! The perturbation plan: which families perturb rows, and the frozen variants.
//!
//! **Invariant:** a variant is in the plan only if it differs from its row and its family's guarantee was checked on it. Failed
//! attempts are counted. The same plan and rows give the same variants.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Example, Field, Program, Type, Value, digest};
use rand::{SeedableRng, rngs::ChaCha8Rng};
use serde::Serialize;

use super::{
    COMPOSED, Family, Guarantee, LISTING, Miss, Own, OwnProgram, Protected, Scene, Variant,
    allocate::{Allocation, Pairing},
    built_in::{self, How},
    guarantee::OnField,
    listing, names, protected_words,
    rewrite::{self, Rewriting, Rewritings, RewritingsError},
};
use crate::{command::CommandError, gate::variant::Perturbed};

/// The result of an attempt to perturb a row: a row, or the reason why there is none. The outer error is a failed program of
/// the user's.
type Attempt<T, M = Miss> = Result<Result<T, M>, CommandError>;

/// How rows are perturbed.
#[derive(Clone, Debug)]
pub struct Plan<'t> {
    /// The names of the families, including [`COMPOSED`] and those of `own` if wanted.
    pub families: Vec<String>,
    /// The user's own families.
    pub own: &'t [Own],
    /// The rewritings by a model, by row.
    pub rewritings: Rewritings,
    /// The number of variants of each row.
    pub variants: usize,
    /// The random seed.
    pub seed: u64,
    /// Label words and field names that no family may change.
    pub protected: Protected,
    /// The choices of the task's only output, for wrong answers in injections.
    pub choices: Vec<String>,
}

/// Why there are no variants.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A family that does not exist.
    #[error("there is no perturbation family `{name}`; known: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The known names, joined.
        known: String,
    },
    /// No family.
    #[error("no perturbation family is named, so robustness cannot be tested")]
    Empty,
    /// The file of rewritings cannot be used.
    #[error(transparent)]
    Rewritings(#[from] RewritingsError),
    /// A program of the user's failed.
    #[error(transparent)]
    Program(#[from] CommandError),
}

/// The variants of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// The variants of each row, in the order of the rows.
    pub variants: Vec<Vec<Variant>>,
    /// The results of each family.
    pub counts: BTreeMap<String, Count>,
}

/// The results of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The number of variants.
    pub made: usize,
    /// The number of rows that it could not change.
    pub idle: usize,
    /// The number of variants that were dropped because they broke its guarantee.
    pub dropped: usize,
}

/// The words of a program's labels and field names, which no family may change.
pub(crate) fn words_of(program: &Program) -> Protected {
    let outputs = program.output_fields();
    let choices: Vec<_> = outputs.iter().flat_map(choices).collect();
    let fields = outputs.iter().chain(program.inputs()).map(|field| field.name.as_str());
    protected_words(choices.iter().map(String::as_str).chain(fields))
}

/// The choices of a program's only output; empty if there are several outputs or the output is no choice.
pub(crate) fn choices_of(program: &Program) -> Vec<String> {
    match program.output_fields().as_slice() {
        [only] => choices(only),
        _ => vec![],
    }
}

fn choices(field: &Field) -> Vec<String> {
    match &field.ty {
        Type::Choice(choices) => choices.clone(),
        _ => vec![],
    }
}

impl<'t> Plan<'t> {
    /// Makes the variants of every row: `variants` per row from different families, each family on about equally many
    /// rows. A row that too few families can change gets fewer.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn freeze(&self, examples: &[&Example]) -> Result<Frozen, PlanError> {
        let recipes = self.families.iter().map(|name| self.recipe(name)).collect::<Result<Vec<_>, _>>()?;
        if recipes.is_empty() {
            return Err(PlanError::Empty);
        }
        let singles: Vec<_> = recipes.iter().filter_map(|recipe| recipe.single()).collect();
        let mut maker = Maker {
            plan: self,
            pairing: Pairing::new(singles.len(), self.stream("pairs")),
            singles,
            listings: listing::listings(&self.choices, &mut self.stream("listings")),
        };
        let mut allocation = Allocation::new(recipes.len(), self.stream("allocate"));
        let mut frozen = Frozen { variants: vec![], counts: BTreeMap::new() };
        for example in examples {
            let mut variants: Vec<Variant> = Vec::new();
            for chosen in allocation.order() {
                if variants.len() == self.variants {
                    break;
                }
                let count = frozen.counts.entry(self.families[chosen].clone()).or_default();
                match maker.make(recipes[chosen], example)? {
                    Ok(variant) => {
                        count.made += 1;
                        variants.push(variant);
                        allocation.used(chosen);
                    }
                    Err(Miss::Idle) => count.idle += 1,
                    Err(Miss::Broken(_)) => count.dropped += 1,
                }
            }
            allocation.next_row();
            frozen.variants.push(variants);
        }
        self.own.iter().try_for_each(Own::finish)?;
        Ok(frozen)
    }

    /// A random stream of the plan.
    fn stream(&self, name: &str) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(*digest(&(name, self.seed)).as_bytes())
    }

    /// What a name means: one of the user's own families first, then a built-in one, then a way of rewriting.
    fn recipe(&self, name: &str) -> Result<Recipe<'t>, PlanError> {
        if let Some(own) = self.own.iter().find(|own| own.name() == name) {
            return Ok(Recipe::One(match own {
                Own::Rules(rules) => Perturber::Family(rules),
                Own::Program(program) => Perturber::Program(program),
                Own::Templates(templates) => Perturber::Family(templates),
            }));
        }
        if let Some(built_in) = built_in::all().find(|family| family.name == name) {
            return Ok(match built_in.how {
                How::Perturb(family) => Recipe::One(Perturber::Family(family)),
                How::List => Recipe::Listing,
                How::Compose => Recipe::Composed,
            });
        }
        match rewrite::find(name) {
            Some(way) => Ok(Recipe::One(Perturber::Rewriting(way))),
            None => Err(PlanError::Unknown { name: name.to_owned(), known: names().join(", ") }),
        }
    }

    /// Applies families to a row one after the other and checks the guarantee of each. `name` is the name of the variant.
    fn perturb(&self, row: &Example, name: &str, steps: &[Perturber<'_>]) -> Attempt<Variant, FailedStep> {
        let Some(field) = longest_text(row) else {
            return Ok(Err(FailedStep { step: 0, miss: Miss::Idle }));
        };
        let mut perturbed = Perturbed::of(row);
        for (step, perturber) in steps.iter().enumerate() {
            let changed = perturbed.row();
            let seed = digest(&("perturb", self.seed, &row.id, name, perturber.name()));
            let wrong_answer = self.wrong_answer(changed, seed.as_bytes()[31]);
            let scene = Scene { protected: &self.protected, wrong_answer };
            let next = match perturber {
                Perturber::Rewriting(way) => self.rewritings.apply(way, changed, &self.protected),
                Perturber::Family(family) => {
                    let mut rng = ChaCha8Rng::from_seed(*seed.as_bytes());
                    family.apply(changed, field, &scene, &mut rng)
                }
                Perturber::Program(program) => program.apply(changed, field, &self.protected, self.seed)?,
            };
            let guarantee = OnField { guarantee: perturber.guarantee(), field, protected: &self.protected };
            let checked = next.and_then(|next| Ok(perturbed.step(perturber.name(), &guarantee, next)?));
            match checked {
                Ok(next) => perturbed = next,
                Err(miss) => return Ok(Err(FailedStep { step, miss })),
            }
        }
        Ok(perturbed.finish(name).ok_or(FailedStep { step: 0, miss: Miss::Idle }))
    }

    /// A choice that is not the label of the row; none if there is no other choice.
    fn wrong_answer(&self, row: &Example, drawn: u8) -> Option<&str> {
        let label = row.label();
        let wrong: Vec<_> = self.choices.iter().filter(|choice| **choice != label).collect();
        wrong.get(usize::from(drawn) % wrong.len().max(1)).map(|choice| choice.as_str())
    }
}

/// How the variants of a family are made: by one perturber, by a listing, or by two perturbers of the plan.
#[derive(Clone, Copy)]
enum Recipe<'p> {
    One(Perturber<'p>),
    Listing,
    Composed,
}

/// Something that perturbs a row.
#[derive(Clone, Copy)]
enum Perturber<'p> {
    Family(&'p dyn Family),
    Program(&'p OwnProgram),
    Rewriting(&'static Rewriting),
}

/// A row that could not be perturbed.
struct FailedStep {
    /// The position of the failed perturber.
    step: usize,
    miss: Miss,
}

impl<'p> Recipe<'p> {
    /// The perturber, if it can be one of two. Rewritings cannot: they apply to unchanged rows only.
    fn single(&self) -> Option<Perturber<'p>> {
        match self {
            Self::One(Perturber::Rewriting(_)) | Self::Listing | Self::Composed => None,
            Self::One(perturber) => Some(*perturber),
        }
    }
}

impl<'p> Perturber<'p> {
    fn name(&self) -> &'p str {
        match self {
            Self::Family(family) => family.name(),
            Self::Program(program) => program.name(),
            Self::Rewriting(way) => way.name,
        }
    }

    /// Whether it can only be the first of two, because it does not recognize a row that another one changed.
    fn must_be_first(&self) -> bool {
        matches!(self, Self::Family(family) if matches!(family.guarantee(), Guarantee::Recomputes(_)))
    }

    fn guarantee(&self) -> Guarantee<'p> {
        match self {
            Self::Family(family) => family.guarantee(),
            Self::Program(program) => program.guarantee(),
            Self::Rewriting(way) => Guarantee::Rewrites(way),
        }
    }
}

/// Makes variants and keeps track of the pairs of families that were composed.
struct Maker<'p> {
    plan: &'p Plan<'p>,
    singles: Vec<Perturber<'p>>,
    pairing: Pairing,
    /// Other orders of the choices.
    listings: Vec<Vec<String>>,
}

impl Maker<'_> {
    fn make(&mut self, recipe: Recipe<'_>, row: &Example) -> Attempt<Variant> {
        match recipe {
            Recipe::One(perturber) => {
                Ok(self.plan.perturb(row, perturber.name(), &[perturber])?.map_err(|failed| failed.miss))
            }
            Recipe::Listing => Ok(self.list(row).ok_or(Miss::Idle)),
            Recipe::Composed => self.compose(row),
        }
    }

    /// The row under one of the listings.
    fn list(&self, row: &Example) -> Option<Variant> {
        let drawn = digest(&(LISTING, self.plan.seed, &row.id)).as_bytes()[0];
        let listing = self.listings.get(usize::from(drawn) % self.listings.len().max(1))?;
        Some(Variant::listed(row, LISTING, listing.clone()))
    }

    /// The row changed by the least used pair of those that can change it.
    fn compose(&mut self, row: &Example) -> Attempt<Variant> {
        let mut idle = BTreeSet::new();
        let mut last = Miss::Idle;
        for pair in self.pairing.order() {
            let pair = if self.singles[pair.second].must_be_first() { pair.swapped() } else { pair };
            if idle.contains(&pair.first) || idle.contains(&pair.second) {
                continue;
            }
            let steps = [self.singles[pair.first], self.singles[pair.second]];
            match self.plan.perturb(row, COMPOSED, &steps)? {
                Ok(variant) => {
                    self.pairing.used(pair);
                    return Ok(Ok(variant));
                }
                Err(FailedStep { step, miss }) => {
                    if step == 0 {
                        idle.insert(pair.first);
                    }
                    last = miss;
                }
            }
        }
        Ok(Err(last))
    }
}

/// The name of the longest text input.
pub(super) fn longest_text(row: &Example) -> Option<&str> {
    let texts = row.inputs.iter().filter_map(|(name, value)| match value {
        Value::Text(text) if !text.trim().is_empty() => Some((name, text.len())),
        _ => None,
    });
    texts.max_by_key(|(_, length)| *length).map(|(name, _)| name)
}
