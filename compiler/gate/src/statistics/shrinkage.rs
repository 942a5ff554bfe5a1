//! The weakest of many slices looks weaker than it is, as the best of many prompts looks better. Shrinking takes that back.
//!
//! What slices differ by is part truth and part chance. The variance of the truth is estimated by moments (DerSimonian and
//! Laird 1986, Control. Clin. Trials 7:177), and each slice is drawn to the whole by the part that is chance:
//! D + (D_g - D) tau^2 / (tau^2 + se_g^2) (an empirical Bayes estimate). For display: no claim rests on it.
//!
//! **Invariant:** a shrunken gain lies between that of its slice and that of the whole.

/// The gain of one slice and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The observed gain.
    pub gain: f64,
    /// Its standard error.
    pub se: f64,
}

/// The gains of slices, drawn to the gain of the whole. A slice without spread is taken as certain.
pub fn shrunk(parts: &[Part], whole: f64) -> Vec<f64> {
    let truth = variance(parts, whole);
    let kept = |part: &Part| match truth + part.se.powi(2) {
        total if total > 0.0 => truth / total,
        _ => 1.0,
    };
    parts.iter().map(|part| whole + (part.gain - whole) * kept(part)).collect()
}

/// The variance of the true gains around the whole: (Q - k) / sum of weights with Q = sum w (D_g - D)^2 and w = 1 / se^2,
/// at least 0. The whole is given, not estimated from the slices, so Q has k degrees of freedom. Slices without spread do
/// not count.
fn variance(parts: &[Part], whole: f64) -> f64 {
    let spread = || parts.iter().filter(|part| part.se > 0.0);
    let (q, weights) = spread().fold((0.0, 0.0), |(q, weights), part| {
        let weight = part.se.powi(-2);
        (q + weight * (part.gain - whole).powi(2), weights + weight)
    });
    if weights > 0.0 { ((q - spread().count() as f64) / weights).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::statistics::normal::upper_quantile;

    /// By hand: w = 400, Q = 400 (0.1^2 + 0.1^2) = 8, tau^2 = (8 - 2) / 800 = 0.0075, kept 0.0075 / (0.0075 + 0.0025) = 0.75.
    #[test]
    fn the_formula_by_hand() {
        let parts = [0.2, 0.0].map(|gain| Part { gain, se: 0.05 });
        let gains = shrunk(&parts, 0.1);
        assert!((gains[0] - 0.175).abs() < 1e-12 && (gains[1] - 0.025).abs() < 1e-12, "{gains:?}");
    }

    #[test]
    fn slices_that_differ_by_less_than_chance_are_all_the_same() {
        let parts = [0.11, 0.09, 0.10].map(|gain| Part { gain, se: 0.05 });
        assert!(shrunk(&parts, 0.1).iter().all(|gain| (gain - 0.1).abs() < 1e-12));
        assert!(shrunk(&[], 0.1).is_empty());
        let certain = [Part { gain: 0.3, se: 0.0 }];
        assert!((shrunk(&certain, 0.1)[0] - 0.3).abs() < 1e-12);
    }

    /// Ten slices of one truth: the weakest one looks 15 points weaker than it is, and shrunken about as strong as it is. Of
    /// ten slices that truly differ, shrunken gains are nearer to the truth than observed ones.
    #[test]
    fn the_weakest_of_ten_is_less_wrong() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut normal = |sd: f64| sd * upper_quantile(rng.random_range(1e-12..1.0));
        for (truth, most_left) in [(0.0, 0.035), (0.10, 0.085)] {
            let (mut observed, mut left) = (0.0, 0.0);
            let runs = 2000;
            for _ in 0..runs {
                let truths: Vec<_> = (0..10).map(|_| 0.1 + normal(truth)).collect();
                let parts: Vec<_> =
                    truths.iter().map(|truth| Part { gain: truth + normal(0.10), se: 0.10 }).collect();
                let gains = shrunk(&parts, 0.1);
                let weakest = (0..10).min_by(|a, b| parts[*a].gain.total_cmp(&parts[*b].gain)).unwrap();
                observed += (truths[weakest] - parts[weakest].gain) / f64::from(runs);
                left += (truths[weakest] - gains[weakest]) / f64::from(runs);
            }
            assert!(observed > 0.09, "{truth}: {observed}");
            assert!(left.abs() < most_left && left.abs() < 0.6 * observed, "{truth}: {left} of {observed}");
        }
    }

    proptest! {
        #[test]
        fn a_shrunken_gain_lies_between_its_slice_and_the_whole(
            parts in prop::collection::vec((-1.0..1.0_f64, 0.0..0.5_f64), 1..20), whole in -1.0..1.0_f64,
        ) {
            let parts: Vec<_> = parts.into_iter().map(|(gain, se)| Part { gain, se }).collect();
            for (part, gain) in parts.iter().zip(shrunk(&parts, whole)) {
                let (low, high) = (part.gain.min(whole), part.gain.max(whole));
                prop_assert!((low - 1e-12..=high + 1e-12).contains(&gain), "{part:?} {gain}");
            }
        }
    }
}
