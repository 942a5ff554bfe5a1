//! Rehearsals: the visible rows of a task split once more, so that optimizers can be compared on rows that none of them saw,
//! while the sealed rows stay sealed for the prompt that is shipped in the end.
//!
//! **Invariant:** no sealed row takes part. Rows that belong together stay on one side, as in the task's own split.

use proofmark_optimizers::Visible;
use proofmark_runtime::{Example, digest};

use super::{
    assign::{assign, is_mined},
    error::DataError,
    hygiene::Hygiene,
    rows::{Given, read},
    seal::seal,
    split::{Deal, Role, Unit},
};
use crate::{
    attack::Plan,
    gate::{GateRow, Sealed},
    task::Task,
};

/// Half of the visible rows to learn from, a sixth to rank on, a third to compare on.
const SHARES: [(Role, f64); 3] = [(Role::Train, 3.0), (Role::Val, 1.0), (Role::Gate, 2.0)];

/// The visible rows of a task, in the groups that belong together.
pub struct Stage<'t> {
    task: &'t Task,
    given: Vec<Given>,
    /// Rows of each group.
    groups: Vec<Vec<usize>>,
    keys: Vec<String>,
}

/// One way to split them.
#[derive(Debug)]
pub struct Rehearsal {
    /// Rows to learn from.
    pub train: Visible,
    /// Rows to rank finalists on.
    pub val: Visible,
    /// Rows that no optimizer sees, each with the key of its group.
    pub held: Vec<(String, Example)>,
    /// The same rows with their perturbed variants, for a gate of their own.
    pub gate: Sealed,
}

impl<'t> Stage<'t> {
    /// Reads the data of a task and leaves out what is sealed.
    ///
    /// # Errors
    /// If a file or a row cannot be used, or there are too few rows.
    pub fn load(task: &'t Task) -> Result<Self, DataError> {
        let given = read(task)?;
        let found = Hygiene::of(&given.iter().map(|given| &given.row).collect::<Vec<_>>());
        let roles = assign(task, &given, &found)?;
        let keys = found.keys(&given.iter().map(|given| &given.row.example.id).collect::<Vec<_>>());
        let visible = |row: &usize| matches!(roles[*row], Some(Role::Train | Role::Val));
        let groups = found.groups.into_iter().map(|members| members.into_iter().filter(visible).collect());
        let groups = groups.filter(|members: &Vec<usize>| !members.is_empty()).collect();
        Ok(Self { task, given, groups, keys })
    }

    /// The split of that number.
    ///
    /// # Errors
    /// If there are too few rows to split.
    pub fn rehearsal(&self, number: u64) -> Result<Rehearsal, DataError> {
        let units: Vec<_> = self.groups.iter().map(|members| self.unit(members)).collect();
        let dealt = Deal { roles: SHARES.to_vec(), seed: self.seed(number) }.roles(&units);
        let mut rows: Vec<(usize, Role)> = self
            .groups
            .iter()
            .zip(dealt)
            .flat_map(|(members, role)| members.iter().map(move |row| (*row, role)))
            .collect();
        rows.sort_by_cached_key(|(row, _)| {
            digest(&("order", self.seed(number), &self.given[*row].row.example.id))
        });
        let of = |role| rows.iter().filter(move |(_, other)| *other == role).map(|(row, _)| *row);
        let examples = |role| of(role).map(|row| self.given[row].row.example.clone()).collect::<Vec<_>>();
        let held: Vec<_> = of(Role::Gate).filter(|row| !is_mined(&self.given[*row].row)).collect();
        let (train, val) = (Visible::new(examples(Role::Train)), Visible::new(examples(Role::Val)));
        if train.is_empty() || val.is_empty() || held.is_empty() {
            return Err(DataError::TooFew { rows: rows.len(), groups: self.groups.len() });
        }
        let (gate, _) = seal(&Plan::of(self.task)?, held.iter().map(|row| self.gate_row(*row)).collect())?;
        let held = held.into_iter().map(|row| (self.keys[row].clone(), self.given[row].row.example.clone()));
        Ok(Rehearsal { train, val, held: held.collect(), gate })
    }

    /// Names the random choices of a split.
    fn seed(&self, number: u64) -> u64 {
        let name = digest(&("rehearsal", self.task.data.seed, number));
        name.as_bytes().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    /// Rows picked because a contender fails them can be learned from, not compared on.
    fn unit(&self, members: &[usize]) -> Unit<'_> {
        let mined = members.iter().any(|row| is_mined(&self.given[*row].row));
        let rows = members.iter().map(|row| &self.given[*row].row).collect();
        Unit { rows, pinned: mined.then_some(Role::Train) }
    }

    fn gate_row(&self, row: usize) -> GateRow {
        let given = &self.given[row].row;
        GateRow {
            example: given.example.clone(),
            group: self.keys[row].clone(),
            must_pass: given.must_pass,
            mined_by: given.mined_by.clone(),
            natural: None,
            shifts: vec![],
        }
    }
}
