//! How large a rate or a paired difference may be: one-sided bounds, each at its own level.
//!
//! Differences and rates are shares (0.05 is five points). A bound at level `alpha` is on the wrong side of the truth with
//! probability at most `alpha`.
//!
//! **Invariant:** bounds stay within -1..=1 (rates within 0..=1) and widen as the level falls.

use serde::{Deserialize, Serialize};

use super::{
    normal::{upper_quantile, upper_t_quantile},
    signflip::p_greater,
    spread::Spread,
};

/// Two one-sided bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Not below this.
    pub lower: f64,
    /// Not above this.
    pub upper: f64,
}

/// Wilson's score interval for a rate (Wilson 1927, JASA 22:209), `z` standard errors to each side. `successes` may be a
/// sum of graded scores. Without rows nothing is known: 0 to 1.
pub fn wilson(successes: f64, n: usize, z: f64) -> Bounds {
    if n == 0 {
        return Bounds { lower: 0.0, upper: 1.0 };
    }
    let n = n as f64;
    let (p, z2) = (successes / n, z * z);
    let centre = p + z2 / (2.0 * n);
    let margin = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    let scale = 1.0 + z2 / n;
    Bounds { lower: ((centre - margin) / scale).max(0.0), upper: ((centre + margin) / scale).min(1.0) }
}

/// A mean score with its two-sided 95 % interval: Wilson's for scores of 0 and 1, Student's t for graded ones.
pub fn mean_of_scores(scores: &[f64]) -> (f64, Bounds) {
    let sum: f64 = scores.iter().sum();
    let spread = Spread::of(scores);
    let binary = scores.iter().all(|score| matches!(*score, 0.0 | 1.0));
    let bounds = if binary { wilson(sum, scores.len(), TWO_SIDED_95) } else { student(spread, 0.025, 0.025) };
    (spread.mean, Bounds { lower: bounds.lower.max(0.0), ..bounds })
}

/// The normal quantile of a two-sided 95 % interval.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

/// Counts of pairs of right and wrong answers on the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Both prompts are right.
    pub both: usize,
    /// Only the candidate is.
    pub candidate: usize,
    /// Only the baseline is.
    pub baseline: usize,
    /// Neither is.
    pub neither: usize,
}

/// Newcombe's interval for a difference of paired rates, candidate minus baseline (Newcombe 1998, Statist. Med. 17:2635,
/// method 10: Wilson intervals squared and added, with a continuity-corrected correlation).
pub fn newcombe(pairs: Pairs, z: f64) -> Bounds {
    let [a, b, c, d] = [pairs.both, pairs.candidate, pairs.baseline, pairs.neither].map(|n| n as f64);
    let n = a + b + c + d;
    if n <= 0.0 {
        return Bounds { lower: -1.0, upper: 1.0 };
    }
    let (p1, p2) = ((a + b) / n, (a + c) / n);
    let (one, two) = (wilson(a + b, n as usize, z), wilson(a + c, n as usize, z));
    let covariance = a * d - b * c;
    let corrected = if covariance > 0.0 { (covariance - n / 2.0).max(0.0) } else { covariance };
    let norm = ((a + b) * (c + d) * (a + c) * (b + d)).sqrt();
    let phi = if norm > 0.0 { corrected / norm } else { 0.0 };
    let add = |r: f64, s: f64| (r * r - 2.0 * phi * r * s + s * s).max(0.0).sqrt();
    let difference = p1 - p2;
    Bounds {
        lower: (difference - add(p1 - one.lower, two.upper - p2)).max(-1.0),
        upper: (difference + add(one.upper - p1, p2 - two.lower)).min(1.0),
    }
}

/// The one-sided t bounds of the mean of one difference per unit: D -+ t_{n-1} s / sqrt n (Miller 2024, arXiv:2411.00640,
/// on clustered and paired evaluation). Fewer than two units bound nothing; equal differences give their value.
pub fn student(units: Spread, lower_level: f64, upper_level: f64) -> Bounds {
    let bounds = t_bounds(units, lower_level, upper_level).unwrap_or(Bounds { lower: -1.0, upper: 1.0 });
    Bounds { lower: bounds.lower.max(-1.0), upper: bounds.upper.min(1.0) }
}

/// The same of anything, such as tokens: not held within -1..=1, and none of fewer than two units.
pub fn t_bounds(units: Spread, lower_level: f64, upper_level: f64) -> Option<Bounds> {
    let reach = |level| upper_t_quantile(level, (units.n - 1) as f64) * units.se();
    (units.n >= 2)
        .then(|| Bounds { lower: units.mean - reach(lower_level), upper: units.mean + reach(upper_level) })
}

/// The bounds that invert the sign-flip test, by its normal approximation: the test of the mean d compares
/// sum(x - d) with z sqrt(sum (x - d)^2), which holds up to d = D - z s / sqrt(n - z^2) with s of divisor n. Close to
/// [`student`]'s, but positive exactly when the test rejects (up to the approximation).
pub fn flipped(units: Spread, lower_level: f64, upper_level: f64) -> Bounds {
    let n = units.n as f64;
    let spread = units.sd * ((n - 1.0) / n).sqrt();
    let reach = |level| {
        let z = upper_quantile(level);
        if n > z * z { z * spread / (n - z * z).sqrt() } else { 2.0 }
    };
    Bounds {
        lower: (units.mean - reach(lower_level)).max(-1.0),
        upper: (units.mean + reach(upper_level)).min(1.0),
    }
}

