//! Bounds of a mean of scores between 0 and 1 that hold at any number of units, whatever the scores look like.
//!
//! The t bounds of [`super::interval::student`] are no use near 1, where a target lies: when all of 20 answers are right, they
//! say that all others will be.
//!
//! **Invariant:** a bound at level `alpha` is on the wrong side of the mean with probability at most `alpha`.

use std::f64::consts::E;

use serde::{Deserialize, Serialize};

use super::{
    exact::{lower_rate, upper_rate},
    interval::Bounds,
    normal::upper_quantile,
};

/// What the bounds rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Independent scores of 0 or 1: the binomial distribution itself (Clopper and Pearson 1934).
    Binary,
    /// Independent scores between: no sum of them has a tail more than e times as heavy as the binomial one with the same
    /// mean (Bentkus 2004, Ann. Probab. 32:1650, theorem 1.2).
    Graded,
}

impl Scale {
    /// The level at which the binomial distribution is asked.
    fn binomial(self, level: f64) -> f64 {
        match self {
            Self::Binary => level,
            Self::Graded => level / E,
        }
    }

    /// The one-sided bounds of the mean of independent scores, each at this level. Without scores nothing is known.
    pub fn bounds(self, scores: &[f64], level: f64) -> Bounds {
        let (sum, n, level) = (total(scores), scores.len(), self.binomial(level));
        // Rounded to whole hits away from the claim, which makes both bounds wider.
        let (at_least, at_most) = (sum.floor() as usize, (sum.ceil() as usize).min(n));
        Bounds { lower: lower_rate(at_least, n, level), upper: upper_rate(at_most, n, level) }
    }

    /// About how many units show four times out of five that a true mean of `rate` is above `target` (or below it), by the
    /// normal approximation ((z_level sqrt(t (1 - t)) + z_.20 sqrt(r (1 - r))) / (r - t))^2, and at least as many as would
    /// do if all were alike: ln level / ln t. A mean nearer than `least` is taken to be so far away.
    pub fn units_to_decide(self, rate: f64, target: f64, level: f64, least: f64) -> usize {
        let level = self.binomial(level);
        let distance = (rate - target).abs().max(least);
        let sd = |share: f64| (share * (1.0 - share)).sqrt();
        let root = upper_quantile(level) * sd(target) + upper_quantile(0.20) * sd(rate);
        let alike = if rate >= target { target } else { 1.0 - target };
        (root / distance).powi(2).max(level.ln() / alike.ln()).ceil() as usize
    }
}

