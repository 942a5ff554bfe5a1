//! Intervals that hold for several gains at once.
//!
//! The largest of ten gains is outside its own interval more often than one time in twenty. These intervals are as wide
//! as it takes that *all* of them hold together with 95 % confidence, by the distribution of the largest Studentized
//! deviation under random signs (max-t: Westfall and Young 1993, "Resampling-Based Multiple Testing"; Romano and Wolf 2005,
//! JASA 100:94). Gains that were measured on the same units share their signs, so that what they have in common is not
//! paid for twice.
//!
//! **Invariant:** the same numbers give the same intervals, bit for bit, whatever the order of the gains.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::{interval::Bounds, spread::Spread};

/// Random sign patterns; the quantile's own error is then below a fiftieth of a standard error.
const DRAWS: usize = 4_000;

/// For each gain its mean with the bounds that hold together at `confidence`; `gains[k][i]` is the `k`-th gain on
/// unit `i`, the same units for all. A gain that is the same on every unit gets its value as both bounds. Without two
/// units nothing is known.
pub fn intervals(gains: &[Vec<f64>], confidence: f64) -> Vec<(f64, Bounds)> {
    let spreads: Vec<Spread> = gains.iter().map(|gain| Spread::of(gain)).collect();
    let reach = critical(gains, &spreads, confidence);
    let interval = |spread: &Spread| {
        let margin = if spread.n < 2 { 2.0 } else { reach * spread.se() };
        let bounds =
            Bounds { lower: (spread.mean - margin).max(-1.0), upper: (spread.mean + margin).min(1.0) };
        (spread.mean, bounds)
    };
    spreads.iter().map(interval).collect()
}

/// How many standard errors all gains together stay within, at `confidence`.
fn critical(gains: &[Vec<f64>], spreads: &[Spread], confidence: f64) -> f64 {
    let moving = gains.iter().zip(spreads).filter(|(_, spread)| spread.n > 1 && spread.sd > 0.0);
    let centred: Vec<Vec<f64>> =
        moving.map(|(gain, spread)| gain.iter().map(|gain| gain - spread.mean).collect()).collect();
    let units = centred.first().map_or(0, Vec::len);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut largest: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let signs: Vec<bool> = (0..units).map(|_| rng.random()).collect();
            centred.iter().map(|gains| studentized(gains, &signs)).fold(0.0, f64::max)
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the draws")]
    let at = (confidence * DRAWS as f64).ceil() as usize;
    largest.get(at.clamp(1, DRAWS) - 1).copied().unwrap_or(0.0)
}

/// |mean / standard error| of the gains under signs.
fn studentized(gains: &[f64], signs: &[bool]) -> f64 {
    let signed: Vec<f64> =
        gains.iter().zip(signs).map(|(gain, minus)| if *minus { -gain } else { *gain }).collect();
    let spread = Spread::of(&signed);
    if spread.sd > 0.0 { (spread.mean / spread.se()).abs() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    /// `k` gains over `n` units with this truth; `common` is what all gains share on a unit.
    fn drawn(rng: &mut ChaCha8Rng, k: usize, n: usize, truth: f64, common: bool) -> Vec<Vec<f64>> {
        let shared: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
        let own = |rng: &mut ChaCha8Rng, i: usize| if common { shared[i] } else { rng.random::<f64>() - 0.5 };
        (0..k).map(|_| (0..n).map(|i| truth + own(rng, i)).collect()).collect()
    }

    #[test]
    fn all_intervals_hold_together_about_as_often_as_they_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let holds = |rng: &mut ChaCha8Rng| {
            let gains = drawn(rng, 6, 40, 0.1, false);
            intervals(&gains, 0.95).iter().all(|(_, bounds)| bounds.lower <= 0.1 && 0.1 <= bounds.upper)
        };
        let held = (0..200).filter(|_| holds(&mut rng)).count();
        assert!((178..=200).contains(&held), "{held} of 200");
    }

    #[test]
    fn one_gain_alone_has_the_sign_flip_interval() {
        let gains = [0.9, -0.2, 0.4, 0.3, -0.6, 0.5, 0.1, 0.8];
        let spread = Spread::of(&gains);
        let centred: Vec<f64> = gains.iter().map(|gain| gain - spread.mean).collect();
        let mut all: Vec<f64> = (0..1u32 << gains.len())
            .map(|pattern| studentized(&centred, &(0..8).map(|i| pattern >> i & 1 == 1).collect::<Vec<_>>()))
            .collect();
        all.sort_by(f64::total_cmp);
        let (_, bounds) = intervals(&[gains.to_vec()], 0.9)[0];
        let reach = (bounds.upper - bounds.lower) / 2.0 / spread.se();
        // The drawn quantile lies between the exact ones a little to both sides.
        assert!((all[224]..=all[236]).contains(&reach), "{reach} not within {} and {}", all[224], all[236]);
    }

    #[test]
    fn gains_that_are_one_and_the_same_cost_no_more_than_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let same = drawn(&mut rng, 5, 30, 0.0, true);
        assert_eq!(intervals(&same, 0.95)[3], intervals(&same[..1], 0.95)[0]);
        let apart = drawn(&mut rng, 5, 30, 0.0, false);
        let width = |gains: &[Vec<f64>]| {
            critical(gains, &gains.iter().map(|l| Spread::of(l)).collect::<Vec<_>>(), 0.95)
        };
        assert!(width(&apart) > 1.15 * width(&apart[..1]));
    }

    #[test]
    fn a_gain_without_variation_is_its_own_interval() {
        let gains = [vec![0.0; 9], vec![0.1, 0.2, 0.0, 0.3, 0.1, 0.0, 0.2, 0.1, 0.4]];
        let [(mean, bounds), (_, other)] = intervals(&gains, 0.95)[..] else { panic!("two gains") };
        assert_eq!((mean, bounds), (0.0, Bounds { lower: 0.0, upper: 0.0 }));
        assert!(other.lower < other.upper);
        assert_eq!(intervals(&[vec![0.3]], 0.95)[0].1, Bounds { lower: -1.0, upper: 1.0 });
    }
}
