//! Rows that must not be separated, by union-find (Tarjan 1975).

/// A partition of rows, at first every row alone.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    /// Every row alone.
    pub(super) fn new(rows: usize) -> Self {
        Self { parent: (0..rows).collect() }
    }

    /// The row that stands for a row's group: its first.
    pub(super) fn find(&mut self, mut row: usize) -> usize {
        while self.parent[row] != row {
            self.parent[row] = self.parent[self.parent[row]];
            row = self.parent[row];
        }
        row
    }

    /// Joins two groups; whether they were apart.
    pub(super) fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        // The smaller index stays root, so that the result does not depend on the order of joins.
        self.parent[a.max(b)] = a.min(b);
        a != b
    }

    /// Whether two rows are in one group.
    pub(super) fn same(&mut self, a: usize, b: usize) -> bool {
        self.find(a) == self.find(b)
    }

    /// The rows of every group, groups and rows in ascending order.
    pub(super) fn members(&mut self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.parent.len()];
        for row in 0..self.parent.len() {
            members[self.find(row)].push(row);
        }
        members.retain(|rows| !rows.is_empty());
        members
    }
}
