//! The split of groups of rows, stratified by label and slice.
//!
//! **Invariant:** a group is never divided. The result depends on the rows and the seed, not on the order of the rows.
//! Pinned groups keep their role: rows of the user's own gate file stay there.

use std::{cmp::Reverse, collections::BTreeMap};

use proofmark_runtime::{Digest, digest};

use super::{row::DataRow, time::Moment};

/// The split of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Train rows.
    Train,
    /// Validation rows.
    Val,
    /// Test rows.
    Gate,
}

/// The share of each role if no group is pinned. Ranking needs few rows, the test needs many.
pub(super) const SHARES: [(Role, f64); 3] = [(Role::Train, 0.25), (Role::Val, 0.15), (Role::Gate, 0.60)];

/// A group of rows that stay together.
pub(super) struct SplitUnit<'a> {
    /// The rows.
    pub(super) rows: Vec<&'a DataRow>,
    /// The role that they must have, if any.
    pub(super) pinned: Option<Role>,
}

/// The shares of a split and its random seed.
pub(super) struct Deal {
    /// The roles and their shares.
    pub(super) roles: Vec<(Role, f64)>,
    /// The random seed for ties.
    pub(super) seed: u64,
}

/// A label or slice column, and one of its values.
type Stratum = (String, String);

impl Role {
    /// The name in task files and messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Gate => "gate",
        }
    }
}

