//! How large the gain is where a trial stopped because it was proven.
//!
//! A bound that must hold at whatever look a trial ends is as wide as the strictest look demands: proven at the first of
//! four, a gain of 25 points with a standard error of 6 would only be "at least 1". But the trial did not end anywhere; it
//! ended where its statistic first crossed the test's own boundary. Outcomes of such trials have an order: the earlier the
//! crossing the stronger, and the larger the statistic at the same look (Tsiatis, Rosner and Mehta 1984, Biometrics
//! 40:797; Jennison and Turnbull 2000, sections 8.4 and 8.5). The bound is the gain under which an outcome at least this
//! strong has probability alpha.
//!
//! Stopping for futility only takes crossings away, so the bound is conservative where it was possible.
//!
//! **Invariant:** over trials of any true gain, a bound above the truth is given with probability at most alpha; and a test
//! at a level up to alpha crosses exactly where the bound at alpha is above zero, or later.

use super::{
    looks::Walk,
    normal::{upper_quantile, upper_tail},
};

/// The nominal one-sided level of the bound at the look of the first crossing: a bound that looks at the data of this look
/// alone has to be taken at this level to hold at `alpha` over the whole trial.
///
/// `fractions` are the parts of the data, in (0, 1], at the looks up to this one; `levels` the nominal levels of the looks
/// before it, one fewer; `p` is the p-value at this look.
pub fn bound_level(levels: &[f64], fractions: &[f64], p: f64, alpha: f64) -> f64 {
    let Some((now, before)) = fractions.split_last().filter(|(_, before)| !before.is_empty()) else {
        return alpha;
    };
    let z = upper_quantile(p.max(f64::MIN_POSITIVE));
    let bounds: Vec<_> = levels.iter().map(|level| upper_quantile(*level)).collect();
    // A drift is the mean of the statistic when all data are in.
    let stronger = |drift: f64| {
        let mut walk = Walk::default();
        let sooner: f64 =
            before.iter().zip(&bounds).map(|(t, bound)| walk.pass(*t, bound - drift * t.sqrt())).sum();
        sooner + walk.crossing(*now, z - drift * now.sqrt())
    };
    let (mut low, mut high) = ((z - 40.0) / now.sqrt(), z / now.sqrt());
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        if stronger(middle) < alpha { low = middle } else { high = middle }
    }
    upper_tail(z - low * now.sqrt()).min(alpha)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::statistics::looks::Spending;

    const QUARTERS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

    #[test]
    fn a_crossing_at_the_first_look_ignores_later_looks() {
        assert!((bound_level(&[], &[0.25], 1e-9, 0.05) - 0.05).abs() < 1e-15);
    }

    /// The drift whose outcome has probability alpha under the boundary itself is no drift.
    #[test]
    fn at_the_boundary_of_a_test_at_alpha_the_bound_is_zero() {
        let levels = Spending::ObrienFleming.levels(0.05, &QUARTERS);
        for look in 1..4 {
            // What is left to spend at this look, so that everything up to the boundary was spent.
            let spent = Spending::ObrienFleming.spent(0.05, QUARTERS[look]);
            let level = bound_level(&levels[..look], &QUARTERS[..=look], levels[look], spent);
            assert!((level / levels[look] - 1.0).abs() < 1e-4, "look {look}: {level} for {}", levels[look]);
        }
    }

    #[test]
    fn later_crossings_of_the_same_strength_say_less() {
        let levels = Spending::ObrienFleming.levels(0.05, &QUARTERS);
        let at = |look: usize| bound_level(&levels[..look], &QUARTERS[..=look], 1e-5, 0.05);
        assert!(
            at(1) < 0.05 && at(1) > 1e-5 && at(2) < 0.05 && at(3) < 0.05,
            "{} {} {}",
            at(1),
            at(2),
            at(3)
        );
    }

    /// Trials of Brownian paths: how often a bound is given that is above the truth.
    #[test]
    fn bounds_are_above_the_truth_as_seldom_as_they_say() {
        let fractions = [0.25, 0.5, 0.75, 1.0];
        let levels = Spending::ObrienFleming.levels(0.05, &fractions);
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let paths = 4_000;
        for drift in [0.0, 1.5, 3.0, 5.0] {
            let mut wrong = 0;
            for _ in 0..paths {
                let (mut path, mut before) = (0.0, 0.0);
                for k in 0..4 {
                    let t: f64 = fractions[k];
                    path += (t - before) * drift
                        + (t - before).sqrt() * upper_quantile(rng.random_range(1e-16..1.0));
                    before = t;
                    let p = upper_tail(path / t.sqrt());
                    if p <= levels[k] {
                        let level = bound_level(&levels[..k], &fractions[..=k], p, 0.05);
                        let lower = (path / t.sqrt() - upper_quantile(level)) / t.sqrt();
                        wrong += u32::from(lower > drift);
                        break;
                    }
                }
            }
            let share = f64::from(wrong) / f64::from(paths);
            assert!(share < 0.05 + 3.0 * (0.05 * 0.95 / f64::from(paths)).sqrt(), "drift {drift}: {share}");
            assert!(drift < 3.0 || share > 0.03, "drift {drift}: {share} is wider than it need be");
        }
    }
}
