//! The report on the data and its split, for `check` and the report page: counts and places, no text of a row.

use std::collections::BTreeMap;

use proofmark_runtime::Value;
use serde::Serialize;

use super::{
    hygiene::Hygiene,
    row::{DataRow, NO_VALUE},
    split::Role,
    templated::TemplateReport,
};
use crate::{
    attack::{
        Count,
        rewrite::{DropReason, Rewritings},
    },
    task::Task,
};

/// The report on the data and its split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// The number of rows that were read.
    pub read: usize,
    /// The number of rows of each split.
    pub rows: Counts,
    /// The number of groups of rows that stay together, including groups of one row.
    pub groups: usize,
    /// The number of rows of the largest group.
    pub largest_group: usize,
    /// Pairs of rows with the same text that were joined into a group: the first twenty.
    pub duplicates: Joins,
    /// Pairs of rows with nearly the same text that were joined into a group: the first twenty.
    pub near_duplicates: Joins,
    /// Rows with the same text and different labels.
    pub contradictions: Vec<Contradiction>,
    /// Rows that were left out of a split of the user's, because a near-duplicate is in the test or validation rows.
    pub moved_out: Vec<MovedOut>,
    /// Outputs of the program that no row labels; they are not scored.
    pub unlabelled: Vec<String>,
    /// Columns that are named like a key of `[data]` but not mapped there; they are not read.
    pub unmapped: Vec<String>,
    /// For each labelled output with at most a hundred values, the counts of each value in each split.
    pub labels: BTreeMap<String, BTreeMap<String, Counts>>,
    /// For each slice column, the counts of each value in each split.
    pub slices: BTreeMap<String, BTreeMap<String, Counts>>,
    /// Adversarial rows by source, in each split.
    pub adversarial: BTreeMap<String, Counts>,
    /// Mined rows by the prompt whose failures they are, in each split.
    pub mined: BTreeMap<String, Counts>,
    /// The results of each perturbation family on the test rows.
    pub families: BTreeMap<String, Count>,
    /// The rewritings by a model, if the task has `[rewriter]`.
    pub rewritings: Option<RewritingReport>,
    /// For each template of the user's, the rows that it fits.
    pub templates: Vec<TemplateReport>,
}

/// A summary of the file of rewritings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RewritingReport {
    /// The pairs of writer and verifier.
    pub authors: Vec<(String, String)>,
    /// The number of rewritings that all votes accepted.
    pub kept: usize,
    /// The number of dropped rewritings, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
    /// The number of lines of rows that were removed or changed.
    pub stale: usize,
}

/// The number of rows of each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Train rows.
    pub train: usize,
    /// Validation rows.
    pub val: usize,
    /// Test rows.
    pub gate: usize,
}

/// Pairs of rows that were joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Joins {
    /// The number of pairs.
    pub count: usize,
    /// The places of the first twenty pairs, as `file:line`.
    pub examples: Vec<(String, String)>,
}

/// Rows with the same text and different labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Each row's place, as `file:line`, and its label.
    pub rows: Vec<(String, String)>,
}

/// A row left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedOut {
    /// Its place, as `file:line`.
    pub place: String,
    /// The place of its near-duplicate.
    pub because_of: String,
}

/// The number of examples of a finding that are listed.
const LISTED: usize = 20;

/// The most values of a label that are listed. A label with more is free text.
const LABEL_VALUES: usize = 100;

/// The source of adversarial rows without one.
const NO_SOURCE: &str = "no source given";

