//! Effects: how good points are, when each was scored on other rows.
//!
//! A score is taken as a mean, the effect of the point, that of the row, and noise; both effects are random, so those
//! known from few scores are shrunk (a mixed model; Henderson 1975, "Best Linear Unbiased Estimation and Prediction under
//! a Selection Model", Biometrics 31:2, equation 4, solved by Gauss-Seidel sweeps).

use crate::board::mean;

/// Scores whose noise is as large as the spread of points: 0.5 squared over 0.08 squared.
const POINT_NOISE: f64 = 39.0;
/// The same for rows, which differ far more: some are easy for all points and some for none.
const ROW_NOISE: f64 = 2.0;
/// Sweeps; the equations are diagonally dominant and settle fast.
const SWEEPS: usize = 12;

/// The score of one point on one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) point: usize,
    pub(super) row: usize,
    /// 0..=1.
    pub(super) score: f64,
}

/// The effect of each of so many points, around 0.
pub(super) fn of_points(cells: &[Cell], points: usize) -> Vec<f64> {
    let rows = cells.iter().map(|cell| cell.row + 1).max().unwrap_or(0);
    let grand = mean(&cells.iter().map(|cell| cell.score).collect::<Vec<_>>());
    let mut of_point = vec![0.0; points];
    for _ in 0..SWEEPS {
        let of_row = shrunk(
            rows,
            ROW_NOISE,
            cells.iter().map(|cell| (cell.row, cell.score - grand - of_point[cell.point])),
        );
        of_point = shrunk(
            points,
            POINT_NOISE,
            cells.iter().map(|cell| (cell.point, cell.score - grand - of_row[cell.row])),
        );
    }
    of_point
}

/// For each of `count` places the sum of its values over their number and `noise`.
fn shrunk(count: usize, noise: f64, values: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
    let mut sums = vec![(0.0, noise); count];
    for (place, value) in values {
        sums[place].0 += value;
        sums[place].1 += 1.0;
    }
    sums.into_iter().map(|(sum, weight)| sum / weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_rows_are_no_fault_of_a_point() {
        // Rows 0 to 9 are easy, 10 to 19 hard, as ten points show. Another gets easy rows only and does as they do; one
        // more gets hard rows only and does better than they do.
        let usual = |row: usize| f64::from(u8::from(row < 10));
        let mut cells: Vec<Cell> =
            (0..200).map(|i| Cell { point: i / 20, row: i % 20, score: usual(i % 20) }).collect();
        cells.extend((0..10).map(|row| Cell { point: 10, row, score: 1.0 }));
        cells.extend((10..20).map(|row| Cell { point: 11, row, score: 0.6 }));
        let effects = of_points(&cells, 13);
        assert!(effects[11] > 0.05 && effects[10].abs() < 0.03, "{effects:?}");
        assert!(effects[12].abs() < 1e-12, "nothing is known of it");
    }

    #[test]
    fn the_equations_are_solved() {
        let cells: Vec<Cell> = (0..60)
            .map(|i| Cell { point: i % 5, row: i * 7 % 12, score: f64::from(u8::from(i * i % 7 < 3)) })
            .collect();
        let effects = of_points(&cells, 5);
        let grand = mean(&cells.iter().map(|cell| cell.score).collect::<Vec<_>>());
        let rows = shrunk(12, ROW_NOISE, cells.iter().map(|c| (c.row, c.score - grand - effects[c.point])));
        let again = shrunk(5, POINT_NOISE, cells.iter().map(|c| (c.point, c.score - grand - rows[c.row])));
        for (a, b) in effects.iter().zip(again) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
