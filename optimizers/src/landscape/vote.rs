//! The true score of a vote. A vote is right if more than half of its members are: wrong answers count as equal, which is the
//! worst case.

use std::collections::BTreeSet;

use super::Chance;
use crate::board::mean;

/// The probability that more than half of the members are right. On the share `alike` of the rows all members use the same
/// random draw, on the other rows each has its own.
pub(super) fn worth(chances: &[Chance], alike: f64) -> f64 {
    let labels: BTreeSet<&str> = chances.iter().flat_map(Chance::labels).collect();
    // If no probability depends on the label, one empty label is enough.
    let labels = if labels.is_empty() { BTreeSet::from([""]) } else { labels };
    let of_label = |label: &str| {
        let members: Vec<f64> = chances.iter().map(|chance| chance.with_label(label)).collect();
        alike * together(&members) + (1.0 - alike) * apart(&members)
    };
    mean(&labels.into_iter().map(of_label).collect::<Vec<_>>())
}

/// With one draw for all: the probability of the worst member of the better half.
fn together(members: &[f64]) -> f64 {
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// With a draw for each: Condorcet's jury theorem, by the distribution of the number of right members.
fn apart(members: &[f64]) -> f64 {
    let mut right = vec![1.0];
    for chance in members {
        let mut next = vec![0.0; right.len() + 1];
        for (count, share) in right.iter().enumerate() {
            next[count] += share * (1.0 - chance);
            next[count + 1] += share * chance;
        }
        right = next;
    }
    right.iter().enumerate().filter(|(count, _)| 2 * count > members.len()).map(|(_, share)| share).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_right_if_most_members_are() {
        let even = |chances: &[f64]| chances.iter().map(|&chance| Chance::Even(chance)).collect::<Vec<_>>();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(worth(&even(&[0.7]), 0.5), 0.7);
        close(worth(&even(&[0.6, 0.6, 0.6]), 0.0), 0.648);
        close(worth(&even(&[0.6, 0.6, 0.6]), 1.0), 0.6);
        close(worth(&even(&[0.9, 0.2, 0.6]), 1.0), 0.6);
        close(worth(&even(&[0.5, 1.0]), 0.0), 0.5);
    }
}
