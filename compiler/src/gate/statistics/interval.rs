//! How large a rate or a paired difference may be: one-sided bounds, each at its own level.
//!
//! Differences and rates are shares (0.05 is five points). A bound at level `alpha` is on the wrong side of the truth with
//! probability at most `alpha`.
//!
//! **Invariant:** bounds stay within -1..=1 (rates within 0..=1) and widen as the level falls.

use super::{normal::upper_t_quantile, signflip::p_greater, spread::Spread};

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

/// Counts of pairs of right and wrong answers on the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// The one-sided t bounds of the mean of one difference per seed: D -+ t_{n-1} s / sqrt n (Miller 2024, arXiv:2411.00640,
/// on clustered and paired evaluation). Fewer than two seeds bound nothing; equal differences give their value.
pub fn student(seeds: Spread, lower_level: f64, upper_level: f64) -> Bounds {
    if seeds.n < 2 {
        return Bounds { lower: -1.0, upper: 1.0 };
    }
    let reach = |level| upper_t_quantile(level, (seeds.n - 1) as f64) * seeds.se();
    Bounds {
        lower: (seeds.mean - reach(lower_level)).max(-1.0),
        upper: (seeds.mean + reach(upper_level)).min(1.0),
    }
}

/// The t bounds with Hall's correction for skewness (Hall 1992, J. R. Statist. Soc. B 54:221, the monotone transformation):
/// the quantile x of the t statistic is replaced by (3 / k) ((1 + k (x - k / 6))^(1/3) - 1), where k is the skewness over
/// sqrt n. Without skewness these are [`student`]'s.
pub fn hall(seeds: &[f64], lower_level: f64, upper_level: f64) -> Bounds {
    let spread = Spread::of(seeds);
    if spread.n < 2 || spread.sd <= f64::EPSILON {
        return student(spread, lower_level, upper_level);
    }
    let cubes: f64 = seeds.iter().map(|d| ((d - spread.mean) / spread.sd).powi(3)).sum();
    let n = spread.n as f64;
    let k = cubes / n / n.sqrt();
    let corrected =
        |x: f64| if k.abs() < 1e-9 { x } else { 3.0 / k * ((1.0 + k * (x - k / 6.0)).cbrt() - 1.0) };
    let quantile = |level| upper_t_quantile(level, n - 1.0);
    Bounds {
        lower: (spread.mean - spread.se() * corrected(quantile(lower_level))).max(-1.0),
        upper: (spread.mean - spread.se() * corrected(-quantile(upper_level))).min(1.0),
    }
}

/// Steps of the inverted test: a tenth of a point.
const STEPS: f64 = 1000.0;

/// The bounds that invert the sign-flip test: all values that the test would not reject as the mean, to a tenth of a point
/// outwards. Exact for symmetric differences, at any number of seeds (Lehmann and Romano 2005, section 5.8).
pub fn inverted(seeds: &[f64], lower_level: f64, upper_level: f64) -> Bounds {
    let scores: Vec<_> = seeds.iter().map(|d| (d * STEPS).round() as i64).collect();
    let mirrored: Vec<_> = scores.iter().map(|x| -x).collect();
    Bounds {
        lower: rejected_up_to(&scores, lower_level) as f64 / STEPS,
        upper: -rejected_up_to(&mirrored, upper_level) as f64 / STEPS,
    }
}

/// The largest mean that the test rejects as too small, in steps; the p-value rises with the mean that is asked about.
fn rejected_up_to(scores: &[i64], level: f64) -> i64 {
    let rejects = |mean: i64| p_greater(&scores.iter().map(|x| x - mean).collect::<Vec<_>>()) <= level;
    let (mut rejected, mut kept) = (-STEPS as i64, STEPS as i64 + 1);
    while kept - rejected > 1 {
        let middle = (rejected + kept) / 2;
        if rejects(middle) { rejected = middle } else { kept = middle }
    }
    rejected
}

/// When all of `n` seeds behave alike, the share of seeds elsewhere that behave otherwise is at most this: 1 - level^(1/n),
/// near 3 / n at .05 (the rule of three).
pub fn unseen_share(n: usize, level: f64) -> f64 {
    if n == 0 { 1.0 } else { 1.0 - level.powf(1.0 / n as f64) }
}