/// Least number of steps from 0 to 1 in which the inverted test searches.
const STEPS: i64 = 200;

/// The bounds that invert the sign-flip test: all values that the test would not reject as the mean, to half a point
/// outwards. Exact for symmetric differences, at any number of units (Lehmann and Romano 2005, section 5.8). A score of
/// `steps` is a difference of 1.
pub fn inverted(scores: &[i64], steps: i64, lower_level: f64, upper_level: f64) -> Bounds {
    let finer = STEPS.div_euclid(steps) + 1;
    let one = steps * finer;
    let fine: Vec<_> = scores.iter().map(|x| x * finer).collect();
    let mirrored: Vec<_> = fine.iter().map(|x| -x).collect();
    let rejected = |scores, level| rejected_up_to(scores, one, level) as f64 / one as f64;
    Bounds { lower: rejected(&fine, lower_level), upper: -rejected(&mirrored, upper_level) }
}

/// The largest mean from `-one` to `one` that the test rejects as too small; the p-value rises with the mean asked about.
fn rejected_up_to(scores: &[i64], one: i64, level: f64) -> i64 {
    last_rejected(one, |mean| p_greater(&scores.iter().map(|x| x - mean).collect::<Vec<_>>()) <= level)
}

/// The largest mean from `-one` to `one` that is rejected, if whatever is smaller is rejected as well; `-one` if none is.
pub fn last_rejected(one: i64, rejects: impl Fn(i64) -> bool) -> i64 {
    let (mut rejected, mut kept) = (-one, one + 1);
    while kept - rejected > 1 {
        let middle = (rejected + kept).div_euclid(2);
        if rejects(middle) { rejected = middle } else { kept = middle }
    }
    rejected
}

/// When all of `n` units behave alike, the share of units elsewhere that behave otherwise is at most this: 1 - level^(1/n),
/// near 3 / n at .05 (the rule of three).
pub fn unseen_share(n: usize, level: f64) -> f64 {
    if n == 0 { 1.0 } else { 1.0 - level.powf(1.0 / n as f64) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A mean is kept unless random signs of the differences to it give a larger sum too seldom, by enumeration.
    fn keeps(scores: &[i64], mean: f64, level: f64) -> bool {
        let shifted: Vec<_> = scores.iter().map(|x| *x as f64 - mean).collect();
        let sum = |pattern: u32| -> f64 {
            shifted.iter().enumerate().map(|(i, x)| if pattern >> i & 1 == 1 { -x } else { *x }).sum()
        };
        let observed = sum(0);
        let weight = |pattern| {
            let more = sum(pattern) - observed;
            if more.abs() < 1e-9 { 0.5 } else { f64::from(more > 0.0) }
        };
        let patterns = 1_u32 << scores.len();
        (0..patterns).map(weight).sum::<f64>() / f64::from(patterns) > level
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn inverted_bounds_enclose_what_enumeration_keeps(scores in prop::collection::vec(-3_i64..=3, 2..=10)) {
            let level = 0.05;
            let bounds = inverted(&scores, 3, level, level);
            let step = 1.0 / 201.0;
            let mirrored: Vec<_> = scores.iter().map(|x| -x).collect();
            for (scores, bound) in [(&scores, bounds.lower), (&mirrored, -bounds.upper)] {
                prop_assert!(bound <= -1.0 || !keeps(scores, 3.0 * bound, level));
                prop_assert!(bound >= 1.0 || keeps(scores, 3.0 * (bound + step), level));
            }
        }

        #[test]
        fn quick_and_exact_inversion_agree_for_many_units(scores in prop::collection::vec(-3_i64..=3, 60..120)) {
            let means: Vec<_> = scores.iter().map(|x| *x as f64 / 3.0).collect();
            let (quick, exact) = (flipped(Spread::of(&means), 0.03, 0.03), inverted(&scores, 3, 0.03, 0.03));
            prop_assert!((quick.lower - exact.lower).abs() < 0.015, "{quick:?} {exact:?}");
            prop_assert!((quick.upper - exact.upper).abs() < 0.015, "{quick:?} {exact:?}");
        }

        #[test]
        fn bounds_enclose_the_estimate_and_widen_with_certainty(
            values in prop::collection::vec(-1.0..1.0_f64, 2..60), level in 0.001..0.4_f64,
        ) {
            let spread = Spread::of(&values);
            for bounds in [student, flipped] {
                let (wide, narrow) = (bounds(spread, level / 2.0, level / 2.0), bounds(spread, level, level));
                prop_assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
                prop_assert!(narrow.lower <= spread.mean && spread.mean <= narrow.upper);
                prop_assert!(wide.lower >= -1.0 && wide.upper <= 1.0);
            }
        }
    }

    #[test]
    fn the_rule_of_three() {
        for n in [30, 100, 1000] {
            assert!((unseen_share(n, 0.05) - 3.0 / n as f64).abs() < 0.006);
        }
        assert!((unseen_share(0, 0.05) - 1.0).abs() < 1e-12);
        let nothing_failed = wilson(0.0, 60, 1.645);
        assert!(nothing_failed.lower.abs() < 1e-12 && nothing_failed.upper < 0.05, "{nothing_failed:?}");
    }
}
