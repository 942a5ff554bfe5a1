//! Data: files to typed rows, near-duplicates to groups, groups to splits.
//!
//! **Invariant:** no group of rows that belong together (same user key, same or nearly the same text) straddles two
//! splits. The same rows and seed give the same splits, in whatever order the files hold them. A row that cannot be used
//! stops the run with its line.
//!
//! `file` reads bytes, `row` and `cell` type them, `rows` puts the files together; `near` finds near-duplicates and
//! `hygiene` what belongs together; `split` deals groups and `assign` says who takes part; `seal` perturbs and seals what
//! is judged on, `fresh` does so with rows that come later, `shift` says which of it is unlike what the search sees; `report`
//! and `templated` tell. [`rehearsal`] splits what is visible once more, to compare optimizers.

mod assign;
mod cell;
mod error;
mod file;
mod fresh;
mod groups;
mod hygiene;
mod near;
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
pub(crate) mod text;
mod time;

use std::collections::BTreeMap;

use proofmark_optimizers::Visible;
use proofmark_runtime::digest;

pub(crate) use self::rewritable::Rewritable;
use self::{
    assign::assign,
    hygiene::Hygiene,
    rows::{Given, read_and_tell},
    seal::{gate_row, seal},
    split::Role,
};
pub use self::{
    error::{BadRow, BadRows, DataError},
    fresh::{Fresh, fresh},
    report::{Contradiction, Counts, Joins, MovedOut, RewritingReport, SplitReport},
    rows::read_rows,
    seal::NATURAL,
    templated::TemplateReport,
};
use crate::{
    attack::{Count, Plan},
    gate::Sealed,
    task::Task,
};

/// The rows of a task, split.
#[derive(Debug)]
pub struct Splits {
    /// Rows to learn from.
    pub train: Visible,
    /// Rows to rank finalists on.
    pub val: Visible,
    /// Rows to be judged on, with their perturbed variants. Nobody else reads them.
    pub gate: Sealed,
}

impl Splits {
    /// Reads the data of a task and splits it.
    ///
    /// # Errors
    /// If a file or a row cannot be used, or there are too few rows.
    pub fn load(task: &Task) -> Result<(Self, SplitReport), DataError> {
        let (given, unmapped) = read_and_tell(task)?;
        let rows: Vec<_> = given.iter().map(|given| &given.row).collect();
        hygiene::several_labels(&rows)?;
        let found = Hygiene::of(&rows);
        let roles = assign(task, &given, &found)?;
        let report = report::make(task, &rows, &roles, &found);
        let templates = templated::report(task, &rows, &roles, &found);
        let plan = Plan::of(task)?;
        let rewritings = task.rewriter.as_ref().map(|_| report::written(&plan.rewritings, &rows));
        let (splits, families) = Self::collect((task, &plan), given, &roles, &found)?;
        Ok((splits, SplitReport { families, rewritings, templates, unmapped, ..report }))
    }

    fn collect(
        (task, plan): (&Task, &Plan<'_>),
        given: Vec<Given>,
        roles: &[Option<Role>],
        found: &Hygiene,
    ) -> Result<(Self, BTreeMap<String, Count>), DataError> {
        let keys = found.keys(&given.iter().map(|given| &given.row.example.id).collect::<Vec<_>>());
        let mut order: Vec<_> = given.into_iter().zip(roles).zip(keys).collect();
        // The order of rows matters to a search; make it independent of the order of the file.
        order.sort_by_cached_key(|((given, _), _)| digest(&("order", task.data.seed, &given.row.example.id)));
        let (mut train, mut val, mut gate, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((Given { row, .. }, role), group) in order {
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
