//! Two looks at different rows as one: the inverse normal combination of independent p-values.
//!
//! A trial that ended undecided has spent its error. If it goes on with fresh rows, how many are added usually hangs on what
//! was seen, and then no test of all rows together keeps its level, unless each set of rows has a weight that was fixed
//! beforehand (Lehmacher and Wassmer 1999, Biometrics 55:1286; Cui, Hung and Wang 1999, Biometrics 55:853). Here a set of fresh
//! rows weighs twice as much as everything before it, since undecided trials mostly lack more rows than they have: with as
//! many fresh rows as old ones, a gain counts 98.6 % of what it would with the best weights, with four times as many
//! 98.8 %, with eight times as many 96.2 %.
//!
//! Only what did not cross before goes on, so at the same error the combined test may cross more easily ([`level`]; as in any
//! group-sequential test, Jennison and Turnbull 2000, chapter 2): at .05, after a trial whose last look was tested at .042, it
//! is tested at .066.
//!
//! **Invariant:** if the p-values are independent and uniform, the chance that none crosses before and the combined one crosses is
//! the error it was granted, however the number of rows behind the last was chosen once the others were known. (Mid-p values
//! of sign-flip tests are uniform up to their steps; the simulations are of them.) A trial that had crossed before and goes on
//! because of a guard has its error from the test that it crossed; both tests together stay within the sum of their errors.

use super::{
    looks::Walk,
    normal::{upper_quantile, upper_tail},
};

/// The part of the information that everything before a set of fresh rows stands for.
const BEFORE: f64 = 1.0 / 3.0;

/// The one-sided p-value of both together: P(Z > sqrt(1/3) z1 + sqrt(2/3) z2) with P(Z > zi) = pi.
pub fn combined(before: f64, fresh: f64) -> f64 {
    let z = |p: f64| upper_quantile(p.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON));
    upper_tail(BEFORE.sqrt() * z(before) + (1.0 - BEFORE).sqrt() * z(fresh))
}

/// The nominal level of a combined p-value: what it is compared with so that it crosses with probability `alpha`, and none of
/// those before crosses at its own nominal level, which `before` has in order.
pub fn level(before: &[f64], alpha: f64) -> f64 {
    let mut walk = Walk::default();
    let mut information = before.iter().fold(1.0, |information, _| information * BEFORE);
    for level in before {
        walk.pass(information, upper_quantile(*level));
        information /= BEFORE;
    }
    upper_tail(walk.step(1.0, alpha))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::statistics::signflip::p_greater;

    #[test]
    fn two_hints_are_more_than_one() {
        assert!((combined(0.5, 0.5) - 0.5).abs() < 1e-12);
        assert!(combined(0.06, 0.06) < 0.02 && combined(0.2, 0.01) < combined(0.01, 0.2));
        assert!((level(&[], 0.05) - 0.05).abs() < 1e-9);
        assert!((level(&[0.042], 0.05) - 0.0655).abs() < 1e-4, "{}", level(&[0.042], 0.05));
        assert!(level(&[0.042, 0.0655], 0.05) > level(&[0.042], 0.05));
        assert!(combined(0.0, 1.0).is_finite() && combined(1e-12, 1e-12) > 0.0);
    }

    /// Units are drawn whose differences are worth nothing; after a look at their p-value, as many fresh ones are drawn as
    /// seem to be needed, up to twice. What crosses does so as often as it may. Testing all units together again and again,
    /// as long as it has not worked, crosses far more often.
    #[test]
    fn the_number_of_fresh_rows_may_hang_on_what_was_seen() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-3_i64..=3)).collect::<Vec<_>>();
        let (runs, alpha) = (6_000, 0.05);
        let levels = [0.042, level(&[0.042], alpha), level(&[0.042, level(&[0.042], alpha)], alpha)];
        let (mut crossed, mut naive) = ([0; 3], 0);
        for _ in 0..runs {
            let mut all = draw(40);
            let mut p = p_greater(&all);
            for (stage, level) in levels.iter().enumerate() {
                if p <= *level {
                    crossed[stage] += 1;
                    break;
                }
                p = combined(p, p_greater(&draw(if p < 0.2 { 25 } else { 120 })));
            }
            naive += u32::from((0..3).any(|_| {
                let proven = p_greater(&all) <= alpha;
                all.extend(draw(40));
                proven
            }));
        }
        let noise = 3.0 * (alpha * (1.0 - alpha) / f64::from(runs)).sqrt();
        for (stage, crossed) in crossed.into_iter().enumerate() {
            let (share, allowed) =
                (f64::from(crossed) / f64::from(runs), if stage == 0 { 0.042 } else { alpha });
            assert!((share - allowed).abs() < noise, "stage {stage}: {share}");
        }
        assert!(f64::from(naive) / f64::from(runs) > 0.08, "{naive} of {runs}");
    }
}
