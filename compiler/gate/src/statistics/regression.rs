//! Least squares with standard errors that are robust to clusters: what each of many switched parts of a prompt does to the
//! answers, when several answers are of the same row.
//!
//! The covariance is the sandwich (X'X)^-1 (sum over clusters of X_g' e_g e_g' X_g) (X'X)^-1 with the small-sample factor
//! G / (G - 1) * (N - 1) / (N - K), called CR1 (Liang and Zeger 1986, Biometrika 73:13; Cameron and Miller 2015, J. Human
//! Resources 50:317, section II.B). The inverse is made by sweeping (Goodnight 1979, American Statistician 33:149), which
//! leaves out a column that the ones before it determine instead of dividing by nothing.
//!
//! **Invariant:** coefficients solve the normal equations of the columns that are kept; columns that repeat earlier ones have
//! none.

use ndarray::{Array1, Array2, ArrayView1, Axis};

/// What one column does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// The change of the outcome for a change of 1.
    pub estimate: f64,
    /// Its cluster-robust standard error.
    pub se: f64,
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One for each column; none for a column that earlier ones determine, and none at all where there are fewer than two
    /// clusters or no more observations than columns.
    pub coefficients: Vec<Option<Coefficient>>,
    /// How many clusters there are: one more than the degrees of freedom of the errors.
    pub clusters: usize,
}

/// A column whose remaining square sum is below this share of what it was is determined by the columns before it.
const DETERMINED: f64 = 1e-9;

/// Regresses `outcomes` on the columns of `rows`, one row for each outcome; `clusters` names the cluster of each, from 0.
pub fn least_squares(rows: &[Vec<f64>], outcomes: &[f64], clusters: &[usize]) -> Fit {
    let columns = rows.first().map_or(0, Vec::len);
    let (inverse, kept) = swept(products(rows, columns));
    let free = kept.iter().filter(|kept| **kept).count();
    let groups = clusters.iter().max().map_or(0, |last| last + 1);
    if groups < 2 || rows.len() <= free {
        return Fit { coefficients: vec![None; columns], clusters: groups };
    }
    let mut moments = Array1::zeros(columns);
    for (row, outcome) in rows.iter().zip(outcomes) {
        moments.scaled_add(*outcome, &ArrayView1::from(row));
    }
    let estimates = inverse.map_axis(Axis(1), |line| dot(line, moments.view()));
    let mut sums = Array2::zeros((groups, columns));
    for ((row, outcome), cluster) in rows.iter().zip(outcomes).zip(clusters) {
        let row = ArrayView1::from(row);
        sums.row_mut(*cluster).scaled_add(outcome - dot(row, estimates.view()), &row);
    }
    let (n, g) = (rows.len() as f64, groups as f64);
    let factor = g / (g - 1.0) * (n - 1.0) / (n - free as f64);
    let coefficient = |j: usize| {
        let squares: f64 = sums.rows().into_iter().map(|sum| dot(inverse.row(j), sum).powi(2)).sum();
        Coefficient { estimate: estimates[j], se: (factor * squares).sqrt() }
    };
    let coefficients = (0..columns).map(|j| kept[j].then(|| coefficient(j))).collect();
    Fit { coefficients, clusters: groups }
}

/// X'X.
fn products(rows: &[Vec<f64>], columns: usize) -> Array2<f64> {
    let mut products = Array2::zeros((columns, columns));
    for row in rows {
        for (mut line, value) in products.rows_mut().into_iter().zip(row) {
            line.scaled_add(*value, &ArrayView1::from(row));
        }
    }
    products
}

/// The inverse of a symmetric matrix on the columns that can be kept, zero elsewhere, and which those are.
fn swept(mut matrix: Array2<f64>) -> (Array2<f64>, Vec<bool>) {
    let whole = matrix.diag().to_owned();
    let mut kept = vec![false; whole.len()];
    for j in 0..whole.len() {
        let pivot = matrix[[j, j]];
        if pivot <= DETERMINED * whole[j] {
            continue;
        }
        kept[j] = true;
        let mut line = &matrix.row(j) / pivot;
        line[j] = 1.0 / pivot;
        for i in (0..whole.len()).filter(|i| *i != j) {
            let times = std::mem::take(&mut matrix[[i, j]]);
            matrix.row_mut(i).scaled_add(-times, &line);
        }
        matrix.row_mut(j).assign(&line);
    }
    for ((i, j), value) in matrix.indexed_iter_mut() {
        if !(kept[i] && kept[j]) {
            *value = 0.0;
        }
    }
    (matrix, kept)
}

