//! What to attack with, and the rows that come of it.
//!
//! **Invariant:** a variant is in the plan only if it differs from its row and its family's guarantee was checked on it. What
//! was tried in vain is counted. The same plan and rows give the same variants.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Example, Field, Program, Type, Value, digest};
use rand::{SeedableRng, rngs::ChaCha8Rng};
use serde::Serialize;

use super::{
    ALL, COMPOSED, Family, Guarantee, LISTING, Miss, Own, OwnProgram, Protected, Scene, Variant,
    allocate::{Allocation, Pairing},
    guarantee::OnField,
    listing, names, protected_words,
    rewrite::{self, Rewriting, Rewritings, RewritingsError},
};
use crate::{command::CommandError, gate::variant::Perturbed, task::Task};

/// What came of an attempt to perturb a row: a row, or none for a reason; an error if a program of the user's failed.
type Attempt<T, M = Miss> = Result<Result<T, M>, CommandError>;

/// What to attack with.
#[derive(Clone, Debug)]
pub struct Plan<'t> {
    /// Names of families, [`COMPOSED`] and those of `own` included if wanted.
    pub families: Vec<String>,
    /// Families of the user's.
    pub own: &'t [Own],
    /// What a model wrote, by row.
    pub rewritings: Rewritings,
    /// Variants per row.
    pub variants: usize,
    /// Names the frozen random choices.
    pub seed: u64,
    /// Label words and field names that no family may touch.
    pub protected: Protected,
    /// The choices of the task, for wrong answers in injections.
    pub choices: Vec<String>,
}

/// Why there are no variants.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
    /// What a model should have written cannot be used.
    #[error(transparent)]
    Rewritings(#[from] RewritingsError),
    /// A family that is a program of the user's failed.
    #[error(transparent)]
    Program(#[from] CommandError),
}

/// The variants of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// Those of each row, in the order of the rows.
    pub variants: Vec<Vec<Variant>>,
    /// What each family did.
    pub counts: BTreeMap<String, Count>,
}

/// What a family did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Variants that it made.
    pub made: usize,
    /// Rows that it could not change.
    pub idle: usize,
    /// Variants that were dropped because they broke its guarantee.
    pub dropped: usize,
}

/// The words of a program's labels and field names, which no family may touch.
pub(crate) fn words_of(program: &Program) -> Protected {
    let outputs = program.output_fields();
    let choices: Vec<_> = outputs.iter().flat_map(choices).collect();
    let fields = outputs.iter().chain(program.inputs()).map(|field| field.name.as_str());
    protected_words(choices.iter().map(String::as_str).chain(fields))
}

fn choices(field: &Field) -> Vec<String> {
    match &field.ty {
        Type::Choice(choices) => choices.clone(),
        _ => vec![],
    }
}

/// The families that a task is attacked with: those of `[gate]`, of `[[attack]]` and of `[rewriter]`.
pub(crate) fn families_of(task: &Task) -> Vec<String> {
    let own = task.attacks.iter().map(|own| own.name().to_owned());
    let written = task.rewriter.iter().flat_map(|config| config.families.clone());
    task.gate.families().into_iter().chain(own).chain(written).collect()
}

impl<'t> Plan<'t> {
    /// What a task's rows are attacked with.
    ///
    /// # Errors
    /// If the file with what a model wrote cannot be used.
    pub fn of(task: &'t Task) -> Result<Self, PlanError> {
        let outputs = task.program.output_fields();
        Ok(Self {
            families: families_of(task),
            own: &task.attacks,
            rewritings: Rewritings::read(task)?,
            variants: task.gate.variants,
            seed: task.data.seed,
            protected: words_of(&task.program),
            choices: if let [only] = outputs.as_slice() { choices(only) } else { vec![] },
        })
    }

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
        let stream = |name: &str| ChaCha8Rng::from_seed(*digest(&(name, self.seed)).as_bytes());
        let singles: Vec<_> = recipes.iter().filter_map(|recipe| recipe.single()).collect();
        let mut maker = Maker {
            plan: self,
            pairing: Pairing::new(singles.len(), stream("pairs")),
            singles,
            listings: listing::listings(&self.choices, &mut stream("listings")),
        };
        let mut allocation = Allocation::new(recipes.len(), stream("allocate"));
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

