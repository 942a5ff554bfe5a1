//! The allocation of families to rows, as a balanced incomplete block design that is made greedily, and of pairs of families to
//! composed rows.
//!
//! **Invariant:** each family is used on about equally many rows, each pair of families meets on some rows, and the
//! choice depends on the seed and the order of the rows alone.

use rand::{rngs::ChaCha8Rng, seq::SliceRandom};

/// Counts the uses of families and of pairs of families, and proposes the least used next.
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

    /// The families for the next row, least used first. Among equals, those that met the first one least come first.
    pub(super) fn order(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.uses.len()).collect();
        order.shuffle(&mut self.rng);
        order.sort_by_key(|&family| self.uses[family]);
        if let Some(&first) = order.first() {
            order[1..].sort_by_key(|&family| (self.uses[family], self.together[first][family]));
        }
        order
    }

    /// Counts a family on the current row.
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

/// The pairs of families for composed rows: a covering array of strength two, made row by row (Cohen et al. 1997, IEEE TSE
/// 23:437, on pairwise testing). No pair is used again before every other pair was; the second use of a pair has the
/// opposite order.
pub(super) struct Pairing {
    /// All pairs with the number of their uses, in random order.
    pairs: Vec<(Pair, usize)>,
}

/// Two families in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
}

impl Pair {
    /// The same families in the opposite order.
    pub(super) fn swapped(self) -> Self {
        Self { first: self.second, second: self.first }
    }
}

impl Pairing {
    pub(super) fn new(families: usize, mut rng: ChaCha8Rng) -> Self {
        let pairs = (0..families).flat_map(|a| (0..a).map(move |b| (Pair { first: a, second: b }, 0)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.shuffle(&mut rng);
        Self { pairs }
    }

    /// All pairs, least used first, each in the order of its next use.
    pub(super) fn order(&self) -> Vec<Pair> {
        let mut pairs = self.pairs.clone();
        pairs.sort_by_key(|(_, uses)| *uses);
        pairs.into_iter().map(|(pair, uses)| if uses % 2 == 0 { pair } else { pair.swapped() }).collect()
    }

    /// Counts a use of a pair, in either order.
    pub(super) fn used(&mut self, pair: Pair) {
        for (known, uses) in &mut self.pairs {
            if *known == pair || *known == pair.swapped() {
                *uses += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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

    #[test]
    fn no_pair_is_repeated_before_every_pair_was_used() {
        let mut pairing = Pairing::new(9, ChaCha8Rng::seed_from_u64(1));
        let mut seen = vec![];
        for _ in 0..72 {
            let next = pairing.order()[0];
            pairing.used(next);
            seen.push(next);
        }
        let unordered: BTreeSet<_> = seen[..36].iter().map(|pair| (*pair).max(pair.swapped())).collect();
        assert_eq!(unordered.len(), 36);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 72, "then every pair in the opposite order");
    }
}
