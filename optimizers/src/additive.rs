//! The additive model: the effect of each option of the joint space, learned from measured points.
//!
//! The model takes a point's gain over the baseline as the sum of its options' effects plus noise. With normal priors the
//! posterior is normal too (Bayesian linear regression; Bishop 2006, "Pattern Recognition and Machine Learning",
//! equations 3.50 and 3.51). New points are drawn by Thompson sampling (Thompson 1933; Agrawal and Goyal 2013,
//! arXiv:1209.3352): effects are drawn from the posterior, and each dimension takes the best option of the draw, so an
//! option is tried in proportion to the probability that it is the best.
//!
//! **Invariant:** the model only chooses which points are measured next. The common rows decide which candidate is best.

use rand::{Rng, RngExt};

use crate::space::{Point, Space};

/// The prior standard deviation of an effect.
const PRIOR_SPREAD: f64 = 0.08;
/// The prior effect of an option per unit of the log of its weight over that of the task as written.
const PRIOR_SLOPE: f64 = 0.03;
/// The standard deviation of the difference of two scores on one row.
const ROW_NOISE: f64 = 0.5;
/// The standard deviation that a draw of demonstrations adds to its options' effects.
const DRAW_NOISE: f64 = 0.04;

/// A point and its measured gain.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPoint {
    /// The point.
    pub point: Point,
    /// Its gain over the baseline on the same rows, with the worth of length and calls ([`Board`](crate::Board)).
    pub gain: f64,
    /// The number of rows.
    pub rows: usize,
}

/// The posterior of the effects.
#[derive(Clone, Debug)]
pub struct Additive {
    /// For each dimension, the column of its second option; the first is the task as written.
    offsets: Vec<usize>,
    options: Vec<usize>,
    mean: Vec<f64>,
    /// The lower Cholesky factor of the precision.
    factor: Vec<Vec<f64>>,
}

impl Additive {
    /// Learns the effects from measured points.
    pub fn learn(space: &Space, measured: &[ScoredPoint]) -> Self {
        let options: Vec<usize> = space.dimensions.iter().map(|dimension| dimension.options.len()).collect();
        // Column 0 is the gain that all points share: the baseline's own luck on these rows.
        let mut columns = 1;
        let mut offsets: Vec<usize> = Vec::with_capacity(options.len());
        for count in &options {
            offsets.push(columns);
            columns += count - 1;
        }
        let precision = 1.0 / (PRIOR_SPREAD * PRIOR_SPREAD);
        let mut matrix = vec![vec![0.0; columns]; columns];
        let mut vector = vec![0.0; columns];
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] = precision;
        }
        for (dimension, &offset) in space.dimensions.iter().zip(&offsets) {
            let written = dimension.options[0].1;
            for (i, (_, weight)) in dimension.options.iter().enumerate().skip(1) {
                vector[offset + i - 1] = precision * PRIOR_SLOPE * (weight / written).ln();
            }
        }
        for one in measured {
            let active = active(&offsets, &one.point);
            #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
            let noise = DRAW_NOISE * DRAW_NOISE + ROW_NOISE * ROW_NOISE / one.rows.max(1) as f64;
            for &a in &active {
                vector[a] += one.gain / noise;
                for &b in &active {
                    matrix[a][b] += 1.0 / noise;
                }
            }
        }
        let factor = cholesky(matrix);
        let mean = backward(&factor, forward(&factor, vector));
        Self { offsets, options, mean, factor }
    }

    /// Draws effects from the posterior and returns the point with the best option of every dimension.
    pub fn draw(&self, rng: &mut impl Rng) -> Point {
        let noise = (0..self.mean.len()).map(|_| normal(rng)).collect();
        let spread = backward(&self.factor, noise);
        let mut point = Point::with_capacity(self.options.len());
        for (&offset, &count) in self.offsets.iter().zip(&self.options) {
            let mut best = 0;
            let mut best_effect = 0.0;
            for option in 1..count {
                let column = offset + option - 1;
                let effect = self.mean[column] + spread[column];
                if effect > best_effect {
                    best = option;
                    best_effect = effect;
                }
            }
            point.push(best);
        }
        point
    }

    /// The mean effect of an option of a dimension; 0 for the task as written.
    pub fn effect(&self, dimension: usize, option: usize) -> f64 {
        if option == 0 { 0.0 } else { self.mean[self.offsets[dimension] + option - 1] }
    }
}

