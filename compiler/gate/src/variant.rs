//! Variants: perturbed rows whose guarantee was checked.
//!
//! A perturbation family changes a row in one or more steps. Each step names a [`Guarantee`]: the reason why the right
//! answer stays. [`Perturbed::step`] checks it on that very row.
//!
//! **Invariant:** a [`Variant`] exists only for a row on which the guarantee of every step was checked, and it can be
//! sealed only with that row.
//!
//! ```compile_fail,E0451
//! use proofmark_gate::variant::{Class, Variant};
//! # use proofmark_runtime::Example;
//! fn forge(example: Example) -> Variant {
//!     Variant { family: "typo".into(), steps: vec![], class: Class::G0, example, listing: None, row: todo!() }
//! }
//! ```

use proofmark_runtime::{Digest, Example, ExampleId, digest};
use serde::{Deserialize, Serialize};

/// The strength of the reason why the right answer stays, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Provable: a normalizer maps the variant back to the row.
    G0,
    /// Guarded by rules: protected spans are untouched and the edits are few, or the text stands unchanged inside.
    G1,
    /// Rewritten by a language model and verified by votes.
    G2,
    /// A program worked the label out again.
    G3,
    /// A natural row with its own label.
    G4,
}

/// A checkable reason why the right answer of a row stays.
pub trait Guarantee {
    /// How a perturbed row breaks it.
    type Broken;

    /// Its strength.
    fn class(&self) -> Class;

    /// Whether the labels of the row may change too. If not, a changed label is refused.
    fn may_relabel(&self) -> bool {
        self.class() >= Class::G3
    }

    /// Checks it on one row.
    ///
    /// # Errors
    /// How it is broken.
    fn check(&self, original: &Example, changed: &Example) -> Result<(), Self::Broken>;
}

/// Why a step of a perturbation is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused<B> {
    /// The row breaks the guarantee.
    Broken(B),
    /// The labels changed, though the guarantee promises that they stay.
    Relabelled,
}

/// A row on its way through the steps of a perturbation.
#[derive(Clone, Debug)]
pub struct Perturbed<'a> {
    original: &'a Example,
    changed: Example,
    steps: Vec<String>,
    class: Class,
}

/// One perturbed row.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    family: String,
    steps: Vec<String>,
    class: Class,
    example: Example,
    listing: Option<Vec<String>>,
    row: Digest,
}

impl<'a> Perturbed<'a> {
    /// Starts with the row as it is.
    pub fn of(original: &'a Example) -> Self {
        Self { original, changed: original.clone(), steps: vec![], class: Class::G0 }
    }

    /// The row as the steps so far have left it.
    pub fn row(&self) -> &Example {
        &self.changed
    }

    /// Takes one step, named after the family that made it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn step<G: Guarantee>(
        mut self,
        name: &str,
        guarantee: &G,
        changed: Example,
    ) -> Result<Self, Refused<G::Broken>> {
        let class = guarantee.class();
        if !guarantee.may_relabel() && changed.outputs != self.changed.outputs {
            return Err(Refused::Relabelled);
        }
        guarantee.check(&self.changed, &changed).map_err(Refused::Broken)?;
        self.changed = changed;
        self.class = self.class.max(class);
        self.steps.push(name.to_owned());
        Ok(self)
    }

    /// The variant under the name of its family; none if no step changed the row.
    pub fn finish(self, family: &str) -> Option<Variant> {
        let Self { original, mut changed, steps, class } = self;
        if changed.inputs == original.inputs {
            return None;
        }
        changed.id = variant_id(original, family);
        Some(Variant {
            family: family.to_owned(),
            steps,
            class,
            example: changed,
            listing: None,
            row: content(original),
        })
    }
}

impl Variant {
    /// The row as it is, answered by prompts that list the choices in another order.
    pub fn listed(row: &Example, family: &str, listing: Vec<String>) -> Self {
        Self {
            family: family.to_owned(),
            steps: vec![family.to_owned()],
            class: Class::G0,
            example: Example { id: variant_id(row, family), ..row.clone() },
            listing: Some(listing),
            row: content(row),
        }
    }

    /// The name of its perturbation family.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The families of its steps, in order.
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    /// The weakest guarantee of its steps.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The perturbed row. Its id is the original's with `#family` behind it.
    pub fn example(&self) -> &Example {
        &self.example
    }

    /// The order in which every prompt lists the choices, if it is not that of the task.
    pub fn listing(&self) -> Option<&[String]> {
        self.listing.as_deref()
    }

    /// Whether it was made of this row.
    pub fn is_of(&self, row: &Example) -> bool {
        self.row == content(row)
    }
}

/// The content hash of a row: its inputs and labels, without its name.
pub(crate) fn content(example: &Example) -> Digest {
    digest(&(&example.inputs, &example.outputs))
}

fn variant_id(row: &Example, family: &str) -> ExampleId {
    ExampleId(format!("{}#{family}", row.id))
}

#[cfg(test)]
pub(crate) mod testing {
    use std::convert::Infallible;

    use super::{Class, Guarantee, Perturbed, Variant};
    use proofmark_runtime::Example;

    /// A guarantee that holds for every row, for tests.
    pub(crate) struct Always(pub(crate) Class);

    impl Guarantee for Always {
        type Broken = Infallible;

        fn class(&self) -> Class {
            self.0
        }

        fn check(&self, _: &Example, _: &Example) -> Result<(), Infallible> {
            Ok(())
        }
    }

    /// The variant of a row with another text in one input.
    pub(crate) fn variant(row: &Example, family: &str, field: &str, text: &str) -> Variant {
        let mut changed = row.clone();
        changed.inputs.insert(field, text);
        let step = Perturbed::of(row).step(family, &Always(Class::G1), changed).unwrap();
        step.finish(family).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use proofmark_runtime::Record;

    use super::{testing::Always, *};

    struct Never;

    impl Guarantee for Never {
        type Broken = &'static str;

        fn class(&self) -> Class {
            Class::G1
        }

        fn check(&self, _: &Example, _: &Example) -> Result<(), Self::Broken> {
            Err("never")
        }
    }

    fn row(text: &str, label: &str) -> Example {
        Example {
            id: ExampleId("r".into()),
            inputs: Record::new().with("text", text),
            outputs: Record::new().with("label", label),
            slices: [].into(),
        }
    }

    #[test]
    fn a_broken_guarantee_makes_no_variant() {
        let original = row("a", "x");
        let refused = Perturbed::of(&original).step("typo", &Never, row("b", "x"));
        assert_eq!(refused.unwrap_err(), Refused::Broken("never"));
    }

    #[test]
    fn a_flipped_label_makes_no_variant_below_g3() {
        let original = row("a", "x");
        let flipped = || row("b", "y");
        for class in [Class::G0, Class::G1, Class::G2] {
            let refused = Perturbed::of(&original).step("typo", &Always(class), flipped());
            assert_eq!(refused.unwrap_err(), Refused::Relabelled);
        }
        assert!(Perturbed::of(&original).step("redrawn", &Always(Class::G3), flipped()).is_ok());
    }

    #[test]
    fn a_row_that_no_step_changed_is_no_variant() {
        let original = row("a", "x");
        assert!(Perturbed::of(&original).finish("typo").is_none());
    }
}
