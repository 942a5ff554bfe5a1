//! A contrast: candidate against baseline on chosen rows, one whole number and one mean difference per seed.
//!
//! **Invariant:** only rows that both answered are compared, and every seed counts the same, however many rows it has.

use std::collections::BTreeMap;

use super::{
    look::Scores,
    measure::Measured,
    statistics::{
        interval::{Bounds, Pairs, flipped, inverted, newcombe, student, unseen_share},
        normal::upper_quantile,
        signflip::{p_greater, p_less},
        spread::Spread,
    },
};

/// The finest unit: whole numbers per seed are in steps of 1 / (at most this). Of scores of 0 and 1 the steps are exact as
/// long as the least common multiple of the seeds' numbers of rows is no larger; of scores in hundredths, on seeds of 1, 2,
/// 3, 4, 6 or 12 rows. Everything else is rounded to the nearest step.
///
/// What rounding does: it is an odd function, so a difference that is as likely as its opposite stays so, and the test of
/// the rounded numbers keeps its error exactly. It moves each seed, and so the mean lead that the test is about, by at most
/// half a step: 1/2400, or 0.042 points.
const MOST_STEPS: i64 = 1200;

/// Margins are whole hundredths, which are whole steps in any unit that this divides.
const HUNDRED: i64 = 100;

/// Half points in a difference of 1.
pub(crate) const HALF_POINTS: i64 = 200;

/// Below this many seeds the bounds invert the test exactly, not by its normal approximation.
const FEW_SEEDS: usize = 30;

/// Scores of the baseline and the candidate on one row.
pub(crate) type Pair = (f64, f64);

/// Candidate against baseline on chosen rows.
#[derive(Clone, Debug)]
pub(crate) struct Contrast {
    /// The mean difference of each seed, as a share.
    pub(crate) means: Vec<f64>,
    /// The same as a whole number of `unit`-ths.
    pub(crate) scores: Vec<i64>,
    pub(crate) unit: i64,
    /// How the pairs fell, where each seed has one row and every score is 0 or 1.
    pub(crate) pairs: Option<Pairs>,
}

impl Contrast {
    /// Of seeds with their rows; seeds without rows do not count.
    pub(crate) fn of(seeds: &[Vec<Pair>]) -> Self {
        let seeds: Vec<_> = seeds.iter().filter(|rows| !rows.is_empty()).collect();
        let binary = seeds.iter().all(|rows| rows.iter().all(|(b, c)| is_binary(*b) && is_binary(*c)));
        let exact = seeds.iter().fold(1, |unit, rows| shared(unit, rows.len() as i64));
        let mean = |rows: &&Vec<Pair>| rows.iter().map(|(b, c)| c - b).sum::<f64>() / rows.len() as f64;
        let means: Vec<_> = seeds.iter().map(mean).collect();
        let single = binary && seeds.iter().all(|rows| rows.len() == 1);
        let pairs = single.then(|| pairs(seeds.iter().map(|rows| rows[0])));
        let unit = if binary { exact } else { MOST_STEPS };
        Self { scores: rounded(&means, unit), means, unit, pairs }
    }

    /// The p-value of the sign-flip test that the mean difference exceeds `-margin`. A margin of whole hundredths shifts it
    /// exactly.
    pub(crate) fn p_better(&self, margin: f64) -> f64 {
        if margin <= 0.0 {
            return p_greater(&self.scores);
        }
        let p = self.p_shifted(margin, HUNDRED);
        // Where no seed lost anything, the signs say nothing about losses that were not seen.
        if self.loses_nowhere() {
            p.max(unseen_loss(self.spread().mean + margin, self.scores.len()))
        } else {
            p
        }
    }

    fn loses_nowhere(&self) -> bool {
        self.scores.iter().all(|score| *score >= 0)
    }

    /// The p-value of the sign-flip test that the mean difference exceeds this many half points.
    pub(crate) fn p_above(&self, half_points: i64) -> f64 {
        self.p_shifted(-(half_points as f64) / HALF_POINTS as f64, HALF_POINTS)
    }

    /// The p-value of the sign-flip test of the seeds' scores, each `shift` larger, which is a whole number of `steps`-ths. Of the
    /// scores, not of the means, so that it can be computed again from them.
    fn p_shifted(&self, shift: f64, steps: i64) -> f64 {
        let unit = shared(self.unit, steps);
        let shift = (shift * unit as f64).round() as i64;
        let finer = |score: &i64| ((score * unit) as f64 / self.unit as f64).round() as i64;
        p_greater(&self.scores.iter().map(|score| finer(score) + shift).collect::<Vec<_>>())
    }

    /// The p-value of the sign-flip test that the mean difference is below 0.
    pub(crate) fn p_worse(&self) -> f64 {
        p_less(&self.scores)
    }

    /// This difference minus another one over the same seeds.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let means: Vec<_> = self.means.iter().zip(&other.means).map(|(a, b)| a - b).collect();
        let unit = shared(self.unit, other.unit);
        Self { scores: rounded(&means, unit), means, unit, pairs: None }
    }

    /// Mean and spread over seeds.
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.means)
    }

    /// Bounds of the mean difference for claims: those that invert the sign-flip test, so that the lower one is above 0
    /// exactly when the test at its level rejects. Where all seeds behave alike, others may still differ (the rule of
    /// three).
    pub(crate) fn bounds(&self, lower_level: f64, upper_level: f64) -> Bounds {
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
    pub(crate) fn guard_bounds(&self, lower_level: f64, upper_level: f64) -> Bounds {
        match self.pairs {
            Some(pairs) => Bounds {
                lower: newcombe(pairs, upper_quantile(lower_level)).lower,
                upper: newcombe(pairs, upper_quantile(upper_level)).upper,
            },
            None => student(self.spread(), lower_level, upper_level),
        }
    }

    /// How often each whole number occurs: all that is needed to compute p-values again.
    pub(crate) fn seed_scores(&self) -> Scores {
        let mut counts = BTreeMap::new();
        self.scores.iter().for_each(|score| *counts.entry(*score).or_default() += 1);
        Scores { unit: self.unit, counts }
    }
}

/// The chance that none of `n` seeds shows a loss, if a share of them lose everything, so many that the mean falls by `fall`:
/// (1 - fall)^n.
fn unseen_loss(fall: f64, n: usize) -> f64 {
    let left = (1.0 - fall).clamp(0.0, 1.0).powi(i32::try_from(n).unwrap_or(i32::MAX));
    left.max(f64::MIN_POSITIVE)
}

/// The score pairs of rows, by seed, where both answered.
pub(crate) fn pairs_of<'a>(
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

pub(crate) fn is_binary(score: f64) -> bool {
    score.to_bits() == 0.0_f64.to_bits() || score.to_bits() == 1.0_f64.to_bits()
}

/// Means in steps of 1 / `unit`, to the nearest; halves away from 0, so that opposites stay opposites.
fn rounded(means: &[f64], unit: i64) -> Vec<i64> {
    means.iter().map(|mean| (mean * unit as f64).round() as i64).collect()
}

/// The coarsest unit that holds both exactly (the least common multiple), or the finest one if that is finer still.
fn shared(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b).min(MOST_STEPS)
}

#[cfg(test)]
mod tests;
