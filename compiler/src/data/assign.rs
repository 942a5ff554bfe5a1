//! Who takes part in which split.
//!
//! **Invariant:** sealed rows come first: a row that is nearly the same as one that is judged on is never learned from,
//! and rows of the user's own gate file are never moved.

use super::{
    error::DataError,
    hygiene::Hygiene,
    row::Row,
    rows::Given,
    split::{Deal, Role, SHARES, Unit},
};
use crate::{
    gate::CONTENDERS,
    task::{DataFiles, Task},
};

/// The role of every row; none for rows that are left out.
///
/// # Errors
/// If a split is left without rows.
pub(super) fn assign(task: &Task, given: &[Given], found: &Hygiene) -> Result<Vec<Option<Role>>, DataError> {
    let one_file = matches!(task.data.files, DataFiles::One(_));
    let units: Vec<_> = found.groups.iter().map(|members| unit(given, members, one_file)).collect();
    let all = [Role::Train, Role::Val, Role::Gate];
    let takers = if one_file { &SHARES[..] } else { &SHARES[..2] };
    let dealt = Deal { roles: takers.to_vec(), seed: task.data.seed }.roles(&units);
    let mut roles = vec![None; given.len()];
    for (members, dealt) in found.groups.iter().zip(dealt) {
        for row in members.iter().filter(|row| stays(&given[**row], dealt, one_file)) {
            roles[*row] = Some(dealt);
        }
    }
    for role in all {
        if !roles.contains(&Some(role)) {
            let own_file = given.iter().any(|given| given.role == Some(role));
            let of_train = !one_file && role == Role::Train && !roles.contains(&Some(Role::Val));
            return Err(match own_file || of_train {
                true => DataError::Overlap { split: role.name() },
                false => DataError::TooFew { rows: given.len(), groups: found.groups.len() },
            });
        }
    }
    Ok(roles)
}

/// A group with the role that its rows pin it to: the gate before val before train.
fn unit<'a>(given: &'a [Given], members: &[usize], one_file: bool) -> Unit<'a> {
    let pin = |row: &usize| match &given[*row] {
        Given { role: Some(role), .. } => Some(*role),
        Given { row, .. } if one_file && row.must_pass => Some(Role::Gate),
        // Rows picked because a contender fails them cannot be judged on, but they can be learned from.
        Given { row, .. } if one_file && is_mined(row) => Some(Role::Train),
        _ => None,
    };
    let pinned = members.iter().filter_map(pin).max();
    Unit { rows: members.iter().map(|row| &given[*row].row).collect(), pinned }
}

/// Whether a row goes where its group goes. A row of the user's own split that its group pulls elsewhere is left out, not
/// moved: the sealed rows are exactly those of the user's file. So is a mined row that cannot be judged on.
fn stays(given: &Given, dealt: Role, one_file: bool) -> bool {
    match given.role {
        Some(role) => role == dealt,
        None if one_file => dealt != Role::Gate || given.row.must_pass || !is_mined(&given.row),
        None => dealt != Role::Gate,
    }
}

/// Whether a row was picked because a contender fails it.
pub(super) fn is_mined(row: &Row) -> bool {
    row.mined_by.as_deref().is_some_and(|by| CONTENDERS.contains(&by))
}