/// The columns of the design matrix that are 1 for a point.
fn active(offsets: &[usize], point: &Point) -> Vec<usize> {
    let chosen = offsets.iter().zip(point).filter(|(_, option)| **option > 0);
    std::iter::once(0).chain(chosen.map(|(offset, option)| offset + option - 1)).collect()
}

/// The lower Cholesky factor of a positive definite matrix; a precision with a proper prior is one.
fn cholesky(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for i in 0..matrix.len() {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - dot;
            matrix[i][j] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[j][j] };
        }
        for value in &mut matrix[i][i + 1..] {
            *value = 0.0;
        }
    }
    matrix
}

/// Solves `factor x = vector`.
fn forward(factor: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    for i in 0..vector.len() {
        let dot: f64 = (0..i).map(|k| factor[i][k] * vector[k]).sum();
        vector[i] = (vector[i] - dot) / factor[i][i];
    }
    vector
}

/// Solves `factor' x = vector`.
fn backward(factor: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    for i in (0..vector.len()).rev() {
        let dot: f64 = (i + 1..vector.len()).map(|k| factor[k][i] * vector[k]).sum();
        vector[i] = (vector[i] - dot) / factor[i][i];
    }
    vector
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let a: f64 = rng.random();
    let b: f64 = rng.random();
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demos::ExamplePool, landscape::Landscape};
    use proofmark_runtime::{Slot, model::Abilities};
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn space() -> Space {
        let landscape = Landscape::joint(60).unwrap();
        let pools = ExamplePool::labelled(&landscape.program, landscape.train.examples().iter());
        let pools = pools.into_iter().map(|pool| ("labelled", pool)).collect();
        Space::new(&landscape.program, Abilities { scores_choices: true, enforces_schema: false }, pools)
    }

    #[test]
    fn options_with_a_gain_are_drawn_more_often() {
        let space = space();
        let place =
            space.dimensions.iter().position(|dimension| dimension.slot == Slot::Calibration).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let points = space.spread(16, &mut rng);
        let measure = |planted: f64| -> Vec<ScoredPoint> {
            let gain = |point: &Point| if point[place] == 1 { planted } else { 0.0 };
            points
                .iter()
                .map(|point| ScoredPoint { point: point.clone(), gain: gain(point), rows: 20 })
                .collect()
        };
        let mut share = |measured: &[ScoredPoint]| {
            let model = Additive::learn(&space, measured);
            (0..1000).filter(|_| model.draw(&mut rng)[place] == 1).count()
        };
        let (before, good, bad) = (share(&[]), share(&measure(0.2)), share(&measure(-0.2)));
        assert!((450..700).contains(&before), "{before}");
        assert!(good > 930 && bad < 70, "{good} {bad}");
    }

    #[test]
    fn exact_measurements_give_the_planted_effects() {
        let space = space();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let planted =
            |dimension: usize, option: usize| if option == 0 { 0.0 } else { 0.03 * dimension as f64 };
        let worth = |point: &Point| point.iter().enumerate().map(|(d, &o)| planted(d, o)).sum::<f64>();
        let measured: Vec<_> = space
            .spread(4000, &mut rng)
            .into_iter()
            .map(|point| ScoredPoint { gain: worth(&point), point, rows: 1_000_000 })
            .collect();
        let model = Additive::learn(&space, &measured);
        for (d, dimension) in space.dimensions.iter().enumerate() {
            for option in 0..dimension.options.len() {
                assert!((model.effect(d, option) - planted(d, option)).abs() < 0.01, "{d} {option}");
            }
        }
    }

    proptest! {
        #[test]
        fn solving_inverts_the_matrix(values in prop::collection::vec(-1.0f64..1.0, 16), vector in prop::collection::vec(-1.0f64..1.0, 4)) {
            // A = B B' + 1 is positive definite.
            let b = |i: usize, j: usize| values[4 * i + j];
            let entry = |i: usize, j: usize| (0..4).map(|k| b(i, k) * b(j, k)).sum::<f64>() + f64::from(u8::from(i == j));
            let matrix: Vec<Vec<f64>> = (0..4).map(|i| (0..4).map(|j| entry(i, j)).collect()).collect();
            let factor = cholesky(matrix.clone());
            let x = backward(&factor, forward(&factor, vector.clone()));
            for i in 0..4 {
                let product: f64 = (0..4).map(|j| matrix[i][j] * x[j]).sum();
                prop_assert!((product - vector[i]).abs() < 1e-9);
            }
        }
    }
}
