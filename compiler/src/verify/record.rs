//! What a prompt did when it was stamped: kept in the artifact.

use std::collections::BTreeSet;

use proofmark_runtime::{Digest, Example, ExampleId};
use serde::{Deserialize, Serialize};

use crate::gate::statistics::betting;

/// Rows that are recorded at most.
pub const MOST_ROWS: usize = 200;

/// Rows that are asked twice at most.
pub const TWICE: usize = 60;

/// What a prompt did when it was stamped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Visible rows, those first that did not choose the prompt.
    pub rows: Vec<Row>,
    /// How many of the first rows were asked twice.
    pub twice: usize,
    /// How many of those got another answer the second time.
    pub changed: usize,
}

/// What it did on one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The row.
    pub id: ExampleId,
    /// The hash of its inputs and labels, so that a row that was changed since is known.
    pub content: Digest,
    /// The score.
    pub score: f64,
    /// The hash of the answer.
    pub answer: Digest,
    /// Whether its score helped to choose the prompt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chose: bool,
}

impl Recorded {
    /// How often the model changes its own answer, at most (90 %).
    pub fn own_changes(&self) -> f64 {
        betting::own_changes(self.changed, self.twice)
    }
}

/// The hash of what a row says.
pub fn content(example: &Example) -> Digest {
    example.content()
}

/// The rows to record: not those that the prompt shows; those first that did not choose it.
pub fn chosen<'v>(
    visible: &[&'v Example],
    shown: &BTreeSet<&ExampleId>,
    chose: &BTreeSet<&ExampleId>,
) -> Vec<(&'v Example, bool)> {
    let mut rows: Vec<_> = visible
        .iter()
        .filter(|row| !shown.contains(&row.id))
        .map(|row| (*row, chose.contains(&row.id)))
        .collect();
    rows.sort_by_key(|(_, chose)| *chose);
    rows.truncate(MOST_ROWS);
    rows
}
