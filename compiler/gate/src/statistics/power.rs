//! Power: how large a gain a number of units can show, and how many units a gain needs.
//!
//! All of it for the one-sided paired test, where `psi` is the discordance: the share of rows on which exactly one of two
//! prompts is right.

use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

use super::{normal::upper_quantile, spread::Spread};

/// The one-sided mid-p McNemar test: P(X > wins) + P(X = wins) / 2 for X ~ Binomial(wins + losses, 1/2).
pub fn mid_p_mcnemar(wins: usize, losses: usize) -> f64 {
    let wins = wins as u64;
    Binomial::new(0.5, wins + losses as u64).map_or(1.0, |fair| fair.sf(wins) + 0.5 * fair.pmf(wins))
}

/// The exact unconditional power of the mid-p McNemar test at level `alpha` on `n` independent pairs; NaN if no pair of
/// prompts has this discordance and gain.
pub fn exact(n: usize, psi: f64, gain: f64, alpha: f64) -> f64 {
    let better = (psi + gain) / (2.0 * psi);
    let Ok(discordant) = Binomial::new(psi, n as u64) else { return f64::NAN };
    let given = |pairs: usize| {
        let least = (0..=pairs).find(|wins| mid_p_mcnemar(*wins, pairs - wins) <= alpha)?;
        let wins = Binomial::new(better, pairs as u64).ok()?;
        let enough = if least == 0 { 1.0 } else { wins.sf(least as u64 - 1) };
        Some(discordant.pmf(pairs as u64) * enough)
    };
    if (0.0..=1.0).contains(&better) { (0..=n).filter_map(given).sum() } else { f64::NAN }
}

/// The independent pairs needed to show a gain with probability `power`:
/// ((z_alpha sqrt(psi) + z_power sqrt(psi - gain^2)) / gain)^2 (Connor 1987, Biometrics 43:207), rounded up.
pub fn pairs_needed(psi: f64, gain: f64, alpha: f64, power: f64) -> usize {
    let (z_alpha, z_power) = (upper_quantile(alpha), upper_quantile(1.0 - power));
    let root = z_alpha * psi.sqrt() + z_power * (psi - gain * gain).max(0.0).sqrt();
    (root / gain).powi(2).ceil() as usize
}

/// The smallest gain that `pairs` independent pairs show with probability `power`, as a share: the inverse of
/// [`pairs_needed`], by bisection.
pub fn detectable(pairs: f64, psi: f64, alpha: f64, power: f64) -> f64 {
    let (z_alpha, z_power) = (upper_quantile(alpha), upper_quantile(1.0 - power));
    let (mut low, mut high) = (0.0, psi);
    for _ in 0..60 {
        let gain = 0.5 * (low + high);
        let root = z_alpha * psi.sqrt() + z_power * (psi - gain * gain).max(0.0).sqrt();
        if gain >= root / pairs.sqrt() { high = gain } else { low = gain }
    }
    high
}

/// What `pairs` independent pairs tell apart: two prompts whose scores differ by `d` on a row are shown to differ with
/// probability `power` where mean(d)^2 / mean(d^2) is at least this, (z_alpha + z_power)^2 / pairs, at most 1. It is
/// [`pairs_needed`] without the term that makes large gains a little easier to show.
pub fn resolution(pairs: f64, alpha: f64, power: f64) -> f64 {
    ((upper_quantile(alpha) + upper_quantile(1.0 - power)).powi(2) / pairs).min(1.0)
}

/// How many standard errors a harm must have to be noticed with probability .8 in one of `slices` that are tested together
/// at .05: z_{.05 / slices} + z_.20, by Bonferroni's bound, which Holm's is no wider than.
pub fn noticeable(slices: usize) -> f64 {
    upper_quantile(0.05 / slices.max(1) as f64) + upper_quantile(0.20)
}

/// What `units` with `variants` rows each are worth in independent pairs when the differences of one unit correlate by
/// `icc`: n m / (1 + (m - 1) icc) (Kish 1965, the design effect).
pub fn effective_pairs(units: usize, variants: f64, icc: f64) -> f64 {
    units as f64 * variants / (1.0 + (variants - 1.0) * icc)
}

