//! Which row gets which families: a balanced incomplete block design, made greedily (gate.md, section 5.3).
//!
//! **Invariant:** each family is used on about equally many rows, each pair of families is sometimes together, and the
//! choice depends on the seed and the order of the rows alone.

use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

/// Counts how often families and pairs of families were used, and proposes the rarest next.
pub(super) struct Allocation {
    uses: Vec<usize>,
    together: Vec<Vec<usize>>,
    row: Vec<usize>,
    rng: ChaCha8Rng,
}

impl Allocation {
    pub(super) fn new(families: usize, rng: ChaCha8Rng) -> Self {
        Self { uses: vec![0; families], together: vec![vec![0; families]; families], row: vec![], rng }
    }

    /// Families for the next row, rarest first; among equally rare ones those that were seldom beside the rarest.
    pub(super) fn order(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.uses.len()).collect();
        order.shuffle(&mut self.rng);
        order.sort_by_key(|&family| self.uses[family]);
        if let Some(&first) = order.first() {
            order[1..].sort_by_key(|&family| (self.uses[family], self.together[first][family]));
        }
        order
    }

    /// Books a family for the current row.
    pub(super) fn used(&mut self, family: usize) {
        self.uses[family] += 1;
        for &other in &self.row {
            self.together[family][other] += 1;
            self.together[other][family] += 1;
        }
        self.row.push(family);
    }

    /// Goes on to the next row.
    pub(super) fn next_row(&mut self) {
        self.row.clear();
    }
}

/// All ordered pairs of different families, so that over many rows every pair occurs in both orders.
pub(super) fn pairs(families: usize) -> Vec<(usize, usize)> {
    (0..families).flat_map(|a| (0..families).filter(move |b| *b != a).map(move |b| (a, b))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn families_and_pairs_are_balanced() {
        let mut allocation = Allocation::new(9, ChaCha8Rng::seed_from_u64(1));
        for _ in 0..120 {
            for family in allocation.order().into_iter().take(3) {
                allocation.used(family);
            }
            allocation.next_row();
        }
        assert!(allocation.uses.iter().all(|&uses| uses == 40), "{:?}", allocation.uses);
        let pairs = (0..9).flat_map(|a| (0..a).map(move |b| (a, b)));
        assert!(pairs.clone().all(|(a, b)| allocation.together[a][b] > 0), "{:?}", allocation.together);
    }
}
