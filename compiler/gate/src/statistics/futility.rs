//! Futility: is it still likely enough that the candidate will be accepted, or else that it will be refused by name?
//!
//! A trial that is given up as soon as acceptance is out of reach is short, and mostly ends undecided: the less was seen, the
//! less can be claimed against a candidate. So a hopeless trial goes on while it is likely to end in a refusal.
//!
//! **Invariant:** stopping for futility never accepts, so it cannot raise the error; the acceptance levels are computed as
//! if it did not exist (a non-binding rule).

use super::{
    normal::{below, upper_quantile},
    spread::Spread,
};

/// The gain that a gate is planned for, as a share: unless the data say more, the rest of the units is taken to have it.
pub const DESIGN_GAIN: f64 = 0.05;

/// The least standard deviation of a unit's difference that is believed from few units.
pub const LEAST_SD: f64 = 0.15;

/// A trial is given up below this conditional power.
pub const HOPELESS: f64 = 0.10;

/// The probability that the fixed-sample test at level `alpha` rejects after `total` units, given the units so far, if the
/// others have the larger of the observed gain and `design`: Phi((sum + (n - t) gain - z_alpha s sqrt n) /
/// (s sqrt(n - t))) (Lan, Simon and Halperin 1982; Jennison and Turnbull 2000, section 10.2).
pub fn conditional_power(so_far: Spread, total: usize, alpha: f64, design: f64) -> f64 {
    let (n, rest) = (total as f64, total.saturating_sub(so_far.n) as f64);
    let sd = so_far.sd.max(LEAST_SD);
    let expected = so_far.mean * so_far.n as f64 + rest * so_far.mean.max(design);
    let distance = expected - upper_quantile(alpha) * sd * n.sqrt();
    if rest > 0.0 { below(distance / (sd * rest.sqrt())) } else { f64::from(distance > 0.0) }
}

/// A hopeless trial goes on if its refusal is at least so likely.
pub const PATIENCE: f64 = 0.50;

/// The probability that the upper bound at level `alpha` of all `total` units is below `least`, if the units that are still out
/// have the observed gain: Phi((n least - z_alpha s sqrt n - sum - (n - t) gain) / (s sqrt(n - t))).
pub fn refusal_power(so_far: Spread, total: usize, alpha: f64, least: f64) -> f64 {
    let mirrored = Spread { mean: least - so_far.mean, ..so_far };
    conditional_power(mirrored, total, alpha, mirrored.mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: sum 0.5, rest 75 x 0.08 = 6, s = 0.3, n = 100: (6.5 - 4.9346) / 2.5981 = 0.60255.
    #[test]
    fn the_formula_by_hand() {
        let power = conditional_power(Spread { n: 25, mean: 0.02, sd: 0.3 }, 100, 0.05, 0.08);
        assert!((power - 0.726_6).abs() < 1e-3, "{power}");
    }

    #[test]
    fn bad_news_lowers_it_and_good_news_raises_it() {
        let at = |mean| conditional_power(Spread { n: 50, mean, sd: 0.3 }, 100, 0.05, DESIGN_GAIN);
        assert!(at(-0.10) < HOPELESS && at(0.0) > HOPELESS && at(0.10) > 0.9);
    }

    /// By hand: bound 0 - z .3 x 10 = -4.9346; sum -2.5, rest 50 x -0.05 = -2.5: (-4.9346 + 5.0) / 2.1213 = 0.0308.
    #[test]
    fn a_refusal_is_as_likely_as_the_bound_is_to_fall_below() {
        let at = |mean| refusal_power(Spread { n: 50, mean, sd: 0.3 }, 100, 0.05, 0.0);
        assert!((at(-0.05) - 0.512_3).abs() < 1e-3, "{}", at(-0.05));
        assert!(at(-0.10) > 0.95 && at(0.0) < 0.02 && at(0.05) < 1e-4);
    }

    #[test]
    fn with_all_units_in_nothing_is_left_to_chance() {
        let done = |mean| conditional_power(Spread { n: 100, mean, sd: 0.3 }, 100, 0.05, DESIGN_GAIN);
        assert!(done(0.10) > 0.999 && done(0.0) < 0.001);
    }
}
