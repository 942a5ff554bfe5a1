//! The rows that the user's templates fit. Rows of one template are alike without being near-duplicates, which no other check
//! finds. A template that fits no row, or gives another answer than a label, is probably a mistake.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{hygiene::Hygiene, report::Counts, row::DataRow, split::Role};
use crate::{
    attack::{Miss, Own, Templates},
    task::Task,
};

/// The report on one template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateReport {
    /// Its place, as `file:line`.
    pub place: String,
    /// The number of groups of rows that it fits, in each split.
    pub groups: Counts,
    /// The places of rows that it fits but is not used on, with the reasons.
    pub unused: Vec<(String, String)>,
}

impl TemplateReport {
    /// Whether several groups, which count as independent, are of this template, and at least one of them is a test group.
    pub fn is_shared(&self) -> bool {
        self.groups.gate > 0 && self.groups.total() > 1
    }
}

/// The reports on all templates of a task.
pub(super) fn report(
    task: &Task,
    rows: &[&DataRow],
    roles: &[Option<Role>],
    found: &Hygiene,
) -> Vec<TemplateReport> {
    let families = task.attacks.iter().filter_map(|own| match own {
        Own::Templates(templates) => Some(templates),
        _ => None,
    });
    families.flat_map(|templates| of_family(templates, rows, roles, found)).collect()
}

fn of_family(
    templates: &Templates,
    rows: &[&DataRow],
    roles: &[Option<Role>],
    found: &Hygiene,
) -> Vec<TemplateReport> {
    let empty = |place| TemplateReport { place, groups: Counts::default(), unused: vec![] };
    let mut reports: Vec<_> = templates.places().map(empty).collect();
    for members in &found.groups {
        let mut fitting = BTreeSet::new();
        for (row, role) in members.iter().filter_map(|at| Some((rows[*at], roles[*at]?))) {
            let Some((template, used)) = templates.of_row(&row.example) else { continue };
            fitting.insert((template, role));
            let why = match used {
                Ok(()) => continue,
                Err(Miss::Idle) => "the row has a label for which the template has no expression".to_owned(),
                Err(Miss::Broken(broken)) => broken.to_string(),
            };
            reports[template].unused.push((row.place.to_string(), why));
        }
        fitting.into_iter().for_each(|(template, role)| reports[template].groups.count(role));
    }
    reports
}
