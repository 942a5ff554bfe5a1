//! The Pareto front: the candidates that are best on some row (arXiv:2507.19457, algorithm 2).
//!
//! **Invariant:** a candidate is dominated if other candidates of the front are best wherever it is. A dominated candidate is
//! never a parent. The best on average stays unless others cover all its rows.

use rand::{rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::board::mean;

/// Draws a place in `scores` (candidates by rows) in proportion to the number of rows that the candidate is best on.
pub(super) fn choose(scores: &[&[f64]], rng: &mut ChaCha8Rng) -> usize {
    let wins = wins(scores);
    let places: Vec<usize> = (0..scores.len()).collect();
    places.choose_weighted(rng, |&place| wins[place]).map_or(0, |&place| place)
}

/// For each candidate, the number of rows that it is best on, alone or with others; 0 if it is dominated.
pub(super) fn wins(scores: &[&[f64]]) -> Vec<usize> {
    let rows = scores.first().map_or(0, |scores| scores.len());
    let best = |row: usize| scores.iter().map(|scores| scores[row]).fold(f64::NEG_INFINITY, f64::max);
    let mut fronts: Vec<Vec<usize>> = (0..rows)
        .map(|row| {
            let best = best(row);
            (0..scores.len()).filter(|&place| scores[place][row] >= best).collect()
        })
        .collect();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| mean(scores[a]).total_cmp(&mean(scores[b])).then(b.cmp(&a)));
    // From the worst on average up. A candidate that is kept stays needed: later removals only make it needed more.
    for place in order {
        if fronts.iter().all(|front| !front.contains(&place) || front.len() > 1) {
            fronts.iter_mut().for_each(|front| front.retain(|&other| other != place));
        }
    }
    (0..scores.len()).map(|place| fronts.iter().filter(|front| front.contains(&place)).count()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn specialists_stay_and_dominated_candidates_go() {
        let general = [0.5, 0.5, 0.5, 0.5];
        let left = [1.0, 1.0, 0.0, 0.0];
        let right = [0.0, 0.0, 1.0, 1.0];
        let weak = [1.0, 0.0, 0.0, 0.0];
        assert_eq!(wins(&[&general, &left, &right, &weak]), [0, 2, 2, 0]);
        assert_eq!(wins(&[&left, &left]), [2 + 2, 0], "of equals the first stays");
    }

    proptest! {
        #[test]
        fn every_row_keeps_a_best_candidate(rows in prop::collection::vec(prop::collection::vec(0u8..3, 5), 1..7)) {
            let scores: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|&s| f64::from(s)).collect()).collect();
            let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
            let wins = wins(&scores);
            for row in 0..5 {
                let best = scores.iter().map(|s| s[row]).fold(0.0, f64::max);
                prop_assert!((0..scores.len()).any(|k| wins[k] > 0 && scores[k][row] >= best));
            }
        }
    }
}
