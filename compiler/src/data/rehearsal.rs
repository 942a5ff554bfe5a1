//! Rehearsals: the visible rows of a task are split again, so that optimizers can be compared on rows that none of them saw,
//! while the test rows stay sealed for the final prompt.
//!
//! **Invariant:** no sealed row takes part. Rows that belong together stay in one split, as in the task's own split.

use proofmark_optimizers::Visible;
use proofmark_runtime::{Example, digest};

use super::{
    assign::{assign, is_mined},
    error::DataError,
    hygiene::Hygiene,
    rows::{GivenRow, read},
    seal::seal,
    split::{Deal, Role, SplitUnit},
};
use crate::{
    gate::{GateRow, Sealed},
    task::Task,
};

/// Half of the visible rows are train rows, a sixth are validation rows, and a third compare the optimizers.
const SHARES: [(Role, f64); 3] = [(Role::Train, 3.0), (Role::Val, 1.0), (Role::Gate, 2.0)];

/// The visible rows of a task in their groups.
pub struct Stage<'t> {
    task: &'t Task,
    given: Vec<GivenRow>,
    /// The positions of the rows of each group.
    groups: Vec<Vec<usize>>,
    keys: Vec<String>,
}

/// One split of the visible rows.
#[derive(Debug)]
pub struct Rehearsal {
    /// Train rows.
    pub train: Visible,
    /// Validation rows, which rank finalists.
    pub val: Visible,
    /// The rows that no optimizer sees, each with the key of its group.
    pub held: Vec<(String, Example)>,
    /// The same rows with their variants, for a gate of their own.
    pub gate: Sealed,
}

impl<'t> Stage<'t> {
    /// Reads the data of a task without the test rows.
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

    /// The split with this number.
    ///
    /// # Errors
    /// If there are too few rows to split.
    pub fn rehearsal(&self, number: u64) -> Result<Rehearsal, DataError> {
        let units: Vec<_> = self.groups.iter().map(|members| self.unit(members)).collect();
        let dealt = Deal { roles: SHARES.to_vec(), seed: self.seed(number) }.roles(&units);
        let mut rows: Vec<(usize, Role)> = vec![];
        for (members, role) in self.groups.iter().zip(dealt) {
            rows.extend(members.iter().map(|row| (*row, role)));
        }
        rows.sort_by_cached_key(|(row, _)| {
            digest(&("order", self.seed(number), &self.given[*row].row.example.id))
        });
        let of = |role| rows.iter().filter(move |(_, other)| *other == role).map(|(row, _)| *row);
        let examples = |role| of(role).map(|row| self.given[row].row.example.clone()).collect::<Vec<_>>();
        let held: Vec<_> = of(Role::Gate).filter(|row| !is_mined(&self.given[*row].row)).collect();
        let train = Visible::new(examples(Role::Train));
        let val = Visible::new(examples(Role::Val));
        if train.is_empty() || val.is_empty() || held.is_empty() {
            return Err(DataError::TooFew { rows: rows.len(), groups: self.groups.len() });
        }
        let (gate, _) = seal(&self.task.plan()?, held.iter().map(|row| self.gate_row(*row)).collect())?;
        let held = held.into_iter().map(|row| (self.keys[row].clone(), self.given[row].row.example.clone()));
        Ok(Rehearsal { train, val, held: held.collect(), gate })
    }

    /// The random seed of a split.
    fn seed(&self, number: u64) -> u64 {
        let name = digest(&("rehearsal", self.task.data.seed, number));
        name.as_bytes().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    /// A group for the split. Rows that were mined from failures of the baseline or a candidate are train rows.
    fn unit(&self, members: &[usize]) -> SplitUnit<'_> {
        let mined = members.iter().any(|row| is_mined(&self.given[*row].row));
        let rows = members.iter().map(|row| &self.given[*row].row).collect();
        SplitUnit { rows, pinned: mined.then_some(Role::Train) }
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
