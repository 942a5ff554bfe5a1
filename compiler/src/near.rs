//! Near-duplicates: all pairs of texts whose shingle sets have a Jaccard similarity of at least 0.8, without exception.
//!
//! The method is an exact set-similarity join by prefix filtering (Bayardo, Ma and Srikant 2007, "Scaling up all pairs
//! similarity search", section 4; Xiao et al. 2008, section 3). If the shingles of every set are sorted in one common order,
//! rarest first, two similar sets share a shingle within their first fifth. Only such pairs are compared in full. The usual
//! alternative, MinHash with banding, misses one pair in eight at the threshold (b = 14, r = 9); this method misses none.
//!
//! **Invariant:** after [`join_near_duplicates`] no two texts in different groups are near-duplicates.

mod groups;
mod shingles;

use std::collections::HashMap;

use proofmark_runtime::Record;
use rayon::prelude::*;

pub(crate) use self::groups::Groups;
use self::shingles::{LONG, SHORT, character_shingles, word_shingles};
use crate::gate::text::plain;

/// The pairs of rows that were joined, each of which connected two groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JoinedPairs {
    /// Rows with the same plain text.
    pub(crate) exact: Vec<(usize, usize)>,
    /// Rows with nearly the same text.
    pub(crate) near: Vec<(usize, usize)>,
}

/// The inputs of a row as one text.
pub(crate) fn text_of(inputs: &Record) -> String {
    inputs.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join("\n")
}

/// Puts rows with the same or nearly the same text into one group.
pub(crate) fn join_near_duplicates(texts: &[String], groups: &mut Groups) -> JoinedPairs {
    let plain: Vec<_> = texts.par_iter().map(|text| plain(text)).collect();
    let mut joined = JoinedPairs::default();
    let mut first = HashMap::new();
    let mut distinct = Vec::new();
    for (row, text) in plain.iter().enumerate() {
        match first.get(text.as_str()) {
            None => {
                first.insert(text.as_str(), row);
                distinct.push(row);
            }
            Some(earlier) => {
                groups.join(*earlier, row);
                joined.exact.push((*earlier, row));
            }
        }
    }
    let words = |row: &usize| plain[*row].split(' ').count();
    let short: Vec<_> = distinct.iter().copied().filter(|row| words(row) <= SHORT).collect();
    let sets = short.par_iter().map(|row| character_shingles(&plain[*row])).collect();
    joined.near.extend(join_similar(&short, rarest_first(sets), groups));
    let long: Vec<_> = distinct.iter().copied().filter(|row| words(row) >= LONG).collect();
    let sets = long.par_iter().map(|row| word_shingles(&plain[*row])).collect();
    joined.near.extend(join_similar(&long, rarest_first(sets), groups));
    joined
}

/// Turns shingles into sets in one common order, rare shingles first. An element holds the number of texts with the shingle in
/// its upper 20 bits (the count of a hash bucket, which is precise enough for an order) and 44 bits of the hash below.
fn rarest_first(mut sets: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
    const BUCKETS: usize = 1 << 20;
    let bucket = |shingle: u64| usize::try_from(shingle % BUCKETS as u64).unwrap_or(0);
    sets.par_iter_mut().for_each(|set| {
        set.sort_unstable();
        set.dedup();
    });
    let mut counts = vec![0_u64; BUCKETS];
    for shingle in sets.iter().flatten() {
        counts[bucket(*shingle)] += 1;
    }
    sets.par_iter_mut().for_each(|set| {
        for shingle in set.iter_mut() {
            *shingle = counts[bucket(*shingle)].min((1 << 20) - 1) << 44 | *shingle >> 20;
        }
        set.sort_unstable();
        set.dedup();
    });
    sets
}

