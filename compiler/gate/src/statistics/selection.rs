//! Selection noise: how large a gain on training rows the best of many equal prompts shows by luck alone.
//!
//! All candidates are answered on the same rows, so their differences to the baseline are flipped *jointly*, one sign per
//! row (Westfall and Young 1993): that keeps the correlation between candidates, and many near-copies of one prompt do
//! not count as many independent draws.
//!
//! **Invariant:** the result depends on the gains and the unit alone.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// Draws of the sign patterns.
const DRAWS: usize = 2000;

/// The largest mean difference over candidates when none is better than the baseline, as shares, in rising order.
#[derive(Clone, Debug)]
pub struct SelectionNoise {
    largest: Vec<f64>,
}

impl SelectionNoise {
    /// Of candidates' differences to the baseline: one list per candidate, all over the same rows.
    pub fn of(gains: &[Vec<f64>], seed: [u8; 32]) -> Self {
        let rows = gains.first().map_or(0, Vec::len);
        let mut rng = ChaCha8Rng::from_seed(seed);
        let mut signs = vec![0.0; rows];
        let mut draw = || {
            flip(&mut signs, &mut rng);
            let mean = |gain: &Vec<f64>| dot(gain, &signs) / rows.max(1) as f64;
            gains.iter().map(mean).fold(0.0, f64::max)
        };
        let mut largest: Vec<_> = (0..DRAWS).map(|_| draw()).collect();
        largest.sort_by(f64::total_cmp);
        Self { largest }
    }

    /// The gain that luck alone exceeds with probability `level`.
    pub fn exceeded_with(&self, level: f64) -> f64 {
        let rank = ((1.0 - level) * self.largest.len() as f64).ceil() as usize;
        self.largest[rank.clamp(1, self.largest.len()) - 1]
    }

    /// The gain that luck alone gives on average: the winner's curse when all prompts are equal.
    pub fn mean(&self) -> f64 {
        self.largest.iter().sum::<f64>() / self.largest.len() as f64
    }

    /// The chance that luck alone gives at least this gain: (1 + draws at least as large) / (1 + draws).
    pub fn p(&self, gain: f64) -> f64 {
        let below = self.largest.partition_point(|largest| *largest < gain - 1e-12);
        (1 + self.largest.len() - below) as f64 / (1 + self.largest.len()) as f64
    }
}

/// Fills `signs` with fair coin flips, 64 to a word.
fn flip(signs: &mut [f64], rng: &mut ChaCha8Rng) {
    for chunk in signs.chunks_mut(64) {
        let bits = rng.next_u64();
        for (i, sign) in chunk.iter_mut().enumerate() {
            *sign = if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sign patterns of 12 rows and 3 candidates against the draws.
    #[test]
    fn draws_approach_the_enumeration() {
        let gains: Vec<Vec<f64>> =
            (0..3).map(|k| (0..12).map(|i| f64::from((i * (k + 2) + k) % 3 - 1)).collect()).collect();
        let patterns = 1_u32 << 12;
        let largest = |pattern: u32| {
            let signs: Vec<_> = (0..12).map(|i| if pattern >> i & 1 == 1 { 1.0 } else { -1.0 }).collect();
            gains.iter().map(|gain| dot(gain, &signs) / 12.0).fold(0.0, f64::max)
        };
        let all: Vec<_> = (0..patterns).map(largest).collect();
        let mean = all.iter().sum::<f64>() / f64::from(patterns);
        let noise = SelectionNoise::of(&gains, [7; 32]);
        assert!((noise.mean() - mean).abs() < 0.015, "{} against {mean}", noise.mean());
        let gain = 0.3;
        let p = all.iter().filter(|x| **x >= gain - 1e-12).count() as f64 / f64::from(patterns);
        assert!((noise.p(gain) - p).abs() < 0.04, "{} against {p}", noise.p(gain));
    }

    #[test]
    fn near_copies_are_not_many_draws() {
        let gain: Vec<f64> = (0..60).map(|i| f64::from(i % 3 - 1)).collect();
        let one = SelectionNoise::of(std::slice::from_ref(&gain), [1; 32]);
        let copies = SelectionNoise::of(&vec![gain; 40], [1; 32]);
        assert_eq!(one.largest, copies.largest);
    }

    #[test]
    fn no_rows_make_no_gain() {
        let noise = SelectionNoise::of(&[], [0; 32]);
        assert!(noise.exceeded_with(0.05).abs() < 1e-12 && noise.mean().abs() < 1e-12);
    }
}
