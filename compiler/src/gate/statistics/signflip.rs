//! The exact one-sided mid-p sign-flip test: does the candidate beat the baseline on average over seeds?
//!
//! Each seed gives one whole number x: the sum, over its rows, of the candidate's score minus the baseline's. Under the null
//! hypothesis x is as likely as -x, so the null distribution of the sum S is that of 2^n equally likely sign patterns. It
//! is built seed by seed by convolution, so nothing is drawn at random and the answer is exact. With one row per seed and
//! scores 0 and 1 this *is* the mid-p McNemar test (Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13:91,
//! recommend it over the exact and the asymptotic one).
//!
//! **Invariant:** the p-value depends on the scores alone, not on their order; it equals the enumeration of all sign
//! patterns for every n for which that can be done.

/// How many root sums of squares of the null distribution are kept. By Hoeffding's inequality for maxima,
/// P(max_k |S_k| > c sqrt(sum x^2)) <= 4 exp(-c^2 / 2); no pattern at all is lost below c^2 seeds.
const REACH: f64 = 12.0;

/// The probability that [`REACH`] may lose, on both sides together: 4 exp(-72) < 2.2e-31.
const LOST: f64 = 2.2e-31;

/// P(S > s) + P(S = s) / 2, where s is the sum of `scores` and S their sum under random signs. Small means that the sum
/// is larger than chance makes it. No scores or only zeros give 0.5.
pub fn p_greater(scores: &[i64]) -> f64 {
    let (magnitudes, unit) = magnitudes(scores);
    if magnitudes.is_empty() {
        return 0.5;
    }
    let observed = scores.iter().sum::<i64>() / unit;
    let null = Null::of(&magnitudes);
    if observed < 0 { 1.0 - null.upper_mid(-observed) } else { null.upper_mid(observed) }
}

/// The same for a sum that is smaller than chance makes it: harm.
pub fn p_less(scores: &[i64]) -> f64 {
    p_greater(&scores.iter().map(|score| -score).collect::<Vec<_>>())
}

/// The scores without zeros and signs, in units of their greatest common divisor, smallest first (so that the support
/// stays short for long), and that divisor.
fn magnitudes(scores: &[i64]) -> (Vec<usize>, i64) {
    let unit = scores.iter().fold(0, |divisor, score| gcd(divisor, score.abs()));
    let whole = |score: &i64| usize::try_from(score.abs() / unit).unwrap_or(usize::MAX);
    let mut magnitudes: Vec<_> = scores.iter().filter(|score| **score != 0).map(whole).collect();
    magnitudes.sort_unstable();
    (magnitudes, unit)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The null distribution of the sum; entry `centre + s` is P(S = s).
struct Null {
    mass: Vec<f64>,
    centre: usize,
    lost: f64,
}

impl Null {
    /// Convolves `p <- (p shifted up by x + p shifted down by x) / 2` over all magnitudes, which are in rising order.
    fn of(magnitudes: &[usize]) -> Self {
        let largest = magnitudes.last().copied().unwrap_or(0);
        let total: usize = magnitudes.iter().sum();
        let squares: f64 = magnitudes.iter().map(|x| (*x as f64).powi(2)).sum();
        let reach = total.min((REACH * squares.sqrt()).ceil() as usize);
        // A margin of the largest score on both sides spares the inner loop every test of bounds.
        let centre = reach + largest;
        let mut mass = vec![0.0; 2 * centre + 1];
        let mut next = mass.clone();
        mass[centre] = 1.0;
        let mut extent = 0;
        for &x in magnitudes {
            extent = (extent + x).min(reach);
            let (low, high) = (centre - extent, centre + extent + 1);
            let (up, down) = (&mass[low - x..high - x], &mass[low + x..high + x]);
            for ((to, a), b) in next[low..high].iter_mut().zip(up).zip(down) {
                *to = 0.5 * (a + b);
            }
            std::mem::swap(&mut mass, &mut next);
        }
        Self { mass, centre, lost: if reach == total { 0.0 } else { LOST } }
    }

    /// P(S > s) + P(S = s) / 2 for s >= 0, added up from the far end so that small terms are not lost.
    fn upper_mid(&self, s: i64) -> f64 {
        let at = usize::try_from(s).map_or(usize::MAX, |s| self.centre.saturating_add(s));
        let beyond: f64 = self.mass.iter().skip(at.saturating_add(1)).rev().sum();
        beyond + 0.5 * self.mass.get(at).copied().unwrap_or(0.0) + self.lost
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::statistics::power::mid_p_mcnemar;

    /// By enumeration of all sign patterns.
    fn brute_force(scores: &[i64]) -> f64 {
        let observed: i64 = scores.iter().sum();
        let patterns = 1_u32 << scores.len();
        let weight = |pattern: u32| {
            let sum: i64 =
                scores.iter().enumerate().map(|(i, x)| if pattern >> i & 1 == 1 { -x } else { *x }).sum();
            match sum.cmp(&observed) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            }
        };
        (0..patterns).map(weight).sum::<f64>() / f64::from(patterns)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn acceptance_1_equals_enumeration_of_all_sign_patterns(scores in prop::collection::vec(-7_i64..=7, 0..=16)) {
            prop_assert!((p_greater(&scores) - brute_force(&scores)).abs() < 1e-12);
        }

        #[test]
        fn acceptance_1_equals_mid_p_mcnemar_for_one_row_per_seed(scores in prop::collection::vec(-1_i64..=1, 0..400)) {
            let wins = scores.iter().filter(|x| **x == 1).count();
            let losses = scores.iter().filter(|x| **x == -1).count();
            prop_assert!((p_greater(&scores) - mid_p_mcnemar(wins, losses)).abs() < 1e-12);
        }

        #[test]
        fn both_directions_add_up_to_one(scores in prop::collection::vec(-300_i64..=300, 0..200)) {
            prop_assert!((p_greater(&scores) + p_less(&scores) - 1.0).abs() < 1e-12);
        }

        #[test]
        fn order_and_unit_do_not_matter(scores in prop::collection::vec(-9_i64..=9, 0..60)) {
            let reversed: Vec<_> = scores.iter().rev().map(|x| x * 12).collect();
            prop_assert!((p_greater(&scores) - p_greater(&reversed)).abs() < 1e-12);
        }
    }

    #[test]
    fn ties_alone_prove_nothing() {
        assert_eq!(p_greater(&[]).to_bits(), 0.5_f64.to_bits());
        assert_eq!(p_greater(&[0; 40]).to_bits(), 0.5_f64.to_bits());
        assert_eq!(p_greater(&[0, 0, 3]).to_bits(), 0.25_f64.to_bits());
    }

    #[test]
    fn the_far_tail_is_bounded_not_zero() {
        let p = p_greater(&[1; 4000]);
        assert!(p > 0.0 && p < 1e-30, "{p}");
        assert!((p_greater(&[1; 60]) / 0.5_f64.powi(61) - 1.0).abs() < 1e-12);
    }
}
