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
    let mut moments = vec![0.0; columns];
    for (row, outcome) in rows.iter().zip(outcomes) {
        add(&mut moments, row, *outcome);
    }
    let estimates: Vec<_> = inverse.iter().map(|line| dot(line, &moments)).collect();
    let mut sums = vec![vec![0.0; columns]; groups];
    for ((row, outcome), cluster) in rows.iter().zip(outcomes).zip(clusters) {
        add(&mut sums[*cluster], row, outcome - dot(row, &estimates));
    }
    let (n, g) = (rows.len() as f64, groups as f64);
    let factor = g / (g - 1.0) * (n - 1.0) / (n - free as f64);
    let se = |line: &Vec<f64>| (factor * sums.iter().map(|sum| dot(line, sum).powi(2)).sum::<f64>()).sqrt();
    let coefficient =
        |(j, line): (usize, &Vec<f64>)| kept[j].then(|| Coefficient { estimate: estimates[j], se: se(line) });
    Fit { coefficients: inverse.iter().enumerate().map(coefficient).collect(), clusters: groups }
}

/// X'X.
fn products(rows: &[Vec<f64>], columns: usize) -> Vec<Vec<f64>> {
    let mut products = vec![vec![0.0; columns]; columns];
    for row in rows {
        products.iter_mut().zip(row).for_each(|(line, value)| add(line, row, *value));
    }
    products
}

/// The inverse of a symmetric matrix on the columns that can be kept, zero elsewhere, and which those are.
fn swept(mut matrix: Vec<Vec<f64>>) -> (Vec<Vec<f64>>, Vec<bool>) {
    let whole: Vec<_> = matrix.iter().enumerate().map(|(j, line)| line[j]).collect();
    let mut kept = vec![false; matrix.len()];
    for j in 0..matrix.len() {
        let pivot = matrix[j][j];
        if pivot <= DETERMINED * whole[j] {
            continue;
        }
        kept[j] = true;
        let mut line = std::mem::take(&mut matrix[j]);
        line.iter_mut().for_each(|value| *value /= pivot);
        line[j] = 1.0 / pivot;
        for other in matrix.iter_mut().filter(|other| !other.is_empty()) {
            let times = std::mem::replace(&mut other[j], 0.0);
            add(other, &line, -times);
        }
        matrix[j] = line;
    }
    for (i, line) in matrix.iter_mut().enumerate() {
        line.iter_mut()
            .zip(&kept)
            .filter(|(_, column)| !(kept[i] && **column))
            .for_each(|(value, _)| *value = 0.0);
    }
    (matrix, kept)
}

/// `to += by * times`.
fn add(to: &mut [f64], by: &[f64], times: f64) {
    to.iter_mut().zip(by).for_each(|(to, by)| *to += by * times);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
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
        let mut moments = vec![0.0; k];
        rows.iter().zip(outcomes).for_each(|(row, y)| add(&mut moments, row, *y));
        let replaced = |j: usize| {
            let mut matrix = matrix.clone();
            matrix.iter_mut().zip(&moments).for_each(|(line, moment)| line[j] = *moment);
            determinant(&matrix)
        };
        (0..k).map(|j| replaced(j) / determinant(&matrix)).collect()
    }

    /// By expansion along the first line.
    fn determinant(matrix: &[Vec<f64>]) -> f64 {
        let Some((first, rest)) = matrix.split_first() else { return 1.0 };
        let without = |j: usize| -> Vec<Vec<f64>> {
            rest.iter().map(|line| [&line[..j], &line[j + 1..]].concat()).collect()
        };
        let sign = |j: usize| if j.is_multiple_of(2) { 1.0 } else { -1.0 };
        first.iter().enumerate().map(|(j, value)| sign(j) * value * determinant(&without(j))).sum()
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