/// The sum of products, in the order of the elements: `ndarray`'s own `dot` adds up in an order that depends on the machine.
fn dot(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::spread::Spread;

    /// Solves the normal equations by Cramer's rule.
    fn by_determinants(rows: &[Vec<f64>], outcomes: &[f64]) -> Vec<f64> {
        let k = rows[0].len();
        let matrix = products(rows, k);
        let mut moments = Array1::zeros(k);
        rows.iter().zip(outcomes).for_each(|(row, y)| moments.scaled_add(*y, &ArrayView1::from(row)));
        let replaced = |j: usize| {
            let mut matrix = matrix.clone();
            matrix.column_mut(j).assign(&moments);
            determinant(&matrix)
        };
        (0..k).map(|j| replaced(j) / determinant(&matrix)).collect()
    }

    /// By expansion along the first line.
    fn determinant(matrix: &Array2<f64>) -> f64 {
        if matrix.is_empty() {
            return 1.0;
        }
        let rest: Vec<_> = (1..matrix.nrows()).collect();
        let others = |j: usize| (0..matrix.ncols()).filter(|other| *other != j).collect::<Vec<_>>();
        let without = |j: usize| matrix.select(Axis(0), &rest).select(Axis(1), &others(j));
        let sign = |j: usize| if j.is_multiple_of(2) { 1.0 } else { -1.0 };
        matrix.row(0).iter().enumerate().map(|(j, value)| sign(j) * value * determinant(&without(j))).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn coefficients_solve_the_normal_equations(
            cells in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>(), 0.0..1.0_f64), 24..60)
        ) {
            let bit = |bit: bool| f64::from(bit) - 0.5;
            let rows: Vec<_> = cells.iter().map(|(a, b, c, _)| vec![1.0, bit(*a), bit(*b), bit(*c)]).collect();
            let outcomes: Vec<_> = cells.iter().map(|cell| cell.3).collect();
            prop_assume!(determinant(&products(&rows, 4)).abs() > 1.0);
            let clusters: Vec<_> = (0..rows.len()).map(|i| i % 7).collect();
            let fit = least_squares(&rows, &outcomes, &clusters);
            for (found, expected) in fit.coefficients.iter().zip(by_determinants(&rows, &outcomes)) {
                prop_assert!((found.unwrap().estimate - expected).abs() < 1e-8);
            }
        }

        /// A mean of equally many rows for each cluster has the error that the gate shows for it.
        #[test]
        fn the_error_of_a_mean_is_that_of_the_cluster_means(values in prop::collection::vec(0.0..1.0_f64, 30)) {
            let clusters: Vec<_> = (0..30).map(|i| i / 3).collect();
            let fit = least_squares(&vec![vec![1.0]; 30], &values, &clusters);
            let means: Vec<_> = values.chunks(3).map(|rows| rows.iter().sum::<f64>() / 3.0).collect();
            prop_assert!((fit.coefficients[0].unwrap().se - Spread::of(&means).se()).abs() < 1e-10);
        }
    }

    #[test]
    fn a_column_that_others_determine_is_left_out() {
        let rows: Vec<_> =
            (0..12).map(|i| vec![1.0, f64::from(i % 2), 1.0 - f64::from(i % 2), f64::from(i)]).collect();
        let outcomes: Vec<_> = (0..12).map(|i| f64::from(i % 2) * 3.0 + f64::from(i)).collect();
        let fit = least_squares(&rows, &outcomes, &(0..12).collect::<Vec<_>>());
        assert!(fit.coefficients[2].is_none());
        assert!((fit.coefficients[1].unwrap().estimate - 3.0).abs() < 1e-9);
        assert!((fit.coefficients[3].unwrap().estimate - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_said_about_too_little() {
        assert!(least_squares(&[], &[], &[]).coefficients.is_empty());
        let one = least_squares(&[vec![1.0], vec![1.0]], &[0.0, 1.0], &[0, 0]);
        assert_eq!(one.coefficients, [None], "one cluster");
        let full = least_squares(&[vec![1.0, 0.0], vec![1.0, 1.0]], &[0.0, 1.0], &[0, 1]);
        assert_eq!(full.coefficients, [None, None], "no observation is left over");
    }
}
