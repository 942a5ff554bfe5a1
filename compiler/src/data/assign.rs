//! The assignment of rows to splits.
//!
//! **Invariant:** test rows come first: a near-duplicate of a test row is never a train or validation row, and rows of the
//! user's own gate file are never moved.

use super::{
    error::DataError,
    hygiene::Hygiene,
    row::DataRow,
    rows::GivenRow,
    split::{Deal, Role, SHARES, SplitUnit},
};
use crate::{
    gate::CONTENDERS,
    task::{DataFiles, Task},
};

/// The role of every row; none for rows that are left out.
///
/// # Errors
/// If a split is left without rows.
pub(super) fn assign(
    task: &Task,
    given: &[GivenRow],
    found: &Hygiene,
) -> Result<Vec<Option<Role>>, DataError> {
    let one_file = matches!(task.data.files, DataFiles::One(_));
    let units: Vec<_> = found.groups.iter().map(|members| unit(given, members, one_file)).collect();
    let all = [Role::Train, Role::Val, Role::Gate];
    let shares = if one_file { &SHARES[..] } else { &SHARES[..2] };
    let dealt = Deal { roles: shares.to_vec(), seed: task.data.seed }.roles(&units);
    let mut roles = vec![None; given.len()];
    for (members, dealt) in found.groups.iter().zip(dealt) {
        for row in members.iter().filter(|row| stays(&given[**row], dealt, one_file)) {
            roles[*row] = Some(dealt);
        }
    }
    for role in all {
        if !roles.contains(&Some(role)) {
            let own_file = given.iter().any(|given| given.role == Some(role));
            let val_is_from_train = !one_file && role == Role::Train && !roles.contains(&Some(Role::Val));
            return Err(match own_file || val_is_from_train {
                true => DataError::Overlap { split: role.name() },
                false => DataError::TooFew { rows: given.len(), groups: found.groups.len() },
            });
        }
    }
    Ok(roles)
}

/// A group with the role that one of its rows needs; if its rows need several, gate comes before val and val before train.
fn unit<'a>(given: &'a [GivenRow], members: &[usize], one_file: bool) -> SplitUnit<'a> {
    let pin = |row: &usize| match &given[*row] {
        GivenRow { role: Some(role), .. } => Some(*role),
        GivenRow { row, .. } if one_file && row.must_pass => Some(Role::Gate),
        // Rows that were mined from failures of the baseline or a candidate cannot be test rows, but train rows.
        GivenRow { row, .. } if one_file && is_mined(row) => Some(Role::Train),
        _ => None,
    };
    let pinned = members.iter().filter_map(pin).max();
    SplitUnit { rows: members.iter().map(|row| &given[*row].row).collect(), pinned }
}

/// Whether a row takes the role of its group. A row of the user's own split whose group has another role is left out and not
/// moved, so that the test rows are exactly those of the user's file. A mined row that cannot be a test row is left out too.
fn stays(given: &GivenRow, dealt: Role, one_file: bool) -> bool {
    match given.role {
        Some(role) => role == dealt,
        None if one_file => dealt != Role::Gate || given.row.must_pass || !is_mined(&given.row),
        None => dealt != Role::Gate,
    }
}

/// Whether a row was mined from failures of the baseline or a candidate.
pub(super) fn is_mined(row: &DataRow) -> bool {
    row.mined_by.as_deref().is_some_and(|by| CONTENDERS.contains(&by))
}
