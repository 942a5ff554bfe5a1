//! A contrast: candidate against baseline on chosen rows, one whole number and one mean difference per seed.
//!
//! **Invariant:** only rows that both answered are compared, and every seed counts the same, however many rows it has.

use std::collections::BTreeMap;

use super::{
    measure::Measured,
    statistics::{
        interval::{Bounds, Pairs, flipped, inverted, newcombe, student, unseen_share},
        normal::upper_quantile,
        signflip::{p_greater, p_less},
        spread::Spread,
    },
};

/// Graded scores count in hundredths.
const GRADES: f64 = 100.0;

/// The whole numbers per seed are in units of 1 / (at most this), or of hundredths of that for graded scores.
const MOST_ROWS: i64 = 840;

/// Below this many seeds the bounds invert the test exactly, not by its normal approximation.
const FEW_SEEDS: usize = 30;

/// Scores of the baseline and the candidate on one row.
pub(in crate::gate) type Pair = (f64, f64);

/// Candidate against baseline on chosen rows.
#[derive(Clone, Debug)]
pub(in crate::gate) struct Contrast {
    /// The mean difference of each seed, as a share.
    pub(in crate::gate) means: Vec<f64>,
    /// The same as a whole number of `unit`-ths.
    pub(in crate::gate) scores: Vec<i64>,
    pub(in crate::gate) unit: i64,
    /// How the pairs fell, where each seed has one row and every score is 0 or 1.
    pairs: Option<Pairs>,
}

impl Contrast {
    /// Of seeds with their rows; seeds without rows do not count.
    pub(in crate::gate) fn of(seeds: &[Vec<Pair>]) -> Self {
        let seeds: Vec<_> = seeds.iter().filter(|rows| !rows.is_empty()).collect();
        let binary = seeds.iter().all(|rows| rows.iter().all(|(b, c)| is_binary(*b) && is_binary(*c)));
        let grades = if binary { 1.0 } else { GRADES };
        let per_seed = seeds.iter().fold(1, |unit, rows| common(unit, rows.len() as i64)).min(MOST_ROWS);
        let score = |rows: &&Vec<Pair>| {
            let sum: f64 = rows.iter().map(|(b, c)| ((c - b) * grades).round()).sum();
            (sum * per_seed as f64 / rows.len() as f64).round() as i64
        };
        let mean = |rows: &&Vec<Pair>| rows.iter().map(|(b, c)| c - b).sum::<f64>() / rows.len() as f64;
        let single = binary && seeds.iter().all(|rows| rows.len() == 1);
        Self {
            means: seeds.iter().map(mean).collect(),
            scores: seeds.iter().map(score).collect(),
            unit: per_seed * grades as i64,
            pairs: single.then(|| pairs(seeds.iter().map(|rows| rows[0]))),
        }
    }

    /// The p-value of the sign-flip test that the mean difference exceeds `-margin`.
    pub(in crate::gate) fn p_better(&self, margin: f64) -> f64 {
        let shift = (margin * GRADES).round() as i64 * self.unit;
        if shift == 0 {
            return p_greater(&self.scores);
        }
        p_greater(&self.scores.iter().map(|x| x * GRADES as i64 + shift).collect::<Vec<_>>())
    }

    /// The p-value of the sign-flip test that the mean difference is below 0.
    pub(in crate::gate) fn p_worse(&self) -> f64 {
        p_less(&self.scores)
    }

    /// This difference minus another one over the same seeds.
    pub(in crate::gate) fn minus(&self, other: &Self) -> Self {
        let means = self.means.iter().zip(&other.means).map(|(a, b)| a - b).collect();
        let scores =
            self.scores.iter().zip(&other.scores).map(|(a, b)| a * other.unit - b * self.unit).collect();
        Self { means, scores, unit: self.unit * other.unit, pairs: None }
    }

    /// Mean and spread over seeds.
    pub(in crate::gate) fn spread(&self) -> Spread {
        Spread::of(&self.means)
    }

    /// Bounds of the mean difference for claims: those that invert the sign-flip test, so that the lower one is above 0
    /// exactly when the test at its level rejects. Where all seeds behave alike, others may still differ (the rule of
    /// three).
    pub(in crate::gate) fn bounds(&self, lower_level: f64, upper_level: f64) -> Bounds {
        let spread = self.spread();
        if spread.n > 0 && spread.sd <= f64::EPSILON {
            return Bounds {
                lower: (spread.mean - unseen_share(spread.n, lower_level)).max(-1.0),
                upper: (spread.mean + unseen_share(spread.n, upper_level)).min(1.0),
            };
        }
        let quick = flipped(spread, lower_level, upper_level);
        let agrees = (quick.lower > 0.0) == (self.p_better(0.0) <= lower_level)
            && (quick.upper < 0.0) == (self.p_worse() <= upper_level);
        if spread.n < FEW_SEEDS || !agrees {
            return inverted(&self.scores, self.unit, lower_level, upper_level);
        }
        quick
    }

    /// Bounds of the mean difference for guards: Newcombe's for one binary row per seed, otherwise the t bounds.
    pub(in crate::gate) fn guard_bounds(&self, lower_level: f64, upper_level: f64) -> Bounds {
        match self.pairs {
            Some(pairs) => Bounds {
                lower: newcombe(pairs, upper_quantile(lower_level)).lower,
                upper: newcombe(pairs, upper_quantile(upper_level)).upper,
            },
            None => student(self.spread(), lower_level, upper_level),
        }
    }

    /// How often each whole number occurs: all that is needed to compute the p-value again.
    pub(in crate::gate) fn counts(&self) -> BTreeMap<i64, usize> {
        let mut counts = BTreeMap::new();
        self.scores.iter().for_each(|score| *counts.entry(*score).or_default() += 1);
        counts
    }
}

/// The score pairs of rows, by seed, where both answered.
pub(in crate::gate) fn pairs_of<'a>(
    rows: impl Iterator<Item = &'a Vec<usize>>,
    of: impl Fn(&Measured) -> f64,
    (baseline, candidate): (&[Option<Measured>], &[Option<Measured>]),
) -> Vec<Vec<Pair>> {
    let pair = |row: &usize| Some((of(baseline[*row].as_ref()?), of(candidate[*row].as_ref()?)));
    rows.map(|rows| rows.iter().filter_map(pair).collect()).collect()
}

fn pairs(rows: impl Iterator<Item = Pair>) -> Pairs {
    let mut pairs = Pairs::default();
    for (baseline, candidate) in rows {
        *match (baseline > 0.5, candidate > 0.5) {
            (true, true) => &mut pairs.both,
            (false, true) => &mut pairs.candidate,
            (true, false) => &mut pairs.baseline,
            (false, false) => &mut pairs.neither,
        } += 1;
    }
    pairs
}

fn is_binary(score: f64) -> bool {
    score.to_bits() == 0.0_f64.to_bits() || score.to_bits() == 1.0_f64.to_bits()
}

/// The least common multiple.
fn common(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

#[cfg(test)]
mod tests;
