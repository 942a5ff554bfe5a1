//! `rouge`: overlap of words in order.

use super::overlap::Overlap;

/// Sentence-level ROUGE-L (Lin 2004, section 3.1) with equal weight on precision and recall: the shared tokens are the longest
/// common subsequence.
pub(super) static ROUGE_L: Overlap = Overlap {
    name: "rouge",
    about: "ROUGE-L: the longest run of words that answer and label share in order, gaps allowed",
    identity: "RougeL",
    shared: longest_common_subsequence,
};

/// The length of the longest common subsequence, by dynamic programming over one row.
fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::text::tokens;

    #[test]
    fn a_common_subsequence_keeps_the_order() {
        let words = |text: &str| tokens(text);
        let common = |a: &str, b: &str| longest_common_subsequence(&words(a), &words(b));
        assert_eq!(common("police killed the gunman", "police kill the gunman"), 3);
        assert_eq!(common("police killed the gunman", "the gunman kill police"), 2);
        assert_eq!(common("", "x"), 0);
    }
}
