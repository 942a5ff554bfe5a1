//! What was found in the data and how it was split: for `check` and the report. Counts and places, no text of a row.

use std::collections::BTreeMap;

use proofmark_runtime::Value;
use serde::Serialize;

use super::{
    hygiene::Hygiene,
    row::{NO_VALUE, Row},
    split::Role,
    templated::TemplateReport,
};
use crate::{
    attack::{
        Count,
        rewrite::{Dropped, Rewritings},
    },
    task::Task,
};

/// What was found and how it was split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// Rows that were read.
    pub read: usize,
    /// Rows of each split.
    pub rows: Counts,
    /// Groups of rows that stay together, rows that stand alone included.
    pub groups: usize,
    /// Rows of the largest group.
    pub largest_group: usize,
    /// Pairs of rows with the same text that were joined into a group: the first twenty.
    pub duplicates: Joins,
    /// Pairs of rows with nearly the same text that were joined into a group: the first twenty.
    pub near_duplicates: Joins,
    /// Rows with the same text and different labels.
    pub contradictions: Vec<Contradiction>,
    /// Rows left out of a split of the user's, because a near-duplicate is in a split that is judged on.
    pub moved_out: Vec<MovedOut>,
    /// Outputs of the program that no row labels: they are not judged.
    pub unlabelled: Vec<String>,
    /// Columns that are named like a mark of rows in `[data]` and that nothing there maps: they are not read.
    pub unmapped: Vec<String>,
    /// For each labelled output: how often each value occurs in each split. At most a hundred values.
    pub labels: BTreeMap<String, BTreeMap<String, Counts>>,
    /// For each slice column: how often each value occurs in each split.
    pub slices: BTreeMap<String, BTreeMap<String, Counts>>,
    /// Adversarial rows by their source, and in which split they are.
    pub adversarial: BTreeMap<String, Counts>,
    /// Rows that were picked for somebody's failures, by whose, and in which split they are.
    pub mined: BTreeMap<String, Counts>,
    /// For each perturbation family: what it did to the sealed rows.
    pub families: BTreeMap<String, Count>,
    /// What a model wrote of the rows, if one was to.
    pub rewritings: Option<RewritingReport>,
    /// For each template of the user's: which rows it fits.
    pub templates: Vec<TemplateReport>,
}

/// What a model wrote of the rows, as its file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RewritingReport {
    /// Who wrote, and who vouched.
    pub authors: Vec<(String, String)>,
    /// Rewritings that all votes were for.
    pub kept: usize,
    /// Those that were dropped, by the reason.
    pub dropped: BTreeMap<Dropped, usize>,
    /// Lines of rows that are not there any more, or are others now.
    pub stale: usize,
}

/// Rows of each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// To learn from.
    pub train: usize,
    /// To rank finalists on.
    pub val: usize,
    /// To be judged on.
    pub gate: usize,
}

/// Pairs of rows that were joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Joins {
    /// How many.
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
    /// The place of the row that it would give away.
    pub because_of: String,
}

/// How many examples of a finding are listed.
const LISTED: usize = 20;

/// How many values of a label are tabled: a label with more is free text.
const TABLED: usize = 100;

/// The source of adversarial rows that do not say where they are from.
const UNSAID: &str = "no source given";

/// Tells what was found; `roles` has none for rows that were left out.
pub(super) fn make(task: &Task, rows: &[&Row], roles: &[Option<Role>], found: &Hygiene) -> SplitReport {
    let pair = |(a, b): &(usize, usize)| (rows[*a].place.to_string(), rows[*b].place.to_string());
    let joins = |pairs: &[(usize, usize)]| Joins {
        count: pairs.len(),
        examples: pairs.iter().take(LISTED).map(pair).collect(),
    };
    let contradiction = |members: &Vec<usize>| Contradiction {
        rows: members.iter().map(|at| (rows[*at].place.to_string(), rows[*at].example.label())).collect(),
    };
    let mut report = SplitReport {
        read: rows.len(),
        groups: found.groups.len(),
        largest_group: found.groups.iter().map(Vec::len).max().unwrap_or(0),
        duplicates: joins(&found.joined.exact),
        near_duplicates: joins(&found.joined.near),
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
            let source = row.source.clone().unwrap_or_else(|| UNSAID.to_owned());
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
    report.labels.retain(|_, values| values.len() <= TABLED);
    report
}

/// Tells what a model wrote.
pub(super) fn written(rewritings: &Rewritings, rows: &[&Row]) -> RewritingReport {
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

fn moved_out(rows: &[&Row], roles: &[Option<Role>], found: &Hygiene) -> Vec<MovedOut> {
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
    /// What to do about columns that are not read, if there are any: one text for each.
    pub fn unmapped(&self) -> impl Iterator<Item = String> {
        let told = |name: &String| {
            format!("the column `{name}` is not read: [data] {name} = \"{name}\" maps it, or rename it")
        };
        self.unmapped.iter().map(told)
    }

    /// How often rows that were apart were joined because of the user's group column.
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
    pub(super) fn count(&mut self, role: Role) {
        match role {
            Role::Train => self.train += 1,
            Role::Val => self.val += 1,
            Role::Gate => self.gate += 1,
        }
    }

    /// Rows of all splits.
    pub fn total(self) -> usize {
        self.train + self.val + self.gate
    }
}
