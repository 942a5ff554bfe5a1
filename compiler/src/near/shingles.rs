//! Shingles: the runs of characters or words that near-duplicate texts share (Broder 1997).

use std::ops::Range;

/// Texts with at least this many words are compared by word 5-grams (Lee et al. 2022, arXiv:2107.06499, section 4.2).
pub(super) const LONG: usize = 50;

/// Texts with at most this many words are compared by character 5-grams. The range overlaps with [`LONG`], so that a short
/// text and a slightly longer near-duplicate are still compared.
pub(super) const SHORT: usize = 100;

const GRAM: usize = 5;

/// The hashes of all runs of five characters, unordered, repeats kept; a shorter text is one run.
pub(super) fn character_shingles(plain: &str) -> Vec<u64> {
    let ends: Vec<_> = plain.char_indices().map(|(start, _)| start).chain([plain.len()]).collect();
    grams(plain, &ends, |start, end| ends[start]..ends[end])
}

/// The hashes of all runs of five words, unordered, repeats kept; a shorter text is one run.
pub(super) fn word_shingles(plain: &str) -> Vec<u64> {
    let spaces = plain.match_indices(' ').map(|(at, _)| at + 1);
    let starts: Vec<_> = [0].into_iter().chain(spaces).chain([plain.len() + 1]).collect();
    grams(plain, &starts, |start, end| starts[start]..starts[end] - 1)
}

/// The hashes of all runs of [`GRAM`] items. `bounds` are the places where items begin, and the end; `range` gives the bytes
/// between two of them.
fn grams(text: &str, bounds: &[usize], range: impl Fn(usize, usize) -> Range<usize>) -> Vec<u64> {
    let items = bounds.len() - 1;
    let length = GRAM.min(items);
    (0..=items - length).map(|start| hash(&text.as_bytes()[range(start, start + length)])).collect()
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo), with the finalizer of MurmurHash3, so that the upper bits are as good as the
/// lower ones.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shingles_are_runs_of_five() {
        assert_eq!(character_shingles("äbcdefg").len(), 3);
        assert_eq!(character_shingles("abc"), [hash(b"abc")]);
        assert_eq!(character_shingles("abcde"), [hash(b"abcde")]);
        assert_eq!(word_shingles("a b c d e f"), [hash(b"a b c d e"), hash(b"b c d e f")]);
        assert_eq!(word_shingles("a b"), [hash(b"a b")]);
    }
}
