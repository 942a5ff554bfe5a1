//! The division of the visible rows into the *pool*, which demonstrations come from, and the *common rows*, which candidates
//! are scored on.
//!
//! **Invariant:** no row is in both. A candidate that is scored on one of its own demonstrations can copy the answer. With
//! two disjoint parts that never happens, and all candidates share the same common rows. Rows with the same input text are
//! in the same part.
//!
//! Demonstrations that the user wrote in the task file ([`Origin::Task`](proofmark_runtime::Origin)) belong to the
//! baseline and come from no row.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Example, ExampleId};
use rand::{RngExt, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::visible::Visible;

/// The share of the training rows that goes to the pool.
const POOL_SHARE: f64 = 0.4;
/// With fewer training rows than this and no validation rows, all training rows are common rows and the pool is empty.
const TINY: usize = 5;

/// The visible rows, divided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Division {
    /// The training rows that demonstrations may be made from.
    pub pool: Vec<ExampleId>,
    /// The rows that candidates are scored on, in one fixed order: training rows first, then validation rows, each in
    /// stratified order.
    pub common: Vec<ExampleId>,
}

impl Division {
    /// Divides the rows; at most `most` of them become common rows, training and validation rows in proportion.
    pub fn new(train: &Visible, val: &Visible, most: usize, mut rng: ChaCha8Rng) -> Self {
        let order = stratified(train.examples(), &mut rng);
        let (pool, scoring) = split(train.examples(), &order, val.is_empty());
        let val_order = stratified(val.examples(), &mut rng);
        let total = scoring.len() + val_order.len();
        let share = |n: usize| if total > most { (n * most).div_ceil(total) } else { n };
        let from_train = share(scoring.len());
        let from_val = share(val_order.len());
        let scoring = scoring.into_iter().take(from_train).map(|i| train.examples()[i].id.clone());
        let last = val_order.into_iter().take(from_val).map(|i| val.examples()[i].id.clone());
        let pool = pool.into_iter().map(|i| train.examples()[i].id.clone()).collect();
        Self { pool, common: scoring.chain(last).take(most.max(1)).collect() }
    }
}

/// The rows of the pool and the rows for scoring, as places in `examples`. The first row of every label goes to the pool if
/// the pool has room for all labels, so that every label can be demonstrated.
fn split(examples: &[Example], order: &[usize], no_val: bool) -> (Vec<usize>, Vec<usize>) {
    if examples.len() < TINY && no_val {
        return (Vec::new(), order.to_vec());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count"
    )]
    let size = (examples.len() as f64 * POOL_SHARE).round() as usize;
    let mut seen = BTreeSet::new();
    let firsts: BTreeSet<usize> =
        order.iter().copied().filter(|&i| seen.insert(examples[i].label())).collect();
    let firsts = if firsts.len() <= size { firsts } else { BTreeSet::new() };
    let rest = order.iter().filter(|i| !firsts.contains(i)).take(size - firsts.len());
    let chosen: BTreeSet<usize> = rest.copied().chain(firsts.iter().copied()).collect();
    let texts: BTreeSet<String> = chosen.iter().map(|&i| plain_text(&examples[i])).collect();
    let in_pool = |i: &usize| chosen.contains(i) || texts.contains(&plain_text(&examples[*i]));
    let (pool, scoring) = order.iter().copied().partition::<Vec<usize>, _>(in_pool);
    if scoring.is_empty() && no_val { (Vec::new(), pool) } else { (pool, scoring) }
}

