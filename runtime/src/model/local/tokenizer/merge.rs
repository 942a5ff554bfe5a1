//! Merging neighbours, best pair first, until no pair can be merged.
//!
//! Time grows as n log n, also for a "word" of a hundred thousand letters.

use std::{cmp::Reverse, collections::BinaryHeap};

/// The token that two neighbours become, and its rank: lower ranks are merged first, the leftmost of equal ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) rank: u32,
    pub(super) token: u32,
}

/// A possible merge in the queue, ordered by rank, then place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct QueuedMerge {
    rank: u32,
    left: usize,
    right: usize,
    /// The two symbols when the merge was found. It is stale if they have changed since.
    pair: (u32, u32),
    token: u32,
}

/// Merges `symbols` by `rule`.
pub(super) fn merge(mut symbols: Vec<u32>, rule: impl Fn(u32, u32) -> Option<Merge>) -> Vec<u32> {
    let end = symbols.len();
    let mut next: Vec<usize> = (1..=end).collect();
    let mut previous: Vec<Option<usize>> = (0..end).map(|at| at.checked_sub(1)).collect();
    let mut alive = vec![true; end];
    let mut queue = BinaryHeap::new();

    let find = |symbols: &[u32], left: usize, right: usize| {
        let pair = (symbols[left], symbols[right]);
        rule(pair.0, pair.1)
            .map(|Merge { rank, token }| Reverse(QueuedMerge { rank, left, right, pair, token }))
    };
    queue.extend((1..end).filter_map(|right| find(&symbols, right - 1, right)));

    while let Some(Reverse(QueuedMerge { left, right, pair, token, .. })) = queue.pop() {
        let stale =
            !alive[left] || !alive[right] || next[left] != right || pair != (symbols[left], symbols[right]);
        if stale {
            continue;
        }
        symbols[left] = token;
        alive[right] = false;
        next[left] = next[right];
        if next[left] < end {
            previous[next[left]] = Some(left);
            queue.extend(find(&symbols, left, next[left]));
        }
        queue.extend(previous[left].and_then(|before| find(&symbols, before, left)));
    }
    symbols.into_iter().zip(alive).filter(|&(_, alive)| alive).map(|(symbol, _)| symbol).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: merge the best pair, the leftmost of equals, until there is none.
    fn by_definition(mut symbols: Vec<u32>, rule: impl Fn(u32, u32) -> Option<Merge>) -> Vec<u32> {
        loop {
            let best = symbols
                .windows(2)
                .enumerate()
                .filter_map(|(at, pair)| rule(pair[0], pair[1]).map(|merge| (merge.rank, at, merge.token)))
                .min();
            let Some((_, at, token)) = best else { return symbols };
            symbols.splice(at..at + 2, [token]);
        }
    }

    proptest! {
        #[test]
        fn merging_agrees_with_the_definition(
            symbols in prop::collection::vec(0..6_u32, 0..40),
            rules in prop::collection::btree_map((0..12_u32, 0..12_u32), (0..9_u32, 0..12_u32), 0..40),
        ) {
            let rule = |left, right| rules.get(&(left, right)).map(|&(rank, token)| Merge { rank, token });
            prop_assert_eq!(merge(symbols.clone(), rule), by_definition(symbols, rule));
        }
    }

    #[test]
    fn a_long_word_is_merged_in_reasonable_time() {
        let doubled = merge(vec![0; 1 << 17], |left, right| {
            (left == right && left < 17).then_some(Merge { rank: left, token: left + 1 })
        });
        assert_eq!(doubled, [17]);
    }
}
