//! Shift slices: test rows that differ from the visible rows by their own features.
//!
//! A prompt that was fitted to typical rows fails on untypical ones first: on the longest and the shortest inputs, on rare
//! labels, on the newest rows, on values of a column that no visible row has, on rows that resemble no visible row, and on rows
//! whose most similar visible row has another label.
//!
//! **Invariant:** a slice depends on inputs, labels and columns alone, never on the answers of a prompt.

use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Example, digest};
use rayon::prelude::*;

use super::time::Moment;
use crate::gate::{GateRow, text::plain};

/// The share of rows at an edge is one divided by this.
const EDGE: usize = 10;
/// The share of the newest rows is one divided by this.
const NEWEST: usize = 4;
/// A label is rare if it has fewer rows than the mean number of rows of a label divided by this.
const RARE: usize = 2;
/// Most visible rows that test rows are compared with. The first ones are used; their order is random.
const COMPARED: usize = 1000;
/// The number of dimensions that words are hashed into.
const DIMENSIONS: usize = 256;

/// Adds to each test row the shift slices that it belongs to. `times` are the times of the rows.
pub(super) fn mark(rows: &mut [GateRow], times: &[Option<Moment>], visible: &[Example]) {
    let lengths: Vec<_> = rows.iter().map(|row| input(&row.example).chars().count()).collect();
    let backwards = lengths.iter().map(|length| usize::MAX - length).collect::<Vec<_>>();
    let near: Vec<_> = nearest(rows, visible);
    let distance: Vec<_> = near.iter().map(|(similarity, _)| -*similarity).collect();
    let slices = [
        ("longest inputs", top(&lengths, EDGE)),
        ("shortest inputs", top(&backwards, EDGE)),
        ("newest rows", top(times, NEWEST)),
        ("rare labels", rare(rows)),
        ("far from training rows", top(&distance, EDGE)),
        ("nearest training row has another label", near.iter().map(|(_, same)| !same).collect()),
    ];
    for (name, members) in slices {
        for (row, is_member) in rows.iter_mut().zip(members) {
            if is_member && row.natural.is_none() {
                row.shifts.push(name.to_owned());
            }
        }
    }
    unseen(rows, visible);
}

/// Marks the top 1/`share` of the values; none if ties make them more than twice as many.
fn top<T: Copy + PartialOrd>(values: &[T], share: usize) -> Vec<bool> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    let least = (values.len() / share).checked_sub(1).map(|last| sorted[last]);
    let members: Vec<_> = values.iter().map(|value| least.is_some_and(|least| *value >= least)).collect();
    let count = members.iter().filter(|member| **member).count();
    if count * share > 2 * values.len() { vec![false; values.len()] } else { members }
}

/// Marks rows with a rare label.
fn rare(rows: &[GateRow]) -> Vec<bool> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.example.label()).or_default() += 1);
    rows.iter().map(|row| RARE * counts.len() * counts[&row.example.label()] < rows.len()).collect()
}

/// Adds a slice for each slice column with a value that no visible row has.
fn unseen(rows: &mut [GateRow], visible: &[Example]) {
    let seen: BTreeSet<_> = visible.iter().flat_map(|row| &row.slices).collect();
    for row in rows {
        let new = row.example.slices.iter().filter(|slice| !seen.contains(slice));
        let named: Vec<_> = new.map(|(column, _)| format!("unseen {column}")).collect();
        row.shifts.extend(named);
    }
}

/// The similarity of the most similar visible row (cosine of weighted words), and whether it has the same label.
fn nearest(rows: &[GateRow], visible: &[Example]) -> Vec<(f32, bool)> {
    let visible = &visible[..visible.len().min(COMPARED)];
    let weights = Weights::of(visible);
    let known: Vec<_> = visible.iter().map(|row| (weights.vector(row), row.label())).collect();
    let of = |row: &GateRow| {
        let vector = weights.vector(&row.example);
        let label = row.example.label();
        let nearest = known.iter().map(|(other, known)| (cosine(&vector, other), *known == label));
        // Among equally similar rows one with the same label is preferred.
        nearest.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).unwrap_or((0.0, true))
    };
    rows.par_iter().map(of).collect()
}