/// An order in which every prefix has about the label frequencies of the whole: the i-th of n rows with a label comes near
/// i/n of the way (systematic sampling with a random start per label).
fn stratified(examples: &[Example], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut strata: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, example) in examples.iter().enumerate() {
        strata.entry(example.label()).or_default().push(i);
    }
    let mut keyed = Vec::with_capacity(examples.len());
    for mut rows in strata.into_values() {
        rows.shuffle(rng);
        let start: f64 = rng.random();
        #[expect(clippy::cast_precision_loss, reason = "places are far below 2^53")]
        let key = |place: usize, n: usize| (place as f64 + start) / n as f64;
        let n = rows.len();
        keyed.extend(rows.into_iter().enumerate().map(|(place, i)| (key(place, n), i)));
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// The inputs as lower-case letters and digits; two rows with the same plain text count as equal.
fn plain_text(example: &Example) -> String {
    let values = example.inputs.iter().map(|(_, value)| value.to_string());
    values
        .flat_map(|text| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofmark_runtime::Record;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn rows(prefix: &str, labels: &[usize]) -> Visible {
        let examples = labels.iter().enumerate().map(|(i, label)| Example {
            id: ExampleId(format!("{prefix}{i}")),
            inputs: Record::new().with("q", format!("{prefix} text {i}")),
            outputs: Record::new().with("a", format!("label {label}")),
            slices: BTreeMap::new(),
        });
        Visible::new(examples.collect())
    }

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(7)
    }

    proptest! {
        #[test]
        fn the_parts_are_disjoint_and_complete(
            train in prop::collection::vec(0usize..6, 0..60), val in prop::collection::vec(0usize..6, 0..30)
        ) {
            let (train, val) = (rows("t", &train), rows("v", &val));
            let division = Division::new(&train, &val, usize::MAX, rng());
            let all: BTreeSet<_> = division.pool.iter().chain(&division.common).collect();
            prop_assert_eq!(all.len(), division.pool.len() + division.common.len());
            prop_assert_eq!(all.len(), train.len() + val.len());
            prop_assert!(train.is_empty() && val.is_empty() || !division.common.is_empty());
        }

        #[test]
        fn every_prefix_has_each_label_in_proportion(labels in prop::collection::vec(0usize..4, 1..80)) {
            let visible = rows("t", &labels);
            let order = stratified(visible.examples(), &mut rng());
            for label in 0..4 {
                let total = labels.iter().filter(|&&l| l == label).count();
                for end in 1..=order.len() {
                    let seen = order[..end].iter().filter(|&&i| labels[i] == label).count();
                    #[expect(clippy::cast_precision_loss)]
                    let fair = (total * end) as f64 / labels.len() as f64;
                    #[expect(clippy::cast_precision_loss)]
                    let off = (seen as f64 - fair).abs();
                    prop_assert!(off <= 4.0, "{seen} of label {label} within {end}, fair is {fair}");
                }
            }
        }
    }

    #[test]
    fn the_pool_has_every_label() {
        let labels: Vec<_> = (0..88).map(|i| if i < 10 { i } else { 10 + i % 3 }).collect();
        let train = rows("t", &labels);
        let division = Division::new(&train, &rows("v", &[0]), usize::MAX, rng());
        let shown: BTreeSet<_> = division.pool.iter().map(|id| train.get(id).unwrap().label()).collect();
        assert_eq!((division.pool.len(), shown.len()), (35, 13));
    }

    #[test]
    fn same_texts_are_in_the_same_part() {
        let mut examples = rows("t", &[0; 40]).examples().to_vec();
        for pair in examples.chunks_mut(2) {
            let text = pair[0].inputs.get("q").unwrap().to_string().to_uppercase() + "!";
            pair[1].inputs.insert("q", text);
        }
        let train = Visible::new(examples);
        let division = Division::new(&train, &Visible::default(), usize::MAX, rng());
        let texts = |ids: &[ExampleId]| -> BTreeSet<String> {
            ids.iter().map(|id| plain_text(train.get(id).unwrap())).collect()
        };
        assert!(texts(&division.pool).is_disjoint(&texts(&division.common)));
        assert!(!division.common.is_empty());
    }

    #[test]
    fn few_rows_are_all_for_scoring() {
        let division = Division::new(&rows("t", &[0, 1, 0]), &Visible::default(), usize::MAX, rng());
        assert_eq!((division.pool.len(), division.common.len()), (0, 3));
    }

    #[test]
    fn a_limit_takes_from_both_splits_in_proportion() {
        let division = Division::new(&rows("t", &[0; 100]), &rows("v", &[0; 60]), 60, rng());
        let from_val = division.common.iter().filter(|id| id.0.starts_with('v')).count();
        assert_eq!((division.common.len(), from_val), (60, 30));
    }
}
