//! Which row gets which families: a balanced incomplete block design, made greedily (gate.md, section 5.3), and which pairs
//! of families are composed.
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

/// Which two families a composed row gets, in order: a covering array of strength two, made row by row (Cohen et al. 1997,
/// IEEE TSE 23:437, on pairwise testing): no pair is used again before every other one was, and the second use of a pair
/// turns its order round.
pub(super) struct Pairing {
    /// Unordered pairs with the number of their uses, in random order.
    pairs: Vec<((usize, usize), usize)>,
}

impl Pairing {
    pub(super) fn new(families: usize, mut rng: ChaCha8Rng) -> Self {
        let pairs = (0..families).flat_map(|a| (0..a).map(move |b| ((a, b), 0)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.shuffle(&mut rng);
        Self { pairs }
    }

    /// All pairs, those that were used least first, each in the order of its turn.
    pub(super) fn order(&self) -> Vec<(usize, usize)> {
        let mut pairs = self.pairs.clone();
        pairs.sort_by_key(|(_, uses)| *uses);
        pairs.into_iter().map(|((a, b), uses)| if uses % 2 == 0 { (a, b) } else { (b, a) }).collect()
    }

    /// Books a pair.
    pub(super) fn used(&mut self, (first, second): (usize, usize)) {
        let pair = (first.max(second), first.min(second));
        self.pairs.iter_mut().filter(|(known, _)| *known == pair).for_each(|(_, uses)| *uses += 1);
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
    fn no_pair_is_composed_twice_before_every_pair_was() {
        let mut pairing = Pairing::new(9, ChaCha8Rng::seed_from_u64(1));
        let mut seen = vec![];
        for _ in 0..72 {
            let next = pairing.order()[0];
            pairing.used(next);
            seen.push(next);
        }
        let unordered: BTreeSet<_> = seen[..36].iter().map(|(a, b)| (a.max(b), a.min(b))).collect();
        assert_eq!(unordered.len(), 36);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 72, "then every pair the other way round");
    }
}
