//! Exact bounds of a rate that was counted (Clopper and Pearson 1934, Biometrika 26:404).

use statrs::function::beta::beta_reg;

/// Halvings of the interval that is searched: more than the digits of a double.
const HALVINGS: usize = 60;

/// The largest rate at which at most `hits` of `n` independent trials still have probability `level`; the true rate is above
/// it with probability at most `level`. Without hits that is `1 - level^(1/n)`, about 3/n at 0.05 (the rule of three).
/// Without trials nothing is known: 1.
pub fn upper_rate(hits: usize, n: usize, level: f64) -> f64 {
    if hits >= n {
        return 1.0;
    }
    // P(X <= hits) at the rate p is the regularized incomplete beta function I(1 - p; n - hits, hits + 1).
    let at_most = |rate: f64| beta_reg((n - hits) as f64, (hits + 1) as f64, 1.0 - rate);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if at_most(middle) > level { low = middle } else { high = middle }
    }
    high
}

/// The smallest rate at which at least `hits` of `n` independent trials still have probability `level`: what is missed is
/// bounded from above. Without trials nothing is known: 0.
pub fn lower_rate(hits: usize, n: usize, level: f64) -> f64 {
    1.0 - upper_rate(n.saturating_sub(hits), n, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P(X <= hits), summed term by term.
    fn summed(hits: usize, n: usize, rate: f64) -> f64 {
        let mut ways = 1.0;
        let mut sum = 0.0;
        for k in 0..=hits {
            sum += ways * rate.powi(k as i32) * (1.0 - rate).powi((n - k) as i32);
            ways *= (n - k) as f64 / (k + 1) as f64;
        }
        sum
    }

    #[test]
    fn at_the_bound_so_few_hits_have_the_level() {
        for n in 1..=40 {
            for hits in 0..n {
                for level in [0.05, 0.2] {
                    let sum = summed(hits, n, upper_rate(hits, n, level));
                    assert!((sum - level).abs() < 1e-9, "{hits} of {n}: {sum}");
                }
            }
        }
    }

    #[test]
    fn the_bound_is_too_low_at_most_as_often_as_its_level_says() {
        for n in [5, 20, 60] {
            for step in 1..100 {
                let rate = f64::from(step) / 100.0;
                let missed = (0..=n).filter(|hits| upper_rate(*hits, n, 0.05) < rate);
                let chance = missed.map(|hits| {
                    summed(hits, n, rate) - if hits == 0 { 0.0 } else { summed(hits - 1, n, rate) }
                });
                assert!(chance.sum::<f64>() <= 0.05 + 1e-9, "{rate} of {n}");
            }
        }
    }

    /// scipy.stats.beta.ppf(0.95, hits + 1, n - hits).
    #[test]
    fn it_agrees_with_scipy() {
        for (hits, n, expected) in [
            (0, 60, 0.048702913310),
            (1, 95, 0.048962170299),
            (3, 60, 0.124187210477),
            (7, 20, 0.558034511315),
            (40, 100, 0.487024179746),
        ] {
            assert!((upper_rate(hits, n, 0.05) - expected).abs() < 1e-9, "{hits} of {n}");
        }
    }

    #[test]
    fn no_hits_follow_the_rule_of_three_and_no_trials_say_nothing() {
        assert!((upper_rate(0, 60, 0.05) - (1.0 - 0.05_f64.powf(1.0 / 60.0))).abs() < 1e-12);
        assert!((upper_rate(0, 300, 0.05) - 0.01).abs() < 1e-4);
        assert!(
            upper_rate(0, 60, 0.05) < 0.05
                && upper_rate(1, 95, 0.05) < 0.05
                && upper_rate(1, 60, 0.05) > 0.05
        );
        assert!(upper_rate(0, 0, 0.05) >= 1.0 && upper_rate(7, 7, 0.05) >= 1.0);
    }
}
