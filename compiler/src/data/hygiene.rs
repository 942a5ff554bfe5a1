//! Groups of rows that belong together, and rows that contradict each other.

use std::collections::{BTreeMap, HashMap};

use proofmark_runtime::ExampleId;

use super::{error::DataError, row::DataRow};
use crate::{
    gate::text::plain,
    near::{Groups, JoinedPairs, join_near_duplicates, text_of},
};

/// The groups of rows that belong together, and the reasons.
pub(super) struct Hygiene {
    /// The rows of every group, ascending.
    pub(super) groups: Vec<Vec<usize>>,
    /// The pairs of near-duplicates that were joined.
    pub(super) joined: JoinedPairs,
    /// Rows with the same text and different labels.
    pub(super) contradictions: Vec<Vec<usize>>,
}

impl Hygiene {
    /// Finds the groups in the rows of all files together.
    pub(super) fn of(rows: &[&DataRow]) -> Self {
        let texts: Vec<_> = rows.iter().map(|row| text_of(&row.example.inputs)).collect();
        let mut groups = Groups::new(rows.len());
        let joined = join_near_duplicates(&texts, &mut groups);
        let mut first = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if let Some(key) = &row.group {
                groups.join(*first.entry(key).or_insert(at), at);
            }
        }
        Self { groups: groups.members(), contradictions: contradictions(rows, &texts), joined }
    }

    /// The key of each row's group: the smallest id in the group, so that it does not depend on the order of the rows.
    pub(super) fn keys(&self, ids: &[&ExampleId]) -> Vec<String> {
        let mut keys = vec![String::new(); ids.len()];
        for members in &self.groups {
            let smallest =
                members.iter().map(|row| ids[*row]).min().map(|id| id.0.clone()).unwrap_or_default();
            members.iter().for_each(|row| keys[*row].clone_from(&smallest));
        }
        keys
    }
}

/// Groups of rows with the same plain text and at least two labels.
fn contradictions(rows: &[&DataRow], texts: &[String]) -> Vec<Vec<usize>> {
    let mut same: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        same.entry(plain(text)).or_default().push(at);
    }
    let labels = |at: usize| &rows[at].example.outputs;
    let differ = |members: &Vec<usize>| members.iter().any(|at| labels(*at) != labels(members[0]));
    let mut found: Vec<_> = same.into_values().filter(differ).collect();
    found.sort();
    found
}

/// Reports data in which every row has the same labels.
pub(super) fn several_labels(rows: &[&DataRow]) -> Result<(), DataError> {
    match rows {
        [first, second, ..] if rows.iter().all(|row| row.example.outputs == first.example.outputs) => {
            let label = second.example.outputs.iter().map(|(field, value)| format!("`{field}` = {value}"));
            Err(DataError::OneLabel { rows: rows.len(), label: label.collect::<Vec<_>>().join(", ") })
        }
        _ => Ok(()),
    }
}
