//! The additive model: what each option of the joint space is worth, learned from measured points.
//!
//! A point's lead over the baseline is taken as the sum of its options' effects plus noise. With normal priors the
//! posterior is normal too (Bayesian linear regression; Bishop 2006, "Pattern Recognition and Machine Learning",
//! equations 3.50 and 3.51). New points are drawn by Thompson sampling (Thompson 1933; Agrawal and Goyal 2013,
//! arXiv:1209.3352): effects are drawn from the posterior, and each dimension takes the option that is best in the draw,
//! so an option is tried as often as it may be the best.
//!
//! **Invariant:** the model only chooses what is measured next. Which candidate is best is decided on common rows.

use rand::{Rng, RngExt};

use crate::space::{Point, Space};

/// Standard deviation of an effect before anything was measured.
const PRIOR_SPREAD: f64 = 0.08;
/// How strongly prior weights become prior effects.
const PRIOR_SLOPE: f64 = 0.03;
/// Standard deviation of the difference of two scores on one row.
const ROW_NOISE: f64 = 0.5;
/// Standard deviation of what a draw of demonstrations adds to its options' effects.
const DRAW_NOISE: f64 = 0.04;

/// A point and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The point.
    pub point: Point,
    /// Its mean score less the baseline's on the same rows, and whatever else counts.
    pub lead: f64,
    /// How many rows.
    pub rows: usize,
}

/// The posterior of the effects.
#[derive(Clone, Debug)]
pub struct Additive {
    /// For each dimension the column of its first option that is not as written.
    offsets: Vec<usize>,
    options: Vec<usize>,
    mean: Vec<f64>,
    /// Lower Cholesky factor of the precision.
    factor: Vec<Vec<f64>>,
}

impl Additive {
    /// Learns from measured points.
    pub fn learn(space: &Space, measured: &[Measured]) -> Self {
        let options: Vec<usize> = space.dimensions.iter().map(|dimension| dimension.options.len()).collect();
        // Column 0 is what all points have ahead of the baseline: the baseline's own luck.
        let mut columns = 1;
        let offsets: Vec<usize> = options
            .iter()
            .map(|count| {
                columns += count - 1;
                columns - count + 1
            })
            .collect();
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
                vector[a] += one.lead / noise;
                for &b in &active {
                    matrix[a][b] += 1.0 / noise;
                }
            }
        }
        let factor = cholesky(matrix);
        let mean = backward(&factor, forward(&factor, vector));
        Self { offsets, options, mean, factor }
    }

    /// A point that takes in each dimension what is best in one draw of the effects.
    pub fn draw(&self, rng: &mut impl Rng) -> Point {
        let noise = (0..self.mean.len()).map(|_| normal(rng)).collect();
        let spread = backward(&self.factor, noise);
        let effect = |column: usize| self.mean[column] + spread[column];
        let best = |(&offset, &count): (&usize, &usize)| {
            let mut best = (0, 0.0);
            for option in 1..count {
                let effect = effect(offset + option - 1);
                if effect > best.1 {
                    best = (option, effect);
                }
            }
            best.0
        };
        self.offsets.iter().zip(&self.options).map(best).collect()
    }

    /// The mean effect of an option of a dimension; 0 for the task as written.
    pub fn effect(&self, dimension: usize, option: usize) -> f64 {
        if option == 0 { 0.0 } else { self.mean[self.offsets[dimension] + option - 1] }
    }
}

/// The columns that are 1 for a point.
fn active(offsets: &[usize], point: &Point) -> Vec<usize> {
    let chosen = offsets.iter().zip(point).filter(|(_, option)| **option > 0);
    std::iter::once(0).chain(chosen.map(|(offset, option)| offset + option - 1)).collect()
}

/// The lower factor of a positive definite matrix, which a precision with a proper prior is.
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
    let (a, b): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{demos::Shelf, landscape::Landscape};
    use proofmark_runtime::{Slot, model::Abilities};
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn space() -> Space {
        let landscape = Landscape::joint(60).unwrap();
        let shelves = Shelf::labelled(&landscape.program, landscape.train.examples().iter());
        let shelves = shelves.into_iter().map(|shelf| ("labelled", shelf)).collect();
        Space::new(&landscape.program, Abilities { scores_choices: true, enforces_schema: false }, shelves)
    }

    #[test]
    fn an_option_that_did_well_is_drawn_more_often() {
        let space = space();
        let place =
            space.dimensions.iter().position(|dimension| dimension.slot == Slot::Calibration).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let points = space.spread(16, &mut rng);
        let measure = |gain: f64| -> Vec<Measured> {
            let lead = |point: &Point| if point[place] == 1 { gain } else { 0.0 };
            points
                .iter()
                .map(|point| Measured { point: point.clone(), lead: lead(point), rows: 20 })
                .collect()
        };
        let mut share = |measured: &[Measured]| {
            let model = Additive::learn(&space, measured);
            (0..1000).filter(|_| model.draw(&mut rng)[place] == 1).count()
        };
        let (before, good, bad) = (share(&[]), share(&measure(0.2)), share(&measure(-0.2)));
        assert!((450..700).contains(&before), "{before}");
        assert!(good > 930 && bad < 70, "{good} {bad}");
    }

    #[test]
    fn many_exact_measurements_give_the_planted_effects() {
        let space = space();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let planted =
            |dimension: usize, option: usize| if option == 0 { 0.0 } else { 0.03 * dimension as f64 };
        let worth = |point: &Point| point.iter().enumerate().map(|(d, &o)| planted(d, o)).sum::<f64>();
        let measured: Vec<_> = space
            .spread(4000, &mut rng)
            .into_iter()
            .map(|point| Measured { lead: worth(&point), point, rows: 1_000_000 })
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
        fn solving_inverts(values in prop::collection::vec(-1.0f64..1.0, 16), vector in prop::collection::vec(-1.0f64..1.0, 4)) {
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