/// The weights of words: the logarithm of one over the share of rows with the word.
struct Weights {
    rows: f32,
    counts: BTreeMap<String, f32>,
}

impl Weights {
    fn of(rows: &[Example]) -> Self {
        let mut counts = BTreeMap::new();
        for row in rows {
            let words: BTreeSet<String> = plain(&input(row)).split(' ').map(str::to_owned).collect();
            words.into_iter().for_each(|word| *counts.entry(word).or_insert(0.0) += 1.0);
        }
        Self { rows: rows.len() as f32, counts }
    }

    /// The words of a row, each hashed to a dimension and a sign, as a vector of length 1.
    fn vector(&self, row: &Example) -> Vec<f32> {
        let mut vector = vec![0.0; DIMENSIONS];
        for word in plain(&input(row)).split(' ') {
            let weight = ((1.0 + self.rows) / (1.0 + self.counts.get(word).copied().unwrap_or(0.0))).ln();
            let hash = digest(word);
            let [dimension, sign] = [hash.as_bytes()[0], hash.as_bytes()[1]];
            vector[usize::from(dimension)] += if sign % 2 == 0 { weight } else { -weight };
        }
        let length = cosine(&vector, &vector).sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|x| *x /= length);
        }
        vector
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The inputs of a row as one text.
fn input(row: &Example) -> String {
    row.inputs.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proofmark_runtime::{ExampleId, Record};
    use serde_json::json;

    use super::*;
    use crate::data::time;

    fn example(i: usize, text: &str, label: &str) -> Example {
        Example {
            id: ExampleId(i.to_string()),
            inputs: Record::new().with("text", text),
            outputs: Record::new().with("label", label),
            slices: [("channel".to_owned(), if i == 7 { "fax" } else { "mail" }.to_owned())].into(),
        }
    }

    /// The positions of the rows in each slice.
    fn slices(rows: &[GateRow]) -> BTreeMap<&str, Vec<usize>> {
        let mut slices: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, row) in rows.iter().enumerate() {
            row.shifts.iter().for_each(|name| slices.entry(name.as_str()).or_default().push(i));
        }
        slices
    }

    #[test]
    fn rows_at_the_edges_are_found() {
        let visible = [
            example(100, "where is the parcel that left the depot", "delivery"),
            example(101, "please refund the invoice that was charged twice", "payment"),
        ];
        let word = |i: usize| ["parcel depot", "invoice refund charged"][i % 2].to_owned();
        let label = |i: usize| ["delivery", "payment"][i % 2];
        let mut rows: Vec<_> = (0..40)
            .map(|i| GateRow::new(example(i, &(word(i) + &" and so on".repeat(i)), label(i))))
            .collect();
        rows[5].example.outputs.insert("label", "other");
        rows[9].example.outputs.insert("label", "delivery");
        rows[11].example.inputs.insert("text", "quantum lobster trombones everywhere");
        let times: Vec<_> = (0..40).map(|i| time::read(Some(&json!(i)), "at").ok()).collect();
        mark(&mut rows, &times, &visible);
        let slices = slices(&rows);
        assert_eq!(slices["longest inputs"], [35, 36, 37, 38, 39], "35 is as long as 36");
        assert_eq!(slices["shortest inputs"], [0, 1, 2, 11]);
        assert_eq!(slices["newest rows"], (30..40).collect::<Vec<_>>());
        assert_eq!(slices["rare labels"], [5]);
        assert!(slices["far from training rows"].contains(&11));
        let other = &slices["nearest training row has another label"];
        assert!(other.contains(&9) && other.contains(&5) && !other.contains(&0), "{other:?}");
        assert_eq!(slices["unseen channel"], [7]);
    }

    #[test]
    fn equal_rows_make_no_slice() {
        let mut rows: Vec<_> =
            (0..30).map(|i| GateRow::new(example(i, "the same", ["a", "b"][i % 2]))).collect();
        rows[7].example.slices.insert("channel".into(), "mail".into());
        let visible = [example(0, "the same", "a"), example(1, "the same", "b")];
        mark(&mut rows, &[None; 30], &visible);
        assert!(slices(&rows).is_empty(), "{:?}", slices(&rows));
    }
}
