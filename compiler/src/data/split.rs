//! Dealing groups of rows into splits, stratified by label and slice.
//!
//! **Invariant:** a group is never divided; the result depends on the rows and the seed, not on the order of the rows.
//! Nothing is dealt that is pinned: rows of the user's own gate file stay there.

use std::{cmp::Reverse, collections::BTreeMap};

use proofmark_runtime::{Digest, digest};

use super::{row::Row, time::Moment};

/// Where a row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// To learn from.
    Train,
    /// To rank finalists on.
    Val,
    /// To be judged on.
    Gate,
}

/// The share of each role where nothing is pinned (gate.md: ranking needs few rows, testing needs many).
pub(super) const SHARES: [(Role, f64); 3] = [(Role::Train, 0.25), (Role::Val, 0.15), (Role::Gate, 0.60)];

/// Rows that stay together.
pub(super) struct Unit<'a> {
    /// The rows.
    pub(super) rows: Vec<&'a Row>,
    /// Where they must go, if anywhere.
    pub(super) pinned: Option<Role>,
}

/// What is to be dealt to whom.
pub(super) struct Deal {
    /// The roles that take rows, each with its share of them.
    pub(super) roles: Vec<(Role, f64)>,
    /// Names the stream of ties.
    pub(super) seed: u64,
}

/// A label or a slice value, and the rows that have it.
type Stratum = (String, String);

impl Role {
    /// As task files and messages name it.
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
    pub(super) fn roles(&self, units: &[Unit<'_>]) -> Vec<Role> {
        let mut dealt: Vec<_> = units.iter().map(|unit| unit.pinned).collect();
        let mut roles = self.roles.clone();
        let gate = roles.iter().position(|(role, _)| *role == Role::Gate);
        if let Some(at) = gate.filter(|_| units.iter().any(|unit| unit.newest().is_some())) {
            let whole: f64 = roles.iter().map(|(_, share)| share).sum();
            let (_, share) = roles.remove(at);
            self.newest_to_gate((units, share / whole), &mut dealt);
        }
        let mut order: Vec<_> = (0..units.len()).filter(|at| dealt[*at].is_none()).collect();
        order.sort_by_cached_key(|at| (Reverse(units[*at].rows.len()), self.tie(&units[*at])));
        Dealer::new(units, &dealt, roles).deal(&order, &mut dealt);
        dealt.into_iter().map(|role| role.unwrap_or(Role::Train)).collect()
    }

    /// With a time column, the gate gets the newest block: the groups with the newest rows, until its share is full.
    fn newest_to_gate(&self, (units, share): (&[Unit<'_>], f64), dealt: &mut [Option<Role>]) {
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

    /// An order of units that depends on the seed and on their rows, not on the order of the file.
    fn tie(&self, unit: &Unit<'_>) -> Digest {
        let first = unit.rows.iter().map(|row| &row.example.id).min();
        digest(&("split", self.seed, first))
    }
}

impl Unit<'_> {
    fn newest(&self) -> Option<Moment> {
        self.rows.iter().filter_map(|row| row.time).max()
    }

    /// Whether it holds natural adversarial rows, which no share counts.
    fn is_extra(&self) -> bool {
        self.rows.iter().any(|row| row.adversarial)
    }
}

/// Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data",
/// algorithm 1) over groups instead of rows: the rarest stratum first, each of its groups to the role that lacks it most.
struct Dealer {
    /// How many rows of each stratum each unit has; the last stratum is all rows.
    counts: Vec<BTreeMap<usize, f64>>,
    roles: Vec<Role>,
    /// For each role: rows of each stratum that it still lacks.
    lacks: Vec<Vec<f64>>,
}

impl Dealer {
    fn new(units: &[Unit<'_>], dealt: &[Option<Role>], shares: Vec<(Role, f64)>) -> Self {
        let roles: Vec<_> = shares.iter().map(|(role, _)| *role).collect();
        let names = strata(units);
        let counts: Vec<_> = units.iter().map(|unit| counts(unit, &names)).collect();
        // Rows that are pinned to a role count towards its share; natural adversarial rows come on top.
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

    /// Deals the units that `order` names, in that order within a stratum.
    fn deal(mut self, order: &[usize], dealt: &mut [Option<Role>]) {
        let strata = self.lacks.first().map_or(0, Vec::len);
        let (mut waiting, mut left) = (vec![Vec::new(); strata], vec![0.0; strata]);
        for at in order {
            for (stratum, count) in &self.counts[*at] {
                waiting[*stratum].push(*at);
                left[*stratum] += count;
            }
        }
        let rarest = |left: &[f64]| {
            let there = left.iter().enumerate().filter(|(_, left)| **left > 0.0);
            there.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(stratum, _)| stratum)
        };
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

    /// The role that lacks a stratum most; in case of a tie, rows at all.
    fn neediest(&self, stratum: usize) -> usize {
        let lack =
            |role: &usize| (self.lacks[*role][stratum], self.lacks[*role].last().copied().unwrap_or(0.0));
        let by_lack = |a: &usize, b: &usize| {
            let ((a, a_all), (b, b_all)) = (lack(a), lack(b));
            a.total_cmp(&b).then(a_all.total_cmp(&b_all))
        };
        (0..self.roles.len()).rev().max_by(by_lack).unwrap_or(0)
    }

    fn book(&mut self, at: usize, role: usize) {
        for (stratum, count) in &self.counts[at] {
            self.lacks[role][*stratum] -= count;
        }
    }
}

/// How many rows of each stratum a unit has; the last stratum is all rows.
fn counts(unit: &Unit<'_>, names: &BTreeMap<Stratum, usize>) -> BTreeMap<usize, f64> {
    let mut counts = BTreeMap::new();
    for row in &unit.rows {
        let named = strata_of(row).filter_map(|stratum| names.get(&stratum).copied());
        for stratum in named.chain([names.len()]) {
            *counts.entry(stratum).or_insert(0.0) += 1.0;
        }
    }
    counts
}

/// The strata worth balancing, numbered: values of labels and slices that occur five times on average or more.
fn strata(units: &[Unit<'_>]) -> BTreeMap<Stratum, usize> {
    let mut values: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (column, value) in units.iter().flat_map(|unit| &unit.rows).flat_map(|row| strata_of(row)) {
        *values.entry(column).or_default().entry(value).or_insert(0) += 1;
    }
    let common = values.into_iter().filter(|(_, counts)| counts.values().sum::<usize>() >= 5 * counts.len());
    let strata =
        common.flat_map(|(column, counts)| counts.into_keys().map(move |value| (column.clone(), value)));
    strata.enumerate().map(|(index, stratum)| (stratum, index)).collect()
}

/// The labels and slices of a row, labels told apart from slices of the same name.
fn strata_of(row: &Row) -> impl Iterator<Item = Stratum> {
    let labels =
        row.example.outputs.iter().map(|(field, value)| (format!("label {field}"), value.to_string()));
    let slices = row.example.slices.iter().map(|(column, value)| (format!("slice {column}"), value.clone()));
    labels.chain(slices)
}
