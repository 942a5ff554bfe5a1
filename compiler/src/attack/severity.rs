//! How severe a perturbation is: how much of the text it changes.

use crate::diff::{Piece, words};

/// Longest product of two pieces' characters that is compared exactly; of longer pieces the longer length counts.
const CELLS: usize = 4_000_000;

/// Characters put in, taken out or replaced, for each character of the original: 0 if nothing changed, above 1 where more is
/// added than there was. Within changed words it is the edit distance.
pub(crate) fn edit_rate(original: &str, variant: &str) -> f64 {
    let cost = |piece: Piece| match piece {
        Piece::Same(_) => 0,
        Piece::Changed(old, new) => {
            let (a, b) = (old.chars().count(), new.chars().count());
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
    fn it_is_the_share_of_characters_changed() {
        assert!(edit_rate("same", "same").abs() < 1e-12);
        assert!((edit_rate("please check it", "please chekc it") - 2.0 / 15.0).abs() < 1e-12);
        assert!((edit_rate("four", "four four four") - 2.5).abs() < 1e-12);
        assert!((edit_rate("", "abc") - 3.0).abs() < 1e-12);
    }
}
