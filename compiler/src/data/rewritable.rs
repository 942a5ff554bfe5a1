//! The rows that a language model may rewrite, in a random order that does not show which rows are sealed.

use std::collections::BTreeSet;

use proofmark_runtime::digest;

use super::{assign::assign, error::DataError, hygiene::Hygiene, rows::read, split::Role};
use crate::{attack::rewrite::RewritableRows, task::Task};

/// Reads the rows of a task and splits them like [`super::Splits::load`].
///
/// # Errors
/// If a file or a row cannot be used, or there are too few rows.
pub(crate) fn rewritable_rows(task: &Task) -> Result<RewritableRows, DataError> {
    let given = read(task)?;
    let rows: Vec<_> = given.iter().map(|given| &given.row).collect();
    let found = Hygiene::of(&rows);
    let roles = assign(task, &given, &found)?;
    let keys = found.keys(&rows.iter().map(|row| &row.example.id).collect::<Vec<_>>());
    let mut order: Vec<_> = (0..given.len()).filter(|at| roles[*at].is_some()).collect();
    order
        .sort_by_cached_key(|at| digest(&("order of rewriting", task.data.seed, &given[*at].row.example.id)));
    let mut new = RewritableRows { rows: vec![], targets: vec![], train: vec![], groups: vec![] };
    let mut seen = BTreeSet::new();
    for (position, at) in order.into_iter().enumerate() {
        let row = &given[at].row;
        let is_first = seen.insert(row.example.content());
        if is_first && !row.adversarial {
            new.targets.push(position);
        }
        if roles[at] == Some(Role::Train) {
            new.train.push(position);
        }
        new.rows.push(row.example.clone());
        new.groups.push(keys[at].clone());
    }
    Ok(new)
}
