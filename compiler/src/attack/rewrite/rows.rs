//! The rows that a language model may rewrite.

use proofmark_runtime::{Example, Record};

use crate::near::{Groups, join_near_duplicates, text_of};

/// The rows of a task before they are perturbed: those that are rewritten, and all others, because a rewriting must not be a
/// near-duplicate of a row of another group. `data` makes it.
///
/// **Invariant:** the order depends on the rows and the seed of the task alone, and does not show which rows are sealed.
pub(crate) struct RewritableRows {
    /// All rows of the splits.
    pub(crate) rows: Vec<Example>,
    /// Positions of the rows to rewrite: no adversarial rows, no copies of other rows.
    pub(crate) targets: Vec<usize>,
    /// Positions of the train rows.
    pub(crate) train: Vec<usize>,
    /// The group of each row.
    pub(crate) groups: Vec<String>,
}

/// A rewriting that is compared with all rows.
pub(super) struct Rewritten {
    /// The position of its row.
    pub(super) row: usize,
    /// The inputs of the rewritten row.
    pub(super) inputs: Record,
}

impl RewritableRows {
    /// Whether two rows are in the same group.
    pub(super) fn together(&self, a: usize, b: usize) -> bool {
        self.groups[a] == self.groups[b]
    }

    /// Whether each rewriting is a near-duplicate of a row of another group. Such a rewriting could show the search a sealed
    /// row, or put a visible row into the test.
    pub(super) fn strays(&self, rewritten: &[Rewritten]) -> Vec<bool> {
        let inputs = self.rows.iter().map(|row| &row.inputs);
        let inputs = inputs.chain(rewritten.iter().map(|new| &new.inputs));
        let texts: Vec<_> = inputs.map(text_of).collect();
        let mut groups = Groups::new(texts.len());
        join_near_duplicates(&texts, &mut groups);
        let mut rows_of: Vec<Vec<usize>> = vec![vec![]; texts.len()];
        for row in 0..self.rows.len() {
            rows_of[groups.find(row)].push(row);
        }
        let mut strays = Vec::with_capacity(rewritten.len());
        for (at, new) in rewritten.iter().enumerate() {
            let near = &rows_of[groups.find(self.rows.len() + at)];
            strays.push(near.iter().any(|row| !self.together(new.row, *row)));
        }
        strays
    }
}
