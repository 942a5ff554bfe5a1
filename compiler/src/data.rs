//! Data: files to typed rows, near-duplicates to groups, groups to splits.
//!
//! **Invariant:** no group of rows that belong together (same user key, same or nearly the same text) straddles two
//! splits. The same rows and seed give the same splits, in whatever order the files hold them. A row that cannot be used
//! stops the run with its line.
//!
//! `file` reads bytes, `row` and `cell` type them, `near` finds near-duplicates, `split` deals groups, `report` tells.

mod cell;
mod error;
mod file;
mod groups;
mod hygiene;
mod near;
mod report;
mod row;
mod split;
#[cfg(test)]
mod tests;
mod text;
mod time;

use std::{collections::BTreeSet, path::Path};

use proofmark_optimizers::Visible;
use proofmark_runtime::{Example, ExampleId, Field, Program, Type, digest};

pub use self::{
    error::{BadRow, BadRows, DataError},
    report::{Contradiction, Counts, Joins, MovedOut, SplitReport},
};
use self::{
    hygiene::Hygiene,
    row::Row,
    split::{Deal, Role, Unit},
};
use crate::{
    attack::{Plan, freeze, protected_words},
    gate::{CONTENDERS, GateRow, Sealed},
    task::{Columns, DataFiles, Task},
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

/// A row and the role that the user's files give it.
struct Given {
    row: Row,
    role: Option<Role>,
}

impl Splits {
    /// Reads the data of a task and splits it.
    ///
    /// # Errors
    /// If a file or a row cannot be used, or there are too few rows.
    pub fn load(task: &Task) -> Result<(Self, SplitReport), DataError> {
        let given = read(task)?;
        let rows: Vec<_> = given.iter().map(|given| &given.row).collect();
        hygiene::several_labels(&rows)?;
        let found = Hygiene::of(&rows);
        let roles = assign(task, &given, &found)?;
        let report = report::make(task, &rows, &roles, &found);
        Ok((Self::collect(task, given, &roles, &found)?, report))
    }

    fn collect(
        task: &Task,
        given: Vec<Given>,
        roles: &[Option<Role>],
        found: &Hygiene,
    ) -> Result<Self, DataError> {
        let keys = found.keys(&given.iter().map(|given| &given.row.example.id).collect::<Vec<_>>());
        let mut order: Vec<_> = given.into_iter().zip(roles).zip(keys).collect();
        // The order of rows matters to a search; make it independent of the order of the file.
        order.sort_by_cached_key(|((given, _), _)| digest(&("order", task.data.seed, &given.row.example.id)));
        let (mut train, mut val, mut gate) = (Vec::new(), Vec::new(), Vec::new());
        for ((Given { row, .. }, role), group) in order {
            match role {
                Some(Role::Train) => train.push(row.example),
                Some(Role::Val) => val.push(row.example),
                Some(Role::Gate) => gate.push(GateRow {
                    example: row.example,
                    group,
                    must_pass: row.must_pass,
                    mined_by: row.mined_by,
                    natural: row.adversarial.then(|| NATURAL.to_owned()),
                }),
                None => {}
            }
        }
        Ok(Self { train: Visible::new(train), val: Visible::new(val), gate: seal(task, gate)? })
    }
}

/// The family of natural adversarial rows.
pub const NATURAL: &str = "natural";

/// Perturbs the rows (natural adversarial ones are hard as they are) and seals them.
fn seal(task: &Task, rows: Vec<GateRow>) -> Result<Sealed, DataError> {
    let outputs = task.program.output_fields();
    let choices = |field: &Field| match &field.ty {
        Type::Choice(choices) => choices.clone(),
        _ => vec![],
    };
    let words: Vec<_> = outputs.iter().flat_map(choices).collect();
    let fields = outputs.iter().chain(task.program.inputs()).map(|field| field.name.as_str());
    let plan = Plan {
        families: task.gate.families(),
        variants: task.gate.variants,
        seed: task.data.seed,
        protected: protected_words(words.iter().map(String::as_str).chain(fields)),
        choices: if let [only] = outputs.as_slice() { choices(only) } else { vec![] },
    };
    let clean: Vec<_> = rows.iter().filter(|row| row.natural.is_none()).map(|row| &row.example).collect();
    let mut variants = freeze(&clean, &plan)?.into_iter();
    let of_row =
        |row: &GateRow| if row.natural.is_none() { variants.next().unwrap_or_default() } else { vec![] };
    let variants = rows.iter().map(of_row).collect();
    Ok(Sealed::freeze(rows, variants)?)
}

/// Reads the labelled rows of one file, not split.
///
/// # Errors
/// If the file or a row cannot be used.
pub fn read_rows(program: &Program, columns: &Columns, path: &Path) -> Result<Vec<Example>, DataError> {
    let mut bad = Vec::new();
    let rows = row::read(file::read(path)?, program, columns, &mut bad)?;
    BadRows::check(bad)?;
    if rows.is_empty() {
        return Err(DataError::TooFew { rows: 0, groups: 0 });
    }
    Ok(rows.into_iter().map(|row| row.example).collect())
}

/// All rows of all files.
fn read(task: &Task) -> Result<Vec<Given>, DataError> {
    let (config, mut bad, mut given) = (&task.data, Vec::new(), Vec::new());
    let mut take = |path: &Path, role: Option<Role>, adversarial: bool| -> Result<(), DataError> {
        let rows = row::read(file::read(path)?, &task.program, &config.columns, &mut bad)?;
        given.extend(rows.into_iter().map(|row| Given { row: Row { adversarial, ..row }, role }));
        Ok(())
    };
    match &config.files {
        DataFiles::One(path) => take(path, None, false)?,
        DataFiles::Given { train, val, gate } => {
            take(train, val.is_some().then_some(Role::Train), false)?;
            if let Some(val) = val {
                take(val, Some(Role::Val), false)?;
            }
            take(gate, Some(Role::Gate), false)?;
        }
    }
    if let Some(path) = &config.adversarial {
        take(path, Some(Role::Gate), true)?;
    }
    BadRows::check(bad)?;
    qualify_ids(&mut given);
    Ok(given)
}

/// Files often count their rows from 0 each: where ids of different files collide, all get the name of their file.
fn qualify_ids(given: &mut [Given]) {
    let ids: BTreeSet<_> = given.iter().map(|given| &given.row.example.id).collect();
    if ids.len() == given.len() {
        return;
    }
    for Given { row, .. } in given {
        let file = row.place.path.file_stem().unwrap_or_default().to_string_lossy();
        row.example.id = ExampleId(format!("{file}/{}", row.example.id));
    }
}

/// The role of every row; none for rows that are left out.
fn assign(task: &Task, given: &[Given], found: &Hygiene) -> Result<Vec<Option<Role>>, DataError> {
    let one_file = matches!(task.data.files, DataFiles::One(_));
    let units: Vec<_> = found.groups.iter().map(|members| unit(given, members, one_file)).collect();
    let roles =
        if one_file { vec![Role::Train, Role::Val, Role::Gate] } else { vec![Role::Train, Role::Val] };
    let dealt = Deal { roles, seed: task.data.seed }.roles(&units);
    let mut roles = vec![None; given.len()];
    for (members, dealt) in found.groups.iter().zip(dealt) {
        for row in members {
            // A row of the user's own split that a group pulls elsewhere is left out, not moved: the sealed rows are
            // exactly those of the user's file.
            let stays = one_file || given[*row].role.map_or(dealt != Role::Gate, |role| role == dealt);
            roles[*row] = stays.then_some(dealt);
        }
    }
    for (role, split) in [(Role::Train, "train"), (Role::Val, "val"), (Role::Gate, "gate")] {
        if !roles.contains(&Some(role)) {
            let own_file = given.iter().any(|given| given.role == Some(role));
            return Err(
                if own_file || (!one_file && role == Role::Train && !roles.contains(&Some(Role::Val))) {
                    DataError::Overlap { split }
                } else {
                    DataError::TooFew { rows: given.len(), groups: found.groups.len() }
                },
            );
        }
    }
    Ok(roles)
}

/// A group with the role that its rows pin it to: sealed rows first, so that what is judged on is never learned from.
fn unit<'a>(given: &'a [Given], members: &[usize], one_file: bool) -> Unit<'a> {
    let pins = members.iter().filter_map(|row| {
        let Given { row, role } = &given[*row];
        let mined = row.mined_by.as_deref().is_some_and(|by| CONTENDERS.contains(&by));
        match role {
            Some(role) => Some(*role),
            None if one_file && row.must_pass => Some(Role::Gate),
            // Rows picked because a contender fails them cannot be judged on, but they can be learned from.
            None if one_file && mined => Some(Role::Train),
            None => None,
        }
    });
    let pinned = pins.max();
    Unit { rows: members.iter().map(|row| &given[*row].row).collect(), pinned }
}
