//! A contrast: candidate against baseline on chosen rows, one whole number and one mean difference per unit.
//!
//! **Invariant:** only rows that both answered are compared, and every unit counts the same, however many rows it has.

use std::collections::BTreeMap;

use super::{
    scores::{Pair, Scores},
    statistics::{
        interval::{Bounds, Pairs, flipped, inverted, newcombe, student, unseen_share},
        normal::upper_quantile,
        signflip::{p_greater, p_less},
        spread::Spread,
    },
};

/// The finest step: whole numbers per unit are in steps of 1 / (at most this). Of scores of 0 and 1 the steps are exact as
/// long as the least common multiple of the units' numbers of rows is no larger; of scores in hundredths, on units of 1, 2,
/// 3, 4, 6 or 12 rows. Everything else is rounded to the nearest step.
///
/// What rounding does: it is an odd function, so a difference that is as likely as its opposite stays so, and the test of
/// the rounded numbers keeps its error exactly. It moves each unit, and so the mean gain that the test is about, by at most
/// half a step: 1/2400, or 0.042 points.
const MOST_STEPS: i64 = 1200;

/// Margins are whole hundredths, which are whole steps in any number that this divides.
const HUNDRED: i64 = 100;

/// Half points in a difference of 1.
pub(crate) const HALF_POINTS: i64 = 200;

/// Below this many units the bounds invert the test exactly, not by its normal approximation.
const FEW_UNITS: usize = 30;

/// Candidate against baseline on chosen rows.
#[derive(Clone, Debug)]
pub(crate) struct Contrast {
    /// The mean difference of each unit, as a share.
    pub(crate) means: Vec<f64>,
    /// The same as a whole number of `steps`-ths.
    pub(crate) scores: Vec<i64>,
    pub(crate) steps: i64,
    /// How the pairs fell, where each unit has one row and every score is 0 or 1.
    pub(crate) pairs: Option<Pairs>,
}

impl Contrast {
    /// Of units with their rows; units without rows do not count.
    pub(crate) fn of(units: &[Vec<Pair>]) -> Self {
        let units: Vec<_> = units.iter().filter(|rows| !rows.is_empty()).collect();
        let binary = units.iter().all(|rows| rows.iter().all(|(b, c)| is_binary(*b) && is_binary(*c)));
        let exact = units.iter().fold(1, |steps, rows| shared(steps, rows.len() as i64));
        let mean = |rows: &&Vec<Pair>| rows.iter().map(|(b, c)| c - b).sum::<f64>() / rows.len() as f64;
        let means: Vec<_> = units.iter().map(mean).collect();
        let single = binary && units.iter().all(|rows| rows.len() == 1);
        let pairs = single.then(|| pairs(units.iter().map(|rows| rows[0])));
        let steps = if binary { exact } else { MOST_STEPS };
        Self { scores: rounded(&means, steps), means, steps, pairs }
    }

    /// The p-value of the sign-flip test that the mean difference exceeds `-margin`. A margin of whole hundredths shifts it
    /// exactly.
    pub(crate) fn p_better(&self, margin: f64) -> f64 {
        if margin <= 0.0 {
            return p_greater(&self.scores);
        }
        let p = self.p_shifted(margin, HUNDRED);
        // Where no unit lost anything, the signs say nothing about losses that were not seen.
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

    /// The p-value of the sign-flip test of the units' scores, each `shift` larger, which is a whole number of `denominator`-ths. Of the
    /// scores, not of the means, so that it can be computed again from them.
    fn p_shifted(&self, shift: f64, denominator: i64) -> f64 {
        let steps = shared(self.steps, denominator);
        let shift = (shift * steps as f64).round() as i64;
        let finer = |score: &i64| ((score * steps) as f64 / self.steps as f64).round() as i64;
        p_greater(&self.scores.iter().map(|score| finer(score) + shift).collect::<Vec<_>>())
    }

    /// The p-value of the sign-flip test that the mean difference is below 0.
    pub(crate) fn p_worse(&self) -> f64 {
        p_less(&self.scores)
    }

    /// This difference minus another one over the same units.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let means: Vec<_> = self.means.iter().zip(&other.means).map(|(a, b)| a - b).collect();
        let steps = shared(self.steps, other.steps);
        Self { scores: rounded(&means, steps), means, steps, pairs: None }
    }

    /// Mean and spread over units.
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.means)
    }

    /// Bounds of the mean difference for claims: those that invert the sign-flip test, so that the lower one is above 0
    /// exactly when the test at its level rejects. Where all units behave alike, others may still differ (the rule of
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
        if spread.n < FEW_UNITS || !agrees {
            return inverted(&self.scores, self.steps, lower_level, upper_level);
        }
        quick
    }

    /// Bounds of the mean difference for guards: Newcombe's for one binary row per unit, otherwise the t bounds.
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
    pub(crate) fn unit_scores(&self) -> Scores {
        let mut counts = BTreeMap::new();
        self.scores.iter().for_each(|score| *counts.entry(*score).or_default() += 1);
        Scores { steps: self.steps, counts }
    }
}

/// The chance that none of `n` units shows a loss, if the share `fall` of all units loses everything:
/// (1 - fall)^n.
fn unseen_loss(fall: f64, n: usize) -> f64 {
    let left = (1.0 - fall).clamp(0.0, 1.0).powi(i32::try_from(n).unwrap_or(i32::MAX));
    left.max(f64::MIN_POSITIVE)
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

/// Means in steps of 1 / `steps`, to the nearest; halves away from 0, so that opposites stay opposites.
fn rounded(means: &[f64], steps: i64) -> Vec<i64> {
    means.iter().map(|mean| (mean * steps as f64).round() as i64).collect()
}

/// The smallest number of steps that holds both exactly (the least common multiple), at most [`MOST_STEPS`].
fn shared(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b).min(MOST_STEPS)
}

#[cfg(test)]
mod tests;
