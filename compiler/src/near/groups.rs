//! Groups of rows that belong together, by union-find (Tarjan 1975).

/// A partition of rows into groups; at first every row is alone.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    /// Puts every row into a group of its own.
    pub(crate) fn new(rows: usize) -> Self {
        Self { parent: (0..rows).collect() }
    }

    /// The first row of a row's group, which represents the group.
    pub(crate) fn find(&mut self, mut row: usize) -> usize {
        while self.parent[row] != row {
            self.parent[row] = self.parent[self.parent[row]];
            row = self.parent[row];
        }
        row
    }

    /// Joins the groups of two rows and returns whether they were different.
    pub(crate) fn join(&mut self, a: usize, b: usize) -> bool {
        let first = self.find(a);
        let second = self.find(b);
        // The smaller index stays the root, so that the result does not depend on the order of joins.
        self.parent[first.max(second)] = first.min(second);
        first != second
    }

    /// Whether two rows are in one group.
    pub(crate) fn same(&mut self, a: usize, b: usize) -> bool {
        self.find(a) == self.find(b)
    }

    /// The rows of every group, groups and rows in ascending order.
    pub(crate) fn members(&mut self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.parent.len()];
        for row in 0..self.parent.len() {
            members[self.find(row)].push(row);
        }
        members.retain(|rows| !rows.is_empty());
        members
    }
}
