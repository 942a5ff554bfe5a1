//! Several looks at growing data with one overall error: which nominal level each look is tested at.
//!
//! A spending function says how much of the error may be spent by the time a fraction `t` of the data is in (Lan and DeMets
//! 1983, Biometrika 70:659). The nominal levels follow by recursive numerical integration over the joint distribution of
//! the test statistics (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19): with information
//! t_1 < t_2 < ..., sqrt(t_k) Z_k is a Brownian motion.
//!
//! **Invariant:** under the null hypothesis the chance to cross at any look up to k is what the spending function allows
//! at t_k, whatever the fractions are, even unequal ones.

use std::f64::consts::{E, TAU};

use super::normal::{below, upper_quantile, upper_tail};

/// How fast the error is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// Next to nothing early, nearly all at the last look: 2 (1 - Phi(z_{alpha/2} / sqrt t)). For acceptance.
    ObrienFleming,
    /// Nearly evenly: alpha ln(1 + (e - 1) t). For claims made at whatever look a trial happens to end.
    Pocock,
}

impl Spending {
    /// The part of the one-sided error `alpha` that may be spent when the fraction `t` of the data, in (0, 1], is in.
    pub fn spent(self, alpha: f64, t: f64) -> f64 {
        match self {
            Self::ObrienFleming => 2.0 * upper_tail(upper_quantile(alpha / 2.0) / t.sqrt()),
            Self::Pocock => alpha * (1.0 + (E - 1.0) * t).ln(),
        }
    }

    /// The nominal one-sided level of each look. `fractions` rise and end at 1; `alpha` is in (0, 0.5].
    pub fn levels(self, alpha: f64, fractions: &[f64]) -> Vec<f64> {
        let mut walk = Walk::default();
        let mut spent = 0.0;
        let level = |t: &f64| {
            let until = self.spent(alpha, *t);
            let bound = walk.step(*t, until - spent);
            spent = until;
            upper_tail(bound)
        };
        fractions.iter().map(level).collect()
    }
}

/// Statistics below this value never come back to cross a bound that matters: P(Z < -9) < 1.2e-19.
const FLOOR: f64 = -9.0;

/// Nodes of the quadrature. The kernel between quarter looks has a standard deviation of at least 0.5 on a range of at
/// most 17, so 64 nodes are exact to about 1e-12.
const NODES: usize = 64;

/// The part of the distribution of Z_k that has crossed no bound so far, as weighted points.
#[derive(Default)]
pub(super) struct Walk {
    time: f64,
    points: Vec<(f64, f64)>,
}

impl Walk {
    /// Moves on to information `t`, finds the bound whose first crossing there has probability `spend`, and goes on with
    /// what stays below it.
    pub(super) fn step(&mut self, t: f64, spend: f64) -> f64 {
        let bound = if self.points.is_empty() { upper_quantile(spend) } else { self.bound(t, spend) };
        self.pass(t, bound);
        bound
    }

    /// Moves on to information `t`, goes on with what stays below `bound` there, and says how much does not.
    pub(super) fn pass(&mut self, t: f64, bound: f64) -> f64 {
        let crossed = self.crossing(t, bound);
        let next = quadrature(FLOOR, bound.max(FLOOR));
        let next = next.map(|(z, weight)| (z, weight * self.density(t, z))).collect();
        (self.time, self.points) = (t, next);
        crossed
    }

    /// The density at information `t` of what has not crossed before.
    fn density(&self, t: f64, z: f64) -> f64 {
        if self.points.is_empty() {
            return (-0.5 * z * z).exp() / TAU.sqrt();
        }
        let (scale, sd) = self.scales(t);
        let kernel = |(from, mass): &(f64, f64)| mass * (-0.5 * ((z * scale - from) / sd).powi(2)).exp();
        self.points.iter().map(kernel).sum::<f64>() * scale / (sd * TAU.sqrt())
    }

    /// P(crosses `bound` at information `t`, not before).
    pub(super) fn crossing(&self, t: f64, bound: f64) -> f64 {
        if self.points.is_empty() {
            return upper_tail(bound);
        }
        let (scale, sd) = self.scales(t);
        self.points.iter().map(|(from, mass)| mass * below((from - bound * scale) / sd)).sum()
    }

    /// In units of the previous statistic: what a step of Z at `t` measures, and the sd of the increment.
    fn scales(&self, t: f64) -> (f64, f64) {
        ((t / self.time).sqrt(), ((t - self.time) / self.time).sqrt())
    }