/// The sum; a whole number where only the last digits of the means of a few rows keep it from being one, since 41.99999999999999
/// hits are 42, not 41.
fn total(scores: &[f64]) -> f64 {
    let sum: f64 = scores.iter().sum();
    if (sum - sum.round()).abs() < 1e-9 * (1.0 + sum) { sum.round() } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance of every sum, in halves, of `n` independent scores that are 0, 1/2 or 1 with these chances.
    fn sums(chances: [f64; 3], n: usize) -> Vec<f64> {
        (0..n).fold(vec![1.0], |sums, _| {
            let mut next = vec![0.0; sums.len() + 2];
            for (sum, chance) in sums.iter().enumerate() {
                chances.iter().enumerate().for_each(|(more, own)| next[sum + more] += chance * own);
            }
            next
        })
    }

    /// How often each bound is on the wrong side of the true mean.
    fn missed(scale: Scale, chances: [f64; 3], n: usize, level: f64) -> (f64, f64) {
        let mean = chances[1] / 2.0 + chances[2];
        let (mut lower, mut upper) = (0.0, 0.0);
        for (sum, chance) in sums(chances, n).into_iter().enumerate().filter(|(_, chance)| *chance > 0.0) {
            let halves = |i: usize| (sum as f64 / 2.0 - i as f64).clamp(0.0, 1.0);
            let bounds = scale.bounds(&(0..n).map(halves).collect::<Vec<_>>(), level);
            lower += if bounds.lower > mean + 1e-12 { chance } else { 0.0 };
            upper += if bounds.upper < mean - 1e-12 { chance } else { 0.0 };
        }
        (lower, upper)
    }

    #[test]
    fn by_enumeration_no_bound_exceeds_its_level() {
        let mut worst: f64 = 0.0;
        for level in [0.05, 0.2] {
            for step in 1..20 {
                let right = f64::from(step) / 20.0;
                for n in 1..=9 {
                    let (lower, upper) = missed(Scale::Binary, [1.0 - right, 0.0, right], n, level);
                    assert!(lower <= level + 1e-9 && upper <= level + 1e-9, "{right} {n}: {lower} {upper}");
                    worst = worst.max(lower / level);
                }
                for middle in [0.1, 0.4, 0.8] {
                    let rest = 1.0 - middle;
                    let chances = [rest * (1.0 - right), middle, rest * right];
                    for n in 1..=7 {
                        let (lower, upper) = missed(Scale::Graded, chances, n, level);
                        assert!(lower <= level + 1e-9 && upper <= level + 1e-9, "{chances:?} {n}");
                    }
                }
            }
        }
        assert!(worst > 0.8, "a bound that is never wrong is too wide: {worst}");
    }

    /// Six units of three rows each with one right answer are two hits, in whatever order they are added up.
    #[test]
    fn thirds_that_add_up_to_whole_hits_are_whole_hits() {
        let third = 1.0 / 3.0;
        assert!([third; 6].iter().sum::<f64>() < 2.0, "or there would be nothing to see here");
        for (n, right) in [(6, 2.0), (44, 42.0), (42, 40.0)] {
            let mut means = vec![1.0; n];
            means[..6].fill(third);
            means[6..].fill((right - 2.0) / (n - 6) as f64);
            let hits = |i: usize| f64::from(u8::from((i as f64) < right));
            let whole: Vec<_> = (0..n).map(hits).collect();
            for order in [means.clone(), means.into_iter().rev().collect()] {
                assert_eq!(Scale::Graded.bounds(&order, 0.05), Scale::Graded.bounds(&whole, 0.05), "{n}");
            }
        }
    }

    /// By bisection of the binomial distribution, summed term by term.
    const NINETY_FIVE: (f64, f64) = (0.897_746_622_356_725, 0.980_094_436_337_828);

    #[test]
    fn ninety_five_of_a_hundred_are_between_90_and_98() {
        let scores: Vec<_> = (0..100).map(|i| f64::from(u8::from(i < 95))).collect();
        let binary = Scale::Binary.bounds(&scores, 0.05);
        let graded = Scale::Graded.bounds(&scores, 0.05);
        assert!((binary.lower - NINETY_FIVE.0).abs() < 1e-9, "{binary:?}");
        assert!((binary.upper - NINETY_FIVE.1).abs() < 1e-9, "{binary:?}");
        assert!(graded.lower < binary.lower && graded.upper > binary.upper, "{graded:?}");
        assert_eq!(Scale::Binary.bounds(&[], 0.05), Bounds { lower: 0.0, upper: 1.0 });
    }

    #[test]
    fn so_many_units_decide_four_times_out_of_five() {
        for (scale, rate, target) in
            [(Scale::Binary, 0.95, 0.90), (Scale::Binary, 0.80, 0.90), (Scale::Graded, 0.70, 0.60)]
        {
            let n = scale.units_to_decide(rate, target, 0.05, 0.01);
            let decides = |hits: usize| {
                let scores: Vec<_> = (0..n).map(|i| f64::from(u8::from(i < hits))).collect();
                let bounds = scale.bounds(&scores, 0.05);
                if rate > target { bounds.lower >= target } else { bounds.upper < target }
            };
            // Deciding is monotone in the hits, so its chance is a binomial tail.
            let chance = match rate > target {
                true => tail(rate, n, (0..=n).find(|hits| decides(*hits)).unwrap()),
                false => tail(1.0 - rate, n, n - (0..=n).rev().find(|hits| decides(*hits)).unwrap()),
            };
            assert!((0.72..0.88).contains(&chance), "{rate} against {target}: {n} units, {chance}");
        }
        assert_eq!(Scale::Binary.units_to_decide(1.0, 0.9, 0.05, 0.01), 29, "0.9^29 < 0.05");
        let near = Scale::Binary.units_to_decide(0.9, 0.9, 0.05, 0.02);
        assert!((1_000..2_000).contains(&near), "{near}");
    }

    /// P(X >= hits) for X ~ Binomial(n, rate).
    fn tail(rate: f64, n: usize, hits: usize) -> f64 {
        use statrs::distribution::{Binomial, DiscreteCDF as _};
        let binomial = Binomial::new(rate, n as u64).unwrap();
        if hits == 0 { 1.0 } else { binomial.sf(hits as u64 - 1) }
    }
}
