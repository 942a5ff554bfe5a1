//! The edit rate: how much of a text a perturbation changes.

use crate::diff::{Piece, words};

/// The largest product of the lengths of two pieces that are compared exactly. For longer pieces the longer length counts.
const CELLS: usize = 4_000_000;

/// The number of inserted, deleted or replaced characters for each character of the original: 0 without a change, above 1 if
/// more was added than there was. Within changed words it is the edit distance.
pub(crate) fn edit_rate(original: &str, variant: &str) -> f64 {
    let cost = |piece: Piece| match piece {
        Piece::Same(_) => 0,
        Piece::Changed(old, new) => {
            let a = old.chars().count();
            let b = new.chars().count();
            if a.saturating_mul(b) > CELLS { a.max(b) } else { strsim::levenshtein(&old, &new) }
        }
    };
    let edits: usize = words(original, variant).into_iter().map(cost).sum();
    edits as f64 / original.chars().count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edit_rate_counts_changed_characters() {
        assert!(edit_rate("same", "same").abs() < 1e-12);
        assert!((edit_rate("please check it", "please chekc it") - 2.0 / 15.0).abs() < 1e-12);
        assert!((edit_rate("four", "four four four") - 2.5).abs() < 1e-12);
        assert!((edit_rate("", "abc") - 3.0).abs() < 1e-12);
    }
}
