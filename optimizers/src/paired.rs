//! The paired test of a search: whether one candidate scores higher than another on the same rows.
//!
//! **Invariant:** no result of this test is a claim. A search repeats it many times, on rows that it chooses candidates by. Only
//! the gate's test on sealed rows counts.

/// The grids that differences are rounded to, in steps per 1: multiples of 60, so that halves to sixths and tenths are exact.
const GRIDS: [usize; 4] = [2520, 840, 360, 120];
/// The grid for many differences.
const COARSE: usize = 60;
/// The approximate greatest number of different sums.
const CELLS: usize = 40_000;

/// The one-sided mid-p of the sign-flip test (Fisher 1935, "The Design of Experiments", section 21): the share of all sign
/// patterns of the paired `differences` with a sum greater than the observed one, plus half of the share with an equal sum. It
/// is exact if all differences are -1, 0 or 1 (McNemar's exact test with mid-p); otherwise differences are rounded to a grid of
/// at least 60 steps. 0.5 if all are 0.
pub fn sign_flip(differences: &[f64]) -> f64 {
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|size| *size > 0.0).collect();
    if sizes.is_empty() {
        return 0.5;
    }
    let fits = |grid: &usize| grid * sizes.len() <= CELLS;
    let all_or_nothing = sizes.iter().all(|size| (size - 1.0).abs() < 1e-12);
    let grid = if all_or_nothing { 1 } else { GRIDS.into_iter().find(fits).unwrap_or(COARSE) };
    let cells = |size: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a difference is at most 1"
        )]
        let cell = (size * grid as f64).round() as usize;
        cell
    };
    let steps: Vec<usize> = sizes.iter().map(|&size| cells(size)).collect();
    let total: usize = steps.iter().sum();
    let observed: usize = differences.iter().filter(|d| **d > 0.0).map(|d| cells(*d)).sum();
    // The share of sign patterns by the sum of the steps with a positive sign.
    let mut shares = vec![0.0; total + 1];
    shares[0] = 1.0;
    let mut reach = 0;
    for step in steps {
        reach += step;
        for sum in (0..=reach).rev() {
            let with = if sum >= step { shares[sum - step] } else { 0.0 };
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    shares[observed + 1..].iter().sum::<f64>() + 0.5 * shares[observed]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute(differences: &[f64]) -> f64 {
        let observed: f64 = differences.iter().sum();
        let patterns = 1u32 << differences.len();
        let worth = |pattern: u32| {
            let signed = differences
                .iter()
                .enumerate()
                .map(|(i, d)| if pattern >> i & 1 == 1 { d.abs() } else { -d.abs() });
            let sum: f64 = signed.sum();
            if (sum - observed).abs() < 1e-9 { 0.5 } else { f64::from(sum > observed) }
        };
        (0..patterns).map(worth).sum::<f64>() / f64::from(patterns)
    }

    proptest! {
        #[test]
        fn equals_the_count_of_all_patterns(tenths in prop::collection::vec(-10i32..=10, 1..10)) {
            let differences: Vec<f64> = tenths.iter().map(|&t| f64::from(t) / 10.0).collect();
            prop_assert!((sign_flip(&differences) - brute(&differences)).abs() < 1e-9);
        }

        #[test]
        fn both_directions_sum_to_one(signs in prop::collection::vec(-1i32..=1, 1..40)) {
            let forth: Vec<f64> = signs.iter().map(|&s| f64::from(s)).collect();
            let back: Vec<f64> = forth.iter().map(|d| -d).collect();
            prop_assert!((sign_flip(&forth) + sign_flip(&back) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn known_values() {
        assert!((sign_flip(&[1.0; 5]) - 0.5 / 32.0).abs() < 1e-12);
        assert!((sign_flip(&[0.0, 0.0]) - 0.5).abs() < 1e-12);
    }
}