/// How many units in all would show the observed gain, or `least_gain` if it is smaller, with probability 0.8:
/// n ((z_alpha + z_.20) se / max(gain, least_gain))^2, rounded up.
pub fn units_needed(observed: Spread, least_gain: f64, alpha: f64) -> usize {
    let sd = observed.sd.max(super::futility::LEAST_SD);
    let z = upper_quantile(alpha) + upper_quantile(0.20);
    (z * sd / observed.mean.max(least_gain)).powi(2).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact power in whole percent, by an independent computation.
    #[test]
    fn power_agrees_with_exact_values() {
        for (psi, gain, powers) in [
            (0.10, 0.02, [8, 14, 22]),
            (0.10, 0.05, [22, 45, 74]),
            (0.20, 0.05, [17, 29, 48]),
            (0.20, 0.10, [45, 74, 95]),
            (0.30, 0.10, [36, 58, 83]),
        ] {
            for (n, expected) in [50, 100, 200].into_iter().zip(powers) {
                let found = 100.0 * exact(n, psi, gain, 0.05);
                assert!((found - f64::from(expected)).abs() <= 0.51, "psi {psi} gain {gain} n {n}: {found}");
            }
        }
    }

    #[test]
    fn pairs_needed_agree_with_exact_values() {
        for (psi, gain, power, expected) in [
            (0.10, 0.02, 0.8, 1544),
            (0.10, 0.05, 0.9, 339),
            (0.20, 0.05, 0.8, 493),
            (0.20, 0.10, 0.8, 122),
            (0.30, 0.02, 0.9, 6420),
            (0.30, 0.10, 0.8, 184),
        ] {
            assert_eq!(pairs_needed(psi, gain, 0.05, power), expected, "psi {psi} gain {gain}");
        }
    }

    #[test]
    fn detectable_gains_agree_with_exact_values() {
        for (pairs, points) in [(100.0, 11.0), (200.0, 7.8), (500.0, 5.0), (1000.0, 3.5), (2000.0, 2.5)] {
            let found = 100.0 * detectable(pairs, 0.20, 0.05, 0.8);
            assert!((found - points).abs() < 0.06, "{pairs}: {found}");
        }
    }

    #[test]
    fn what_is_told_apart_is_what_is_detectable() {
        for (pairs, psi) in [(100.0, 0.2), (500.0, 0.2), (500.0, 0.05), (2000.0, 0.1)] {
            let resolved = (resolution(pairs, 0.05, 0.8) * psi).sqrt();
            let gain = detectable(pairs, psi, 0.05, 0.8);
            assert!((0.0..0.06).contains(&(resolved / gain - 1.0)), "{pairs} {psi}: {resolved} {gain}");
        }
        assert!((resolution(3.0, 0.05, 0.8) - 1.0).abs() < 1e-12);
    }

    /// The planning table: m = 3, psi .20, ICC .45.
    #[test]
    fn plans_agree_with_exact_values() {
        for (units, points) in [(36, 14.5), (60, 11.3), (120, 8.0), (180, 6.6), (300, 5.1), (650, 3.5)] {
            let found = 100.0 * detectable(effective_pairs(units, 3.0, 0.45), 0.20, 0.05, 0.8);
            assert!((found - points).abs() < 0.06, "{units}: {found}");
        }
    }

    /// z_.05 + z_.20 is 2.4865; for eight slices z_.00625 + z_.20 is 3.3393 (scipy.stats.norm).
    #[test]
    fn harm_in_one_of_many_slices_must_be_larger_to_be_noticed() {
        assert!((noticeable(1) - 2.486_475).abs() < 1e-5 && (noticeable(8) - 3.339_326).abs() < 1e-4);
    }

    /// 52 % against 48 % of 500: it depends on how often exactly one of the two is right.
    #[test]
    fn the_same_difference_means_more_when_fewer_rows_differ() {
        for (discordant, expected) in [(40, 0.002), (100, 0.023), (250, 0.10)] {
            let p = mid_p_mcnemar(discordant / 2 + 10, discordant / 2 - 10);
            assert!((p - expected).abs() < 0.005, "{discordant}: {p}");
        }
    }
}