    /// By bisection: the crossing probability falls in the bound.
    fn bound(&self, t: f64, spend: f64) -> f64 {
        let (mut low, mut high) = (FLOOR, 40.0);
        while high - low > 1e-10 {
            let middle = 0.5 * (low + high);
            if self.crossing(t, middle) > spend { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

/// Gauss-Legendre points and weights on an interval (Press et al., Numerical Recipes, section 4.6).
fn quadrature(low: f64, high: f64) -> impl Iterator<Item = (f64, f64)> {
    let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
    LEGENDRE.iter().map(move |(x, weight)| (centre + half * x, half * weight))
}

static LEGENDRE: std::sync::LazyLock<Vec<(f64, f64)>> =
    std::sync::LazyLock::new(|| (0..NODES).map(legendre_node).collect());

/// The i-th root of the Legendre polynomial of degree [`NODES`] by Newton's method, and its weight.
fn legendre_node(i: usize) -> (f64, f64) {
    let n = NODES as f64;
    let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
    let mut slope = 1.0;
    for _ in 0..100 {
        let (mut value, mut before) = (1.0, 0.0);
        for degree in 0..NODES {
            let k = degree as f64;
            (value, before) = (((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0), value);
        }
        slope = n * (x * value - before) / (x * x - 1.0);
        let step = value / slope;
        x -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    (x, 2.0 / ((1.0 - x * x) * slope * slope))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    const QUARTERS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

    /// Nominal levels of O'Brien-Fleming-like spending at four equal looks, from 400,000
    /// simulated paths, of which only six cross at the first look for the smallest level.
    #[test]
    fn levels_agree_with_simulation() {
        for (alpha, expected) in [
            (0.05, [8.1e-5, 0.0056, 0.022, 0.042]),
            (0.03, [1.8e-5, 0.0022, 0.012, 0.026]),
            (0.10, [9.9e-4, 0.020, 0.051, 0.082]),
        ] {
            let levels = Spending::ObrienFleming.levels(alpha, &QUARTERS);
            for ((level, expected), tolerance) in levels.iter().zip(expected).zip([0.25, 0.05, 0.05, 0.02]) {
                assert!((level / expected - 1.0).abs() < tolerance, "alpha {alpha}: {levels:?}");
            }
            let first = 2.0 * upper_tail(2.0 * upper_quantile(alpha / 2.0));
            assert!((levels[0] / first - 1.0).abs() < 1e-6, "nothing was spent before the first look");
        }
    }

    #[test]
    fn one_look_gets_all() {
        for spending in [Spending::ObrienFleming, Spending::Pocock] {
            assert!((spending.levels(0.05, &[1.0])[0] - 0.05).abs() < 1e-9);
        }
    }

    /// Brownian paths cross the bounds as often as the spending function says.
    #[test]
    fn simulated_paths_cross_as_often_as_allowed() {
        let fractions = [0.2, 0.55, 0.7, 1.0];
        let (alpha, paths) = (0.2, 200_000);
        for spending in [Spending::ObrienFleming, Spending::Pocock] {
            let bounds: Vec<_> = spending.levels(alpha, &fractions).into_iter().map(upper_quantile).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut crossed = [0_u32; 4];
            for _ in 0..paths {
                let (mut path, mut before) = (0.0, 0.0);
                let first = (0..4).find(|&k| {
                    let t: f64 = fractions[k];
                    path += (t - before).sqrt() * upper_quantile(rng.random_range(1e-16..1.0));
                    before = t;
                    path / t.sqrt() >= bounds[k]
                });
                crossed[first.unwrap_or(3)] += u32::from(first.is_some());
            }
            let mut total = 0;
            for (k, t) in fractions.iter().enumerate() {
                total += crossed[k];
                let (share, allowed) = (f64::from(total) / f64::from(paths), spending.spent(alpha, *t));
                let se = (allowed / f64::from(paths)).sqrt();
                assert!((share - allowed).abs() < 4.0 * se, "{spending:?} at {t}: {share} against {allowed}");
            }
        }
    }

    #[test]
    fn tiny_levels_stay_positive_and_ordered() {
        let levels = Spending::ObrienFleming.levels(1e-4, &QUARTERS);
        assert!(levels[0] > 0.0 && levels.is_sorted(), "{levels:?}");
        assert!(levels[3] < 1e-4);
    }
}
