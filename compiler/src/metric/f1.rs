//! `f1`: overlap of words in any order.

use std::collections::BTreeMap;

use super::overlap::Overlap;

/// Token F1 (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1): shared tokens are counted with multiplicity.
pub(super) static F1: Overlap = Overlap {
    name: "f1",
    about: "the overlap of words between answer and label, in any order",
    identity: "F1",
    shared: in_common,
};

/// The number of tokens in common, with multiplicity.
fn in_common(a: &[String], b: &[String]) -> usize {
    let mut left = BTreeMap::new();
    for token in a {
        *left.entry(token).or_insert(0_usize) += 1;
    }
    let mut shared = 0;
    for token in b {
        if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    shared
}