/// Joins the groups of rows with similar sets and returns the pairs that connected two groups.
fn join_similar(rows: &[usize], sets: Vec<Vec<u64>>, groups: &mut Groups) -> Vec<(usize, usize)> {
    let mut sets: Vec<_> = rows.iter().copied().zip(sets).collect();
    sets.sort_by_key(|(row, set)| (set.len(), *row));
    let sketches: Vec<_> = sets.par_iter().map(|(_, set)| sketch(set)).collect();
    // Postings hold positions in `sets`, so they are in ascending order of size.
    let mut index: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut last_seen = vec![usize::MAX; rows.len()];
    let mut pairs = Vec::new();
    for (place, (row, set)) in sets.iter().enumerate() {
        let size = set.len();
        let smallest = (4 * size).div_ceil(5);
        for shingle in &set[..size - smallest + 1] {
            let Some(postings) = index.get(shingle) else { continue };
            let large_enough = postings.partition_point(|other| sets[*other].1.len() < smallest);
            for other in &postings[large_enough..] {
                let (other_row, other_set) = &sets[*other];
                if std::mem::replace(&mut last_seen[*other], place) != place
                    && differing(&sketches[*other], &sketches[place]) * 9 <= size + other_set.len()
                    && !groups.same(*other_row, *row)
                    && similar(other_set, set)
                {
                    groups.join(*other_row, *row);
                    pairs.push((*row.min(other_row), *row.max(other_row)));
                }
            }
        }
        // Later sets are no smaller, so the overlap with them is at least 8/9 of this one.
        for shingle in &set[..size - (8 * size).div_ceil(9) + 1] {
            index.entry(*shingle).or_default().push(place);
        }
    }
    pairs
}

/// Whether the Jaccard similarity of two sorted sets is at least 4/5: the intersection at least 4/9 of both sizes.
fn similar(a: &[u64], b: &[u64]) -> bool {
    let needed = (4 * (a.len() + b.len())).div_ceil(9);
    let mut i = 0;
    let mut j = 0;
    let mut shared = 0;
    while i < a.len() && j < b.len() {
        if shared + (a.len() - i).min(b.len() - j) < needed {
            return false;
        }
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                i += 1;
                j += 1;
                shared += 1;
            }
        }
    }
    shared >= needed
}

/// A summary of a set in 512 bits: each element toggles one bit.
type Sketch = [u64; 8];

fn sketch(set: &[u64]) -> Sketch {
    let mut bits = [0; 8];
    for element in set {
        bits[(element >> 6) as usize % 8] ^= 1 << (element % 64);
    }
    bits
}

/// The number of bits that differ. It is at most the number of elements that differ, because a common element toggles the same
/// bit in both, so most pairs are ruled out without a comparison of their sets (the bitmap filter of Sandes, Teodoro and Melo 2017).
fn differing(a: &Sketch, b: &Sketch) -> usize {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones() as usize).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Jaccard similarity of at least 0.8 by the definition, over strings.
    fn near(a: &str, b: &str) -> bool {
        let (a, b) = (plain(a), plain(b));
        let shingles = |text: &str| -> BTreeSet<Vec<char>> {
            let letters: Vec<_> = text.chars().collect();
            letters.windows(5.min(letters.len()).max(1)).map(<[char]>::to_vec).collect()
        };
        let (x, y) = (shingles(&a), shingles(&b));
        a == b || 5 * x.intersection(&y).count() >= 4 * x.union(&y).count()
    }

    fn text() -> impl Strategy<Value = String> {
        // With few different words near-duplicates are common.
        prop::collection::vec(prop::sample::select(vec!["please", "cancel", "order", "my", "7", "a"]), 1..12)
            .prop_map(|words| words.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn groups_equal_those_of_brute_force(texts in prop::collection::vec(text(), 1..40)) {
            let (mut found, mut expected) = (Groups::new(texts.len()), Groups::new(texts.len()));
            let joined = join_near_duplicates(&texts, &mut found);
            for (i, a) in texts.iter().enumerate() {
                for (j, b) in texts.iter().enumerate().take(i) {
                    if near(a, b) {
                        expected.join(i, j);
                    }
                }
            }
            prop_assert_eq!(found.members(), expected.members());
            let joins = joined.exact.len() + joined.near.len();
            prop_assert_eq!(found.members().len() + joins, texts.len());
        }
    }

    #[test]
    fn long_texts_are_joined_by_words_and_at_the_border() {
        let words: Vec<_> = (0..120).map(|n| format!("word{n}")).collect();
        let mut changed = words.clone();
        changed[60] = "other".into();
        let texts =
            [words.join(" "), changed.join(" "), words[..49].join(" "), words[..51].join(" "), "x".into()];
        let mut groups = Groups::new(texts.len());
        join_near_duplicates(&texts, &mut groups);
        assert_eq!(groups.members(), [vec![0, 1], vec![2, 3], vec![4]]);
    }
}