/// Makes the report, without the results of families, rewritings and templates. `roles` has none for rows that were left out.
pub(super) fn make(task: &Task, rows: &[&DataRow], roles: &[Option<Role>], found: &Hygiene) -> SplitReport {
    let contradiction = |members: &Vec<usize>| Contradiction {
        rows: members.iter().map(|at| (rows[*at].place.to_string(), rows[*at].example.label())).collect(),
    };
    let mut report = SplitReport {
        read: rows.len(),
        groups: found.groups.len(),
        largest_group: found.groups.iter().map(Vec::len).max().unwrap_or(0),
        duplicates: joins(rows, &found.joined.exact),
        near_duplicates: joins(rows, &found.joined.near),
        contradictions: found.contradictions.iter().map(contradiction).collect(),
        moved_out: moved_out(rows, roles, found),
        ..SplitReport::default()
    };
    for (row, role) in rows.iter().zip(roles) {
        let Some(role) = role else { continue };
        report.rows.count(*role);
        for (field, value) in row.example.outputs.iter() {
            let value = if *value == Value::Null { NO_VALUE.to_owned() } else { value.to_string() };
            count(&mut report.labels, field, value, *role);
        }
        if row.adversarial {
            let source = row.source.clone().unwrap_or_else(|| NO_SOURCE.to_owned());
            report.adversarial.entry(source).or_default().count(*role);
        }
        if let Some(by) = &row.mined_by {
            report.mined.entry(by.clone()).or_default().count(*role);
        }
        for (column, value) in &row.example.slices {
            count(&mut report.slices, column, value.clone(), *role);
        }
    }
    let outputs = task.program.outputs().iter().map(|output| output.name.clone());
    report.unlabelled = outputs.filter(|name| !report.labels.contains_key(name)).collect();
    report.labels.retain(|_, values| values.len() <= LABEL_VALUES);
    report
}

/// Summarizes the file of rewritings.
pub(super) fn rewritings(rewritings: &Rewritings, rows: &[&DataRow]) -> RewritingReport {
    let mut report = RewritingReport {
        authors: rewritings.authors().into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
        stale: rewritings.stale(rows.iter().map(|row| &row.example)),
        ..RewritingReport::default()
    };
    for line in rewritings.lines() {
        match line.dropped {
            None => report.kept += 1,
            Some(why) => *report.dropped.entry(why).or_default() += 1,
        }
    }
    report
}

fn joins(rows: &[&DataRow], pairs: &[(usize, usize)]) -> Joins {
    let places = pairs.iter().take(LISTED);
    let places = places.map(|(a, b)| (rows[*a].place.to_string(), rows[*b].place.to_string()));
    Joins { count: pairs.len(), examples: places.collect() }
}

fn moved_out(rows: &[&DataRow], roles: &[Option<Role>], found: &Hygiene) -> Vec<MovedOut> {
    let mut moved = Vec::new();
    for members in &found.groups {
        let Some(stayed) = members.iter().find(|at| roles[**at].is_some()) else { continue };
        for at in members.iter().filter(|at| roles[**at].is_none()) {
            moved.push(MovedOut {
                place: rows[*at].place.to_string(),
                because_of: rows[*stayed].place.to_string(),
            });
        }
    }
    moved
}

fn count(table: &mut BTreeMap<String, BTreeMap<String, Counts>>, column: &str, value: String, role: Role) {
    table.entry(column.to_owned()).or_default().entry(value).or_default().count(role);
}

impl SplitReport {
    /// A message for each column that is not read.
    pub fn unmapped(&self) -> impl Iterator<Item = String> {
        self.unmapped.iter().map(|name| {
            format!("the column `{name}` is not read: map it with [data] {name} = \"{name}\", or rename it")
        })
    }

    /// The number of joins that only the user's group column caused.
    pub fn joined_by_key(&self) -> usize {
        self.read - self.groups - self.duplicates.count - self.near_duplicates.count
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { train: self.train + other.train, val: self.val + other.val, gate: self.gate + other.gate }
    }
}

impl Counts {
    /// Counts a row of a split.
    pub(super) fn count(&mut self, role: Role) {
        match role {
            Role::Train => self.train += 1,
            Role::Val => self.val += 1,
            Role::Gate => self.gate += 1,
        }
    }

    /// The number of rows of all splits.
    pub fn total(self) -> usize {
        self.train + self.val + self.gate
    }
}
