//! Rows that a language model may rewrite: all that are perturbed, and beside them all others, because a rewriting must not
//! come near a row that it does not belong with.
//!
//! **Invariant:** the order depends on the rows and the seed of the task alone, and does not tell sealed rows from others.

use proofmark_runtime::{Example, Record, digest};

use super::{
    assign::assign,
    error::DataError,
    groups::Groups,
    hygiene::{Hygiene, text},
    near::join_near_duplicates,
    rows::{Given, read},
    split::Role,
};
use crate::task::Task;

/// The rows of a task, before anything is perturbed.
pub(crate) struct Rewritable {
    /// All rows that take part, in an order of their own.
    pub(crate) rows: Vec<Example>,
    /// Positions of those that are perturbed: not the hard rows of the user's, nor copies of other rows.
    pub(crate) wanted: Vec<usize>,
    /// Positions of those that the search learns from.
    pub(crate) known: Vec<usize>,
    /// The group of each.
    groups: Vec<String>,
}

impl Rewritable {
    /// Reads the rows of a task and deals them, as [`super::Splits::load`] does.
    ///
    /// # Errors
    /// If a file or a row cannot be used, or there are too few rows.
    pub(crate) fn of(task: &Task) -> Result<Self, DataError> {
        let given = read(task)?;
        let found = Hygiene::of(&given.iter().map(|given| &given.row).collect::<Vec<_>>());
        let roles = assign(task, &given, &found)?;
        let keys = found.keys(&given.iter().map(|given| &given.row.example.id).collect::<Vec<_>>());
        let mut all: Vec<_> = given.into_iter().zip(roles).zip(keys).collect();
        all.retain(|((_, role), _)| role.is_some());
        all.sort_by_cached_key(|((given, _), _)| {
            digest(&("order of rewriting", task.data.seed, &given.row.example.id))
        });
        let mut new = Self { rows: vec![], wanted: vec![], known: vec![], groups: vec![] };
        let mut seen = std::collections::BTreeSet::new();
        for (at, ((Given { row, .. }, role), group)) in all.into_iter().enumerate() {
            let first = seen.insert(digest(&(&row.example.inputs, &row.example.outputs)));
            new.wanted.extend((first && !row.adversarial).then_some(at));
            new.known.extend((role == Some(Role::Train)).then_some(at));
            new.rows.push(row.example);
            new.groups.push(group);
        }
        Ok(new)
    }

    /// Whether two rows stay together.
    pub(crate) fn together(&self, a: usize, b: usize) -> bool {
        self.groups[a] == self.groups[b]
    }

    /// Which of these rewritings, each with its row's position, are nearly the same as a row of another group. They could
    /// bring a sealed row within sight of the search, or the other way round.
    pub(crate) fn strays(&self, rewritten: &[(usize, Record)]) -> Vec<bool> {
        let inputs =
            self.rows.iter().map(|row| &row.inputs).chain(rewritten.iter().map(|(_, inputs)| inputs));
        let texts: Vec<_> = inputs.map(text).collect();
        let mut groups = Groups::new(texts.len());
        join_near_duplicates(&texts, &mut groups);
        let mut joined: Vec<Vec<usize>> = vec![vec![]; texts.len()];
        for row in 0..self.rows.len() {
            joined[groups.find(row)].push(row);
        }
        let mut strays = |(at, (own, _)): (usize, &(usize, Record))| {
            let near = &joined[groups.find(self.rows.len() + at)];
            near.iter().any(|row| !self.together(*own, *row))
        };
        rewritten.iter().enumerate().map(&mut strays).collect()
    }
}
