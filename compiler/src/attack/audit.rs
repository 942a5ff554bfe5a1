//! The audit: a person reads some variants and says of each whether the right answer stays (gate.md, section 5.5, point 4).
//!
//! What is read is made from rows that the search can see, by the families, the allocation and the seed that the sealed rows
//! get theirs from. Sealed variants are not shown: who has read them and writes the next prompt has seen the test.
//!
//! **Invariant:** the sample depends on the task and its visible rows alone, and no sealed row is in it.

use std::collections::BTreeMap;

use proofmark_runtime::{Digest, Example, digest};

use super::{Class, Plan, PlanError, severity::edit_rate};
use crate::{gate::Audited, task::Task};

/// Variants that are read: if none of so many is wrong, at most 5 % are (95 % confidence).
pub const SAMPLE: usize = 60;

/// A variant of a visible row.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The content hash of row and variant.
    pub item: Digest,
    /// Its family.
    pub family: String,
    /// Which families made it, in order.
    pub steps: Vec<String>,
    /// The weakest guarantee of its steps.
    pub class: Class,
    /// How severe it is: characters changed for each character of the original; 1.5 if half as much again was added.
    pub edit_rate: f64,
    /// The row.
    pub row: Example,
    /// What was made of it.
    pub variant: Example,
    /// The order in which prompts list the choices, if that is what was changed.
    pub listing: Option<Vec<String>>,
}

/// All variants of visible rows, made like those of the sealed rows.
///
/// # Errors
/// [`PlanError`].
pub fn cases(task: &Task, visible: &[&Example]) -> Result<Vec<Case>, PlanError> {
    let frozen = Plan::of(task)?.freeze(visible)?;
    let of_row = |(row, variants): (&&Example, Vec<super::Variant>)| {
        variants.iter().map(|variant| Case::new(row, variant)).collect::<Vec<_>>()
    };
    Ok(visible.iter().zip(frozen.variants).flat_map(|pair| of_row((pair.0, pair.1))).collect())
}

/// At most [`SAMPLE`] of them, from every family about equally many.
pub fn sample(cases: &[Case]) -> Vec<&Case> {
    let mut families: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    // Where the row itself is unchanged there is nothing to read.
    for case in cases.iter().filter(|case| case.listing.is_none()) {
        families.entry(&case.family).or_default().push(case);
    }
    families.values_mut().for_each(|cases| cases.sort_by_key(|case| digest(&("sample", case.item))));
    let rounds = families.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|i| families.values().filter_map(move |cases| cases.get(i).copied()));
    in_turn.take(SAMPLE).collect()
}

/// What was said about a sample, if anything was.
pub fn audited(sample: &[&Case], said: &BTreeMap<Digest, bool>) -> Option<Audited> {
    let said: Vec<_> = sample.iter().filter_map(|case| said.get(&case.item)).collect();
    let invalid = said.iter().filter(|keep| !**keep).count();
    (!said.is_empty()).then(|| Audited::new(said.len(), invalid))
}

impl Case {
    fn new(row: &Example, variant: &super::Variant) -> Self {
        let changed = variant.example();
        let item = digest(&(&row.inputs, &row.outputs, &changed.inputs, &changed.outputs));
        let mut case = Self {
            item,
            family: variant.family().to_owned(),
            steps: variant.steps().to_vec(),
            class: variant.class(),
            edit_rate: 0.0,
            row: row.clone(),
            variant: changed.clone(),
            listing: variant.listing().map(<[String]>::to_vec),
        };
        if case.listing.is_none() {
            let (before, after) = case.texts();
            case.edit_rate = edit_rate(&before, &after);
        }
        case
    }

    /// The inputs that were changed, before and after.
    pub fn texts(&self) -> (String, String) {
        let changed = self.row.inputs.iter().filter_map(|(name, old)| {
            let new = self.variant.inputs.get(name)?;
            (old != new).then(|| (old.to_string(), new.to_string()))
        });
        let listed =
            self.listing.iter().map(|choices| (String::new(), format!("listed: {}", choices.join(", "))));
        let (before, after): (Vec<_>, Vec<_>) = changed.chain(listed).unzip();
        (before.join("\n"), after.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proofmark_runtime::{ExampleId, Record};

    use super::*;
    use crate::{
        attack::{Guarantee, Protected, guarantee::OnField},
        gate::variant::Perturbed,
    };

    fn case(i: usize, family: &str) -> Case {
        let row = |text: String| Example {
            id: ExampleId(format!("r{i}")),
            inputs: Record::new().with("text", text),
            outputs: Record::new().with("label", "x"),
            slices: BTreeMap::new(),
        };
        let original = row(format!("row {i}"));
        let guarantee =
            OnField { guarantee: Guarantee::Surrounds, field: "text", protected: &Protected::default() };
        let changed = row(format!("row {i} by {family}"));
        let step = Perturbed::of(&original).step(family, &guarantee, changed).unwrap();
        Case::new(&original, &step.finish(family).unwrap())
    }

    #[test]
    fn a_sample_has_about_equally_many_of_every_family_and_its_decisions_are_counted() {
        let sizes = [("a", 100), ("b", 40), ("c", 5)];
        let cases: Vec<_> = sizes.iter().flat_map(|(family, n)| (0..*n).map(|i| case(i, family))).collect();
        let sample = sample(&cases);
        let of = |family: &str| sample.iter().filter(|case| case.family == family).count();
        assert_eq!([of("a"), of("b"), of("c")], [28, 27, 5]);
        assert_eq!(sample.iter().map(|case| case.item).collect::<BTreeSet<_>>().len(), SAMPLE);

        assert_eq!(audited(&sample, &BTreeMap::new()), None);
        let mut said: BTreeMap<_, _> = sample[..50].iter().map(|case| (case.item, true)).collect();
        said.insert(sample[7].item, false);
        said.insert(digest("a variant of other rows"), false);
        let audited = audited(&sample, &said).unwrap();
        assert_eq!((audited.read, audited.invalid), (50, 1));
    }
}
