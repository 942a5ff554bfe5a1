//! The exact one-sided mid-p sign-flip test: does the candidate beat the baseline on average over units?
//!
//! Each unit gives one whole number x: the sum, over its rows, of the candidate's score minus the baseline's. Under the null
//! hypothesis x is as likely as -x, so the null distribution of the sum S is that of 2^n equally likely sign patterns. It
//! is built unit by unit by convolution, so nothing is drawn at random and the answer is exact. With one row per unit and
//! scores 0 and 1 this *is* the mid-p McNemar test (Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13:91,
//! recommend it over the exact and the asymptotic one).
//!
//! **Invariant:** the p-value depends on the scores alone, not on their order; it equals the enumeration of all sign
//! patterns for every n for which that can be done.

/// How many root sums of squares of the null distribution are kept. By Hoeffding's inequality for maxima,
/// P(max_k |S_k| > c sqrt(sum x^2)) <= 4 exp(-c^2 / 2); no pattern at all is lost below c^2 units.
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

/// The null distribution of the sum S of all magnitudes under random signs. S is twice the sum T of those with a plus, less
/// their total, so only every other value of S can occur: entry t is P(T = t). It is symmetric, so half of it is kept.
struct Null {
    mass: Vec<f64>,
    total: usize,
    lost: f64,
}

impl Null {
    /// Takes the magnitudes in one by one, in rising order: `p[t] <- (p[t] + p[t - x]) / 2`.
    fn of(magnitudes: &[usize]) -> Self {
        let total: usize = magnitudes.iter().sum();
        let squares: f64 = magnitudes.iter().map(|x| (*x as f64).powi(2)).sum();
        let reach = total.min((REACH * squares.sqrt()).ceil() as usize);
        let mut mass = vec![0.0; total / 2 + 1];
        mass[0] = 1.0;
        let (mut sum, mut low) = (0, 0);
        for &x in magnitudes {
            let half = (sum + x) / 2;
            // What lies behind the middle is the mirror image of what lies before it.
            for t in sum / 2 + 1..=half.min(sum) {
                mass[t] = mass[sum - t];
            }
            sum += x;
            average(&mut mass[low..=half], x);
            let cut = sum.saturating_sub(reach) / 2;
            mass[low..cut.max(low)].fill(0.0);
            low = low.max(cut);
        }
        Self { mass, total, lost: if reach == total { 0.0 } else { LOST } }
    }

    /// P(S > s) + P(S = s) / 2 for s >= 0 that can occur, which is P(S < -s) + P(S = -s) / 2; added up from the far end so that
    /// small terms are not lost.
    fn upper_mid(&self, s: i64) -> f64 {
        let at = usize::try_from(s).map_or(self.total, |s| s.min(self.total));
        let (beyond, rest) = self.mass.split_at((self.total - at) / 2);
        beyond.iter().sum::<f64>() + 0.5 * rest.first().copied().unwrap_or(0.0) + self.lost
    }
}

/// Shifts below this are computed from a copy: blocks would be too short to be worth it.
const SHORT_SHIFT: usize = 64;

/// Replaces every entry by its mean with the one `x` before it, nothing being before the first. For larger shifts from the
/// end, in blocks of at most `x`, so that what is read was not yet replaced and whole blocks are computed at once.
fn average(mass: &mut [f64], x: usize) {
    let mut end = mass.len();
    if x < SHORT_SHIFT.min(end) {
        let before = mass[..end - x].to_vec();
        mix(&mut mass[x..], &before);
        end = x;
    }
    while end > x {
        let start = (end - x).max(x);
        let (before, block) = mass[..end].split_at_mut(start);
        mix(block, &before[start - x..]);
        end = start;
    }
    mass[..end].iter_mut().for_each(|to| *to *= 0.5);
}

fn mix(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = 0.5 * (*to + from));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::power::mid_p_mcnemar;

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
        fn acceptance_1_equals_mid_p_mcnemar_for_one_row_per_unit(scores in prop::collection::vec(-1_i64..=1, 0..400)) {
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
