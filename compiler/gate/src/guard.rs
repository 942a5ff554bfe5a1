//! Guards: what must not get worse, and what must not get too long.
//!
//! A guard passes only where enough worsening is excluded, and is broken only where it is certain; between the two, more
//! seeds are needed. Both bounds hold over all looks together.
//!
//! **Invariant:** a guard's bounds can be computed again from what it holds.

use serde::{Deserialize, Serialize};

use super::{
    contrast::{Contrast, Pair},
    demands::Cap,
    look::Scores,
    statistics::{
        interval::{Bounds, Pairs, student, t_bounds},
        normal::upper_quantile,
        spread::Spread,
    },
};

/// Something that may get worse by less than a margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Seeds that it is a mean of.
    pub seeds: usize,
    /// The mean difference.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Not below this.
    pub lower: f64,
    /// The level of the lower bound at this look.
    pub lower_level: f64,
    /// Not above this.
    pub upper: f64,
    /// The level of the upper bound at this look.
    pub upper_level: f64,
    /// The guard passes if the lower bound is above minus this; it is broken for sure if the upper bound is below it.
    pub margin: f64,
    /// How often each seed score occurs, of which the estimate is the mean.
    pub scores: Scores,
    /// How the pairs fell, if the bounds are Newcombe's; without them they are Student's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
}

/// A limit on what a row takes on average with the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Its name in task files: `max_tokens`, `max_reply_tokens` or `max_token_ratio`.
    pub name: String,
    /// Seeds that it is a mean of.
    pub seeds: usize,
    /// The most that it may be, in tokens; of a ratio, that multiple of what the baseline takes on the same rows.
    pub most: f64,
    /// What it is.
    pub observed: f64,
    /// The standard error of what is over the limit.
    pub se: f64,
    /// Not below this.
    pub lower: f64,
    /// The level of the lower bound at this look.
    pub lower_level: f64,
    /// Not above this.
    pub upper: f64,
    /// The level of the upper bound at this look.
    pub upper_level: f64,
}

/// One-sided levels of a lower and an upper bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoLevels {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Guard {
    /// Of a contrast whose bounds are Newcombe's where they can be.
    pub(crate) fn of(contrast: &Contrast, levels: TwoLevels, margin: f64) -> Self {
        let bounds = contrast.guard_bounds(levels.lower, levels.upper);
        Self { pairs: contrast.pairs, ..Self::new(contrast, levels, bounds, margin) }
    }

    /// Of a contrast whose bounds are always Student's.
    pub(crate) fn by_spread(contrast: &Contrast, levels: TwoLevels, margin: f64) -> Self {
        let bounds = student(contrast.spread(), levels.lower, levels.upper);
        Self::new(contrast, levels, bounds, margin)
    }

    fn new(contrast: &Contrast, levels: TwoLevels, Bounds { lower, upper }: Bounds, margin: f64) -> Self {
        let spread = contrast.spread();
        Self {
            seeds: spread.n,
            estimate: spread.mean,
            se: spread.se(),
            lower,
            lower_level: levels.lower,
            upper,
            upper_level: levels.upper,
            margin,
            scores: contrast.seed_scores(),
            pairs: None,
        }
    }

    /// Whether enough worsening is excluded.
    pub fn passes(&self) -> bool {
        self.lower > -self.margin
    }

    /// Whether enough worsening is certain.
    pub fn is_broken(&self) -> bool {
        self.upper < -self.margin
    }

    /// About how many seeds would let it pass four times out of five, if the truth is as observed (or half the margin away
    /// from it, if it is worse).
    pub(crate) fn seeds_needed(&self) -> usize {
        let room = (self.estimate + self.margin).max(self.margin / 2.0);
        match self.se > 0.0 {
            true => seeds_for(self.seeds, self.se / room, self.lower_level),
            // Nothing differs: so many have to be seen until a loss of the margin would have shown (the rule of three).
            false => (self.lower_level.ln() / (-self.margin).ln_1p()).ceil() as usize,
        }
    }
}

impl Limit {
    /// Of what both prompts take, by seed; nothing without seeds.
    pub(crate) fn of(cap: Cap, seeds: &[Vec<Pair>], levels: TwoLevels) -> Option<Self> {
        let over_seeds = |of: &dyn Fn(Pair) -> f64| {
            let mean = |rows: &Vec<Pair>| rows.iter().map(|pair| of(*pair)).sum::<f64>() / rows.len() as f64;
            Spread::of(&seeds.iter().filter(|rows| !rows.is_empty()).map(mean).collect::<Vec<_>>())
        };
        let most = over_seeds(&|(baseline, _)| cap.most.where_baseline_has(baseline)).mean;
        let observed = over_seeds(&|(_, finalist)| finalist).mean;
        let over = over_seeds(&|(baseline, finalist)| finalist - cap.most.where_baseline_has(baseline));
        let bounds = t_bounds(over, levels.lower, levels.upper)?;
        Some(Self {
            name: cap.name.to_owned(),
            seeds: over.n,
            most,
            observed,
            se: over.se(),
            lower: most + bounds.lower,
            lower_level: levels.lower,
            upper: most + bounds.upper,
            upper_level: levels.upper,
        })
    }

    /// Whether more than the limit is excluded.
    pub fn passes(&self) -> bool {
        self.upper <= self.most
    }

    /// Whether more than the limit is certain.
    pub fn is_broken(&self) -> bool {
        self.lower > self.most
    }

    /// About how many seeds would let it pass four times out of five, if the truth is as observed (or a hundredth below the
    /// limit, if it is more).
    pub(crate) fn seeds_needed(&self) -> usize {
        let room = (self.most - self.observed).max(self.most / 100.0);
        seeds_for(self.seeds, self.se / room, self.upper_level)
    }
}

/// Seeds for a bound at `level` to clear something that is `1 / errors` standard errors away, with probability .8:
/// n (z_level + z_.20)^2 errors^2.
fn seeds_for(n: usize, errors: f64, level: f64) -> usize {
    let reach = (upper_quantile(level) + upper_quantile(0.20)).max(0.0);
    (n as f64 * (reach * errors).powi(2)).ceil() as usize
}