impl Deal {
    /// The role of every unit.
    pub(super) fn roles(&self, units: &[SplitUnit<'_>]) -> Vec<Role> {
        let mut dealt: Vec<_> = units.iter().map(|unit| unit.pinned).collect();
        let mut roles = self.roles.clone();
        let gate = roles.iter().position(|(role, _)| *role == Role::Gate);
        if let Some(at) = gate.filter(|_| units.iter().any(|unit| unit.newest().is_some())) {
            let whole: f64 = roles.iter().map(|(_, share)| share).sum();
            let (_, share) = roles.remove(at);
            self.newest_to_gate(units, share / whole, &mut dealt);
        }
        let mut order: Vec<_> = (0..units.len()).filter(|at| dealt[*at].is_none()).collect();
        order.sort_by_cached_key(|at| (Reverse(units[*at].rows.len()), self.tie(&units[*at])));
        Dealer::new(units, &dealt, roles).deal(&order, &mut dealt);
        dealt.into_iter().map(|role| role.unwrap_or(Role::Train)).collect()
    }

    /// With a time column, the groups with the newest rows are test rows, until their share is full.
    fn newest_to_gate(&self, units: &[SplitUnit<'_>], share: f64, dealt: &mut [Option<Role>]) {
        let mut order: Vec<_> = (0..units.len()).filter(|at| dealt[*at].is_none()).collect();
        order.sort_by_cached_key(|at| (Reverse(units[*at].newest()), self.tie(&units[*at])));
        let total: usize = order.iter().map(|at| units[*at].rows.len()).sum();
        let mut taken = 0;
        for at in order {
            #[expect(clippy::cast_precision_loss, reason = "numbers of rows are small")]
            if taken as f64 >= share * total as f64 {
                break;
            }
            taken += units[at].rows.len();
            dealt[at] = Some(Role::Gate);
        }
    }

    /// The order of equal units. It depends on the seed and on their rows, not on the order of the file.
    fn tie(&self, unit: &SplitUnit<'_>) -> Digest {
        let first = unit.rows.iter().map(|row| &row.example.id).min();
        digest(&("split", self.seed, first))
    }
}

impl SplitUnit<'_> {
    fn newest(&self) -> Option<Moment> {
        self.rows.iter().filter_map(|row| row.time).max()
    }

    /// Whether it has natural adversarial rows, which do not count in the shares.
    fn is_extra(&self) -> bool {
        self.rows.iter().any(|row| row.adversarial)
    }
}

/// Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data",
/// algorithm 1) over groups instead of rows: the rarest stratum comes first, and each of its groups goes to the role that lacks
/// it most.
struct Dealer {
    /// The number of rows of each stratum in each unit; the last stratum is all rows.
    counts: Vec<BTreeMap<usize, f64>>,
    roles: Vec<Role>,
    /// For each role, the number of rows of each stratum that it lacks.
    lacks: Vec<Vec<f64>>,
}

impl Dealer {
    fn new(units: &[SplitUnit<'_>], dealt: &[Option<Role>], shares: Vec<(Role, f64)>) -> Self {
        let roles: Vec<_> = shares.iter().map(|(role, _)| *role).collect();
        let names = strata(units);
        let counts: Vec<_> = units.iter().map(|unit| counts(unit, &names)).collect();
        // Pinned rows count in the share of their role; natural adversarial rows do not.
        let shared = |at: usize| dealt[at].is_none_or(|role| roles.contains(&role)) && !units[at].is_extra();
        let mut totals = vec![0.0; names.len() + 1];
        for (stratum, count) in (0..units.len()).filter(|at| shared(*at)).flat_map(|at| &counts[at]) {
            totals[*stratum] += count;
        }
        let whole: f64 = shares.iter().map(|(_, share)| share).sum();
        let lack = |(_, share): &(Role, f64)| totals.iter().map(|total| total * share / whole).collect();
        let lacks = shares.iter().map(lack).collect();
        let counted: Vec<_> = (0..units.len()).filter(|at| shared(*at)).collect();
        let mut dealer = Self { counts, roles, lacks };
        for at in counted {
            if let Some(role) = dealer.roles.iter().position(|role| Some(*role) == dealt[at]) {
                dealer.book(at, role);
            }
        }
        dealer
    }

    /// Gives a role to the units in `order`, in this order within a stratum.
    fn deal(mut self, order: &[usize], dealt: &mut [Option<Role>]) {
        let strata = self.lacks.first().map_or(0, Vec::len);
        let mut waiting = vec![Vec::new(); strata];
        let mut left = vec![0.0; strata];
        for at in order {
            for (stratum, count) in &self.counts[*at] {
                waiting[*stratum].push(*at);
                left[*stratum] += count;
            }
        }
        while let Some(stratum) = rarest(&left) {
            for at in std::mem::take(&mut waiting[stratum]) {
                if dealt[at].is_some() {
                    continue;
                }
                let role = self.neediest(stratum);
                self.book(at, role);
                dealt[at] = Some(self.roles[role]);
                for (stratum, count) in &self.counts[at] {
                    left[*stratum] -= count;
                }
            }
        }
    }

    /// The role that lacks a stratum most; among equals, the one that lacks rows most.
    fn neediest(&self, stratum: usize) -> usize {
        let in_all = |role: usize| self.lacks[role].last().copied().unwrap_or(0.0);
        let by_lack = |a: &usize, b: &usize| {
            let in_stratum = self.lacks[*a][stratum].total_cmp(&self.lacks[*b][stratum]);
            in_stratum.then(in_all(*a).total_cmp(&in_all(*b)))
        };
        (0..self.roles.len()).rev().max_by(by_lack).unwrap_or(0)
    }

    /// Counts a unit in a role.
    fn book(&mut self, at: usize, role: usize) {
        for (stratum, count) in &self.counts[at] {
            self.lacks[role][*stratum] -= count;
        }
    }
}

/// The stratum with the fewest rows left; none if no rows are left.
fn rarest(left: &[f64]) -> Option<usize> {
    let nonempty = left.iter().enumerate().filter(|(_, left)| **left > 0.0);
    nonempty.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(stratum, _)| stratum)
}

/// The number of rows of each stratum in a unit; the last stratum is all rows.
fn counts(unit: &SplitUnit<'_>, names: &BTreeMap<Stratum, usize>) -> BTreeMap<usize, f64> {
    let mut counts = BTreeMap::new();
    for row in &unit.rows {
        let named = strata_of(row).filter_map(|stratum| names.get(&stratum).copied());
        for stratum in named.chain([names.len()]) {
            *counts.entry(stratum).or_insert(0.0) += 1.0;
        }
    }
    counts
}

/// The strata that are balanced, numbered: the values of labels and slices that have at least five rows per value on average.
fn strata(units: &[SplitUnit<'_>]) -> BTreeMap<Stratum, usize> {
    let mut values: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (column, value) in units.iter().flat_map(|unit| &unit.rows).flat_map(|row| strata_of(row)) {
        *values.entry(column).or_default().entry(value).or_insert(0) += 1;
    }
    let common = values.into_iter().filter(|(_, counts)| counts.values().sum::<usize>() >= 5 * counts.len());
    let strata =
        common.flat_map(|(column, counts)| counts.into_keys().map(move |value| (column.clone(), value)));
    strata.enumerate().map(|(index, stratum)| (stratum, index)).collect()
}

/// The labels and slices of a row. The names distinguish labels from slices.
fn strata_of(row: &DataRow) -> impl Iterator<Item = Stratum> {
    let labels =
        row.example.outputs.iter().map(|(field, value)| (format!("label {field}"), value.to_string()));
    let slices = row.example.slices.iter().map(|(column, value)| (format!("slice {column}"), value.clone()));
    labels.chain(slices)
}
