//! The audit: a person reads some variants and decides for each whether the right answer stays the same.
//!
//! The variants are made from visible rows, by the families, the allocation and the seed that the sealed rows have too.
//! Sealed variants are not shown, because a person who reads them and writes the next prompt has seen the test.
//!
//! **Invariant:** the sample depends on the task and its visible rows alone, and contains no sealed row.

use std::collections::BTreeMap;

use proofmark_runtime::{Digest, Example, digest};

use super::{Class, Plan, PlanError, Variant, severity::edit_rate};
use crate::gate::Audited;

/// The size of the sample. If none of 60 variants is wrong, at most 5 % of all are wrong (95 % confidence).
pub const SAMPLE: usize = 60;

/// A variant of a visible row.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The content hash of row and variant.
    pub item: Digest,
    /// Its family.
    pub family: String,
    /// The families that made it, in order.
    pub steps: Vec<String>,
    /// The weakest guarantee of its steps.
    pub class: Class,
    /// Changed characters for each character of the original; 1.5 if one and a half times the original was added.
    pub edit_rate: f64,
    /// The row.
    pub row: Example,
    /// The variant.
    pub variant: Example,
    /// The order in which prompts list the choices, if the family changed it.
    pub listing: Option<Vec<String>>,
}

/// All variants of visible rows, made like those of the sealed rows.
///
/// # Errors
/// [`PlanError`].
pub fn cases(plan: &Plan<'_>, visible: &[&Example]) -> Result<Vec<Case>, PlanError> {
    let frozen = plan.freeze(visible)?;
    let mut cases = vec![];
    for (row, variants) in visible.iter().zip(frozen.variants) {
        cases.extend(variants.iter().map(|variant| Case::new(row, variant)));
    }
    Ok(cases)
}

/// A sample of at most [`SAMPLE`] cases, about equally many of every family.
pub fn sample(cases: &[Case]) -> Vec<&Case> {
    let mut families: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    // A listing does not change the row, so there is nothing to read.
    for case in cases.iter().filter(|case| case.listing.is_none()) {
        families.entry(&case.family).or_default().push(case);
    }
    families.values_mut().for_each(|cases| cases.sort_by_key(|case| digest(&("sample", case.item))));
    let rounds = families.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|i| families.values().filter_map(move |cases| cases.get(i).copied()));
    in_turn.take(SAMPLE).collect()
}

/// The result of the audit of a sample; none if nothing of it was decided. A decision is true if the right answer stays.
pub fn audited(sample: &[&Case], decisions: &BTreeMap<Digest, bool>) -> Option<Audited> {
    let decided: Vec<_> = sample.iter().filter_map(|case| decisions.get(&case.item)).collect();
    let invalid = decided.iter().filter(|keep| !**keep).count();
    (!decided.is_empty()).then(|| Audited::new(decided.len(), invalid))
}

impl Case {
    fn new(row: &Example, variant: &Variant) -> Self {
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
        let mut before = vec![];
        let mut after = vec![];
        for (name, old) in self.row.inputs.iter() {
            if let Some(new) = self.variant.inputs.get(name).filter(|new| *new != old) {
                before.push(old.to_string());
                after.push(new.to_string());
            }
        }
        if let Some(choices) = &self.listing {
            before.push(String::new());
            after.push(format!("listed: {}", choices.join(", ")));
        }
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
    fn a_sample_is_balanced_and_its_decisions_are_counted() {
        let sizes = [("a", 100), ("b", 40), ("c", 5)];
        let cases: Vec<_> = sizes.iter().flat_map(|(family, n)| (0..*n).map(|i| case(i, family))).collect();
        let sample = sample(&cases);
        let of = |family: &str| sample.iter().filter(|case| case.family == family).count();
        assert_eq!([of("a"), of("b"), of("c")], [28, 27, 5]);
        assert_eq!(sample.iter().map(|case| case.item).collect::<BTreeSet<_>>().len(), SAMPLE);

        assert_eq!(audited(&sample, &BTreeMap::new()), None);
        let mut decisions: BTreeMap<_, _> = sample[..50].iter().map(|case| (case.item, true)).collect();
        decisions.insert(sample[7].item, false);
        decisions.insert(digest("a variant of other rows"), false);
        let audited = audited(&sample, &decisions).unwrap();
        assert_eq!((audited.read, audited.invalid), (50, 1));
    }
}
