//! A mixed model: estimates how good points are that were scored on different rows.
//!
//! The model takes a score as the sum of a mean, the effect of the point, the effect of the row, and noise. Both effects are
//! random, so an effect that is known from few scores is shrunk (Henderson 1975, "Best Linear Unbiased Estimation and
//! Prediction under a Selection Model", Biometrics 31:2, equation 4, solved by Gauss-Seidel sweeps).

use crate::board::mean;

/// The number of scores whose noise equals the spread of points: 0.5 squared over 0.08 squared.
const POINT_NOISE: f64 = 39.0;
/// The same number for rows. Rows differ far more: some are easy for all points and some for none.
const ROW_NOISE: f64 = 2.0;
/// The number of sweeps; the equations are diagonally dominant, so few are enough.
const SWEEPS: usize = 12;

/// The score of one point on one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PointScore {
    pub(super) point: usize,
    pub(super) row: usize,
    /// 0..=1.
    pub(super) score: f64,
}

/// The effect of each of `points` points, around 0.
pub(super) fn of_points(scores: &[PointScore], points: usize) -> Vec<f64> {
    let rows = scores.iter().map(|score| score.row + 1).max().unwrap_or(0);
    let grand = mean(&scores.iter().map(|score| score.score).collect::<Vec<_>>());
    let mut of_point = vec![0.0; points];
    for _ in 0..SWEEPS {
        let of_row = shrunk(
            rows,
            ROW_NOISE,
            scores.iter().map(|score| (score.row, score.score - grand - of_point[score.point])),
        );
        of_point = shrunk(
            points,
            POINT_NOISE,
            scores.iter().map(|score| (score.point, score.score - grand - of_row[score.row])),
        );
    }
    of_point
}

/// For each of `count` places, the sum of its values divided by their number plus `noise`.
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
    fn the_difficulty_of_rows_is_corrected() {
        // Rows 0 to 9 are easy, 10 to 19 hard, as ten points show. Point 10 has easy rows only and scores as the ten do.
        // Point 11 has hard rows only and scores higher than the ten do.
        let usual = |row: usize| f64::from(u8::from(row < 10));
        let mut scores: Vec<PointScore> =
            (0..200).map(|i| PointScore { point: i / 20, row: i % 20, score: usual(i % 20) }).collect();
        scores.extend((0..10).map(|row| PointScore { point: 10, row, score: 1.0 }));
        scores.extend((10..20).map(|row| PointScore { point: 11, row, score: 0.6 }));
        let effects = of_points(&scores, 13);
        assert!(effects[11] > 0.05 && effects[10].abs() < 0.03, "{effects:?}");
        assert!(effects[12].abs() < 1e-12, "it has no scores");
    }

    #[test]
    fn the_equations_are_solved() {
        let scores: Vec<PointScore> = (0..60)
            .map(|i| PointScore { point: i % 5, row: i * 7 % 12, score: f64::from(u8::from(i * i % 7 < 3)) })
            .collect();
        let effects = of_points(&scores, 5);
        let grand = mean(&scores.iter().map(|score| score.score).collect::<Vec<_>>());
        let rows = shrunk(12, ROW_NOISE, scores.iter().map(|c| (c.row, c.score - grand - effects[c.point])));
        let again = shrunk(5, POINT_NOISE, scores.iter().map(|c| (c.point, c.score - grand - rows[c.row])));
        for (a, b) in effects.iter().zip(again) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