    fn recipe(&self, name: &str) -> Result<Recipe<'t>, PlanError> {
        let own = self.own.iter().find(|own| own.name() == name).map(|own| match own {
            Own::Rules(rules) => Step::Family(rules),
            Own::Program(program) => Step::Program(program),
            Own::Templates(templates) => Step::Family(templates),
        });
        let known = || ALL.iter().find(|family| family.name() == name).map(|family| Step::Family(*family));
        let written = || rewrite::find(name).map(Step::Rewriting);
        match own.or_else(known).or_else(written) {
            Some(step) => Ok(Recipe::One(step)),
            None if name == LISTING => Ok(Recipe::Listing),
            None if name == COMPOSED => Ok(Recipe::Composed),
            None => Err(PlanError::Unknown { name: name.to_owned(), known: names().join(", ") }),
        }
    }

    /// Applies families one after the other to the row, checking each guarantee on the way.
    fn perturb(&self, row: &Example, name: &str, steps: &[Step<'_>]) -> Attempt<Variant, Failed> {
        let Some(field) = longest_text(row) else { return Ok(Err(Failed { step: 0, miss: Miss::Idle })) };
        let mut perturbed = Perturbed::of(row);
        for (position, step) in steps.iter().enumerate() {
            let changed = perturbed.row();
            let label = changed.label();
            let wrong: Vec<_> = self.choices.iter().filter(|choice| **choice != label).collect();
            let seed = digest(&("perturb", self.seed, &row.id, name, step.name()));
            let mut rng = ChaCha8Rng::from_seed(*seed.as_bytes());
            let wrong_answer =
                wrong.get(seed.as_bytes()[31] as usize % wrong.len().max(1)).map(|choice| choice.as_str());
            let scene = Scene { protected: &self.protected, wrong_answer };
            let next = match step {
                Step::Rewriting(way) => self.rewritings.apply(way, changed, &self.protected),
                Step::Family(family) => family.apply(changed, field, (&scene, &mut rng)),
                Step::Program(program) => program.apply(changed, field, (&self.protected, self.seed))?,
            };
            let guarantee = OnField { guarantee: step.guarantee(), field, protected: &self.protected };
            let taken = next.and_then(|next| Ok(perturbed.step(step.name(), &guarantee, next)?));
            match taken {
                Ok(next) => perturbed = next,
                Err(miss) => return Ok(Err(Failed { step: position, miss })),
            }
        }
        Ok(perturbed.finish(name).ok_or(Failed { step: 0, miss: Miss::Idle }))
    }
}

/// One family, or two of the plan's at once.
#[derive(Clone, Copy)]
enum Recipe<'p> {
    One(Step<'p>),
    Listing,
    Composed,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Family(&'p dyn Family),
    Program(&'p OwnProgram),
    Rewriting(&'static Rewriting),
}

/// A row that could not be perturbed.
struct Failed {
    /// The position of the step that could not.
    step: usize,
    miss: Miss,
}

impl<'p> Recipe<'p> {
    /// A family that can be one of two: not what was written of the row as it is.
    fn single(&self) -> Option<Step<'p>> {
        match self {
            Self::One(Step::Rewriting(_)) | Self::Listing | Self::Composed => None,
            Self::One(step) => Some(*step),
        }
    }
}

impl<'p> Step<'p> {
    fn name(&self) -> &'p str {
        match self {
            Self::Family(family) => family.name(),
            Self::Program(program) => program.name(),
            Self::Rewriting(way) => way.name,
        }
    }

    /// Whether it can only be the first of two, because it finds nothing in a row that another one changed.
    fn reads_whole_rows(&self) -> bool {
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

/// Makes variants, and remembers which pairs of families were composed already.
struct Maker<'p> {
    plan: &'p Plan<'p>,
    singles: Vec<Step<'p>>,
    pairing: Pairing,
    /// Other orders of the choices.
    listings: Vec<Vec<String>>,
}

impl Maker<'_> {
    fn make(&mut self, recipe: Recipe<'_>, row: &Example) -> Attempt<Variant> {
        match recipe {
            Recipe::One(step) => {
                Ok(self.plan.perturb(row, step.name(), &[step])?.map_err(|failed| failed.miss))
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

    /// The pair that was used least of those that can change the row.
    fn compose(&mut self, row: &Example) -> Attempt<Variant> {
        let mut idle = BTreeSet::new();
        let mut last = Miss::Idle;
        for (first, second) in self.pairing.order() {
            let turned = self.singles[second].reads_whole_rows();
            let (first, second) = if turned { (second, first) } else { (first, second) };
            if idle.contains(&first) || idle.contains(&second) {
                continue;
            }
            match self.plan.perturb(row, COMPOSED, &[self.singles[first], self.singles[second]])? {
                Ok(variant) => {
                    self.pairing.used((first, second));
                    return Ok(Ok(variant));
                }
                Err(Failed { step, miss }) => {
                    idle.extend((step == 0).then_some(first));
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
