//! The tree-structured Parzen estimator over categories, jointly (Bergstra et al. 2011, "Algorithms for Hyper-Parameter
//! Optimization", NeurIPS 24, section 4; multivariate kernels: Falkner et al. 2018, arXiv:1807.01774, section 3.2).
//!
//! The better quarter of all trials and the rest each give a density: a mixture of one product of categorical kernels per trial
//! and a uniform kernel. New points are drawn from the density of the good trials, and the point with the highest ratio of the
//! two densities is taken. The products go over all dimensions of a trial, not over the margins, so that options which only
//! work together are found.
//!
//! **Invariant:** draws come from the density of the good trials, never from the uniform density. Scores are only compared, so
//! any monotone scale is right.

use rand::{Rng, RngExt, seq::IndexedRandom};

/// One in `GOOD` trials is good.
const GOOD: usize = 4;
/// The greatest number of good trials.
const MOST_GOOD: usize = 25;
/// The number of newest trials with full weight; the weight of older ones falls linearly.
const RECENT: usize = 25;
/// The number of points that are drawn to choose one.
const DRAWS: usize = 24;

/// A point, one category per dimension, and its score.
pub type Scored = (Vec<usize>, f64);

/// Suggests the next point. `sizes` are the numbers of categories, `trials` all trials so far, oldest first.
pub fn suggest(sizes: &[usize], trials: &[Scored], rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..trials.len()).collect();
    order.sort_by(|&a, &b| trials[b].1.total_cmp(&trials[a].1).then(a.cmp(&b)));
    let good = trials.len().div_ceil(GOOD).min(MOST_GOOD);
    let (good, bad) = order.split_at(good);
    let density = |places: &[usize]| {
        let mut places = places.to_vec();
        places.sort_unstable();
        Density::new(sizes, places.iter().map(|&place| trials[place].0.as_slice()).collect())
    };
    let good = density(good);
    let bad = density(bad);
    let draws = (0..DRAWS).map(|_| good.draw(rng));
    let rated = draws.map(|point| (good.at(&point).ln() - bad.at(&point).ln(), point));
    let best = rated.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or_else(Vec::new, |(_, point)| point)
}

/// A mixture of kernels around points and a uniform kernel.
struct Density<'t> {
    sizes: &'t [usize],
    points: Vec<&'t [usize]>,
    /// The weights of the points in their order, then of the uniform kernel; they sum to 1.
    weights: Vec<f64>,
    /// For each dimension, the probability of the kernel's own category, and that of each other category.
    kernels: Vec<(f64, f64)>,
}

impl<'t> Density<'t> {
    #[expect(clippy::cast_precision_loss, reason = "counts of trials and options")]
    fn new(sizes: &'t [usize], points: Vec<&'t [usize]>) -> Self {
        // The prior counts as one trial in total, spread over the categories of every kernel.
        let prior = 1.0 / (points.len() + 1) as f64;
        let kernel = |&size: &usize| {
            let total = 1.0 + prior * size as f64;
            ((1.0 + prior) / total, prior / total)
        };
        let old = points.len().saturating_sub(RECENT);
        let age = |place: usize| if place < old { (place + 1) as f64 / (old + 1) as f64 } else { 1.0 };
        let raw: Vec<f64> = (0..points.len()).map(age).chain([1.0]).collect();
        let total: f64 = raw.iter().sum();
        let weights = raw.into_iter().map(|weight| weight / total).collect();
        Self { sizes, points, weights, kernels: sizes.iter().map(kernel).collect() }
    }

    /// The probability of a point.
    fn at(&self, point: &[usize]) -> f64 {
        let kernel = |center: &[usize]| {
            let factors = self.kernels.iter().zip(center).zip(point);
            factors.map(|((&(own, other), a), b)| if a == b { own } else { other }).product::<f64>()
        };
        #[expect(clippy::cast_precision_loss, reason = "a count of options")]
        let uniform: f64 = self.sizes.iter().map(|&size| 1.0 / size as f64).product();
        let around: f64 =
            self.points.iter().zip(&self.weights).map(|(center, weight)| weight * kernel(center)).sum();
        around + self.weights[self.points.len()] * uniform
    }

    /// Draws a random point.
    fn draw(&self, rng: &mut impl Rng) -> Vec<usize> {
        let places: Vec<usize> = (0..self.weights.len()).collect();
        let place =
            places.choose_weighted(rng, |&place| self.weights[place]).copied().unwrap_or(self.points.len());
        let center = self.points.get(place).copied();
        (0..self.sizes.len())
            .map(|dimension| {
                let (own, other) = self.kernels[dimension];
                // The kernel's own category, or with the remaining probability any category at random.
                match center {
                    Some(center) if rng.random::<f64>() < own - other => center[dimension],
                    _ => rng.random_range(..self.sizes[dimension]),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn every_point(sizes: &[usize]) -> Vec<Vec<usize>> {
        sizes.iter().fold(vec![Vec::new()], |points, &size| {
            let extended =
                |point: &Vec<usize>| (0..size).map(|c| [point.as_slice(), &[c]].concat()).collect::<Vec<_>>();
            points.iter().flat_map(extended).collect()
        })
    }

    proptest! {
        #[test]
        fn a_density_sums_to_one(
            sizes in prop::collection::vec(1usize..4, 1..4), numbers in prop::collection::vec(0usize..1000, 0..40)
        ) {
            let points: Vec<Vec<usize>> =
                numbers.iter().map(|number| sizes.iter().map(|size| number % size).collect()).collect();
            let density = Density::new(&sizes, points.iter().map(Vec::as_slice).collect());
            let total: f64 = every_point(&sizes).iter().map(|point| density.at(point)).sum();
            prop_assert!((total - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn draws_follow_the_density() {
        let sizes = [3, 2];
        let points: [&[usize]; 3] = [&[0, 1], &[0, 1], &[2, 0]];
        let density = Density::new(&sizes, points.to_vec());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let draws: Vec<Vec<usize>> = (0..20_000).map(|_| density.draw(&mut rng)).collect();
        for point in every_point(&sizes) {
            #[expect(clippy::cast_precision_loss)]
            let share = draws.iter().filter(|draw| **draw == point).count() as f64 / 20_000.0;
            assert!((share - density.at(&point)).abs() < 0.015, "{point:?}: {share}");
        }
    }

    #[test]
    fn options_that_only_work_together_are_found() {
        // Two options that are good together and bad alone, among 6^4 points.
        let worth = |point: &[usize]| match (point[0] == 3, point[2] == 5) {
            (true, true) => 1.0,
            (false, false) => 0.5,
            _ => 0.4,
        } + 0.02 * f64::from(u8::from(point[1] == 1));
        let sizes = [6; 4];
        let (mut found, mut by_chance) = (0, 0);
        for seed in 0..40 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut trials: Vec<Scored> = Vec::new();
            for trial in 0..100 {
                let random: Vec<usize> = sizes.iter().map(|&size| rng.random_range(..size)).collect();
                let point = if trial < 10 { random.clone() } else { suggest(&sizes, &trials, &mut rng) };
                by_chance += usize::from(worth(&random) > 0.9);
                found += usize::from(worth(&point) > 0.9);
                trials.push((point.clone(), worth(&point)));
            }
        }
        assert!(found > 5 * by_chance, "{found} trials at the best pair, {by_chance} by chance");
    }

    #[test]
    fn suggestions_need_no_trials() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(suggest(&[2, 3], &[], &mut rng).len(), 2);
        assert_eq!(suggest(&[], &[], &mut rng), Vec::<usize>::new());
    }
}
