//! Data: files to typed rows, near-duplicates to groups, groups to splits.
//!
//! **Invariant:** rows that belong together (same user key, same or nearly the same text) are in one group, and no group is in
//! two splits. The same rows and seed give the same splits, whatever their order in the files. A row that cannot be used
//! stops the run with its line.
//!
//! `file` reads bytes, `row` and `cell` type them, `rows` reads all files of a task. `hygiene` groups rows (near-duplicates by
//! [`crate::near`]), `split` splits groups and `assign` applies the split to rows. `shift` marks test rows that differ from
//! the visible rows, `seal` perturbs and seals test rows, `fresh` does the same for rows that come later. `report` and `templated`
//! report on it all. [`rehearsal`] splits the visible rows again, to compare optimizers.

mod assign;
mod cell;
mod error;
mod file;
mod fresh;
mod hygiene;
pub mod rehearsal;
mod report;
mod rewritable;
mod row;
mod rows;
mod seal;
mod shift;
mod split;
mod templated;
#[cfg(test)]
mod tests;
mod time;

use std::collections::BTreeMap;

use proofmark_optimizers::Visible;
use proofmark_runtime::digest;

pub(crate) use self::rewritable::rewritable_rows;
use self::{
    assign::assign,
    hygiene::Hygiene,
    rows::{GivenRow, read_all},
    seal::{gate_row, seal},
    split::Role,
};
pub use self::{
    error::DataError,
    fresh::{Fresh, fresh},
    report::{Contradiction, Counts, Joins, MovedOut, RewritingReport, SplitReport},
    rows::read_rows,
    templated::TemplateReport,
};
pub use crate::{
    attack::NATURAL,
    config::{BadRow, BadRows},
};
use crate::{
    attack::{Count, Plan},
    gate::Sealed,
    task::Task,
};

/// The rows of a task, split.
#[derive(Debug)]
pub struct Splits {
    /// Train rows.
    pub train: Visible,
    /// Validation rows, which rank finalists.
    pub val: Visible,
    /// Test rows with their variants. Only the gate reads them.
    pub gate: Sealed,
}

impl Splits {
    /// Reads the data of a task and splits it.
    ///
    /// # Errors
    /// If a file or a row cannot be used, or there are too few rows.
    pub fn load(task: &Task) -> Result<(Self, SplitReport), DataError> {
        let read = read_all(task)?;
        let given = read.rows;
        let rows: Vec<_> = given.iter().map(|given| &given.row).collect();
        hygiene::several_labels(&rows)?;
        let found = Hygiene::of(&rows);
        let roles = assign(task, &given, &found)?;
        let report = report::make(task, &rows, &roles, &found);
        let templates = templated::report(task, &rows, &roles, &found);
        let plan = task.plan()?;
        let rewritings = task.rewriter.as_ref().map(|_| report::rewritings(&plan.rewritings, &rows));
        let (splits, families) = Self::collect(&plan, given, &roles, &found)?;
        Ok((splits, SplitReport { families, rewritings, templates, unmapped: read.unmapped, ..report }))
    }

    /// Puts the rows into their splits, in an order that depends on the seed and the ids.
    fn collect(
        plan: &Plan<'_>,
        given: Vec<GivenRow>,
        roles: &[Option<Role>],
        found: &Hygiene,
    ) -> Result<(Self, BTreeMap<String, Count>), DataError> {
        let keys = found.keys(&given.iter().map(|given| &given.row.example.id).collect::<Vec<_>>());
        let mut order: Vec<_> = given.into_iter().zip(roles).zip(keys).collect();
        // The order of rows influences a search, so it must not depend on the order of the file.
        order.sort_by_cached_key(|((given, _), _)| digest(&("order", plan.seed, &given.row.example.id)));
        let mut train = Vec::new();
        let mut val = Vec::new();
        let mut gate = Vec::new();
        let mut times = Vec::new();
        for ((GivenRow { row, .. }, role), group) in order {
            match role {
                Some(Role::Train) => train.push(row.example),
                Some(Role::Val) => val.push(row.example),
                Some(Role::Gate) => {
                    times.push(row.time);
                    gate.push(gate_row(row, group));
                }
                None => {}
            }
        }
        shift::mark(&mut gate, &times, &train);
        let (gate, families) = seal(plan, gate)?;
        Ok((Self { train: Visible::new(train), val: Visible::new(val), gate }, families))
    }
}
