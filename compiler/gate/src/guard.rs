//! Guards: what must not get worse, and what must not get too long.
//!
//! A guard passes only where enough worsening is excluded, and is broken only where it is certain; between the two, more
//! units are needed. Both bounds hold over all looks together.
//!
//! **Invariant:** a guard's bounds can be computed again from what it holds.

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounded, TwoLevels},
    contrast::Contrast,
    demands::Cap,
    scores::{Pair, Scores},
    statistics::{
        interval::{Bounds, Pairs, student, t_bounds},
        normal::upper_quantile,
        spread::Spread,
    },
};

/// Something that may get worse by less than a margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// The mean difference, with its bounds.
    #[serde(flatten)]
    pub bounded: Bounded,
    /// The guard passes if the lower bound is above minus this; it is broken for sure if the upper bound is below it.
    pub margin: f64,
    /// How often each unit score occurs, of which the estimate is the mean.
    pub scores: Scores,
    /// How the pairs fell, if the bounds are Newcombe's; without them they are Student's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
}

/// A limit on what a row takes on average with the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenLimit", into = "WrittenLimit")]
pub struct Limit {
    /// Its name in task files: `max_tokens`, `max_reply_tokens` or `max_token_ratio`.
    pub name: String,
    /// The most that it may be, in tokens; of a ratio, that multiple of what the baseline takes on the same rows.
    pub most: f64,
    /// The mean that was observed, with its bounds. The standard error is that of the part over the limit.
    pub observed: Bounded,
}

/// A limit as certificates hold it.
#[derive(Clone, Serialize, Deserialize)]
struct WrittenLimit {
    name: String,
    seeds: usize,
    most: f64,
    observed: f64,
    se: f64,
    lower: f64,
    lower_level: f64,
    upper: f64,
    upper_level: f64,
}

impl From<WrittenLimit> for Limit {
    fn from(written: WrittenLimit) -> Self {
        let WrittenLimit { name, seeds, most, observed, se, lower, lower_level, upper, upper_level } =
            written;
        let observed =
            Bounded { units: seeds, estimate: observed, se, lower, lower_level, upper, upper_level };
        Self { name, most, observed }
    }
}

impl From<Limit> for WrittenLimit {
    fn from(Limit { name, most, observed }: Limit) -> Self {
        let Bounded { units, estimate, se, lower, lower_level, upper, upper_level } = observed;
        Self { name, seeds: units, most, observed: estimate, se, lower, lower_level, upper, upper_level }
    }
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

    fn new(contrast: &Contrast, levels: TwoLevels, bounds: Bounds, margin: f64) -> Self {
        let bounded = Bounded::new(contrast.spread(), bounds, levels);
        Self { bounded, margin, scores: contrast.unit_scores(), pairs: None }
    }

    /// Whether enough worsening is excluded.
    pub fn passes(&self) -> bool {
        self.bounded.lower > -self.margin
    }

    /// Whether enough worsening is certain.
    pub fn is_broken(&self) -> bool {
        self.bounded.upper < -self.margin
    }

    /// About how many units would let it pass four times out of five, if the truth is as observed (or half the margin away
    /// from it, if it is worse).
    pub(crate) fn units_needed(&self) -> usize {
        let room = (self.bounded.estimate + self.margin).max(self.margin / 2.0);
        match self.bounded.se > 0.0 {
            true => units_for(self.bounded.units, self.bounded.se / room, self.bounded.lower_level),
            // Nothing differs: this number of units would have shown a loss of the margin (the rule of three).
            false => (self.bounded.lower_level.ln() / (-self.margin).ln_1p()).ceil() as usize,
        }
    }
}

impl Limit {
    /// Of what both prompts take, by unit; nothing without units.
    pub(crate) fn of(cap: Cap, units: &[Vec<Pair>], levels: TwoLevels) -> Option<Self> {
        let over_units = |of: &dyn Fn(Pair) -> f64| {
            let mean = |rows: &Vec<Pair>| rows.iter().map(|pair| of(*pair)).sum::<f64>() / rows.len() as f64;
            Spread::of(&units.iter().filter(|rows| !rows.is_empty()).map(mean).collect::<Vec<_>>())
        };
        let most = over_units(&|(baseline, _)| cap.most.where_baseline_has(baseline)).mean;
        let observed = over_units(&|(_, finalist)| finalist).mean;
        let over = over_units(&|(baseline, finalist)| finalist - cap.most.where_baseline_has(baseline));
        let bounds = t_bounds(over, levels.lower, levels.upper)?;
        let bounds = Bounds { lower: most + bounds.lower, upper: most + bounds.upper };
        let observed = Bounded::new(Spread { mean: observed, ..over }, bounds, levels);
        Some(Self { name: cap.name.to_owned(), most, observed })
    }

    /// Whether more than the limit is excluded.
    pub fn passes(&self) -> bool {
        self.observed.upper <= self.most
    }

    /// Whether more than the limit is certain.
    pub fn is_broken(&self) -> bool {
        self.observed.lower > self.most
    }

    /// About how many units would let it pass four times out of five, if the truth is as observed (or a hundredth below the
    /// limit, if it is more).
    pub(crate) fn units_needed(&self) -> usize {
        let room = (self.most - self.observed.estimate).max(self.most / 100.0);
        units_for(self.observed.units, self.observed.se / room, self.observed.upper_level)
    }
}

/// Units for a bound at `level` to clear something that is `1 / errors` standard errors away, with probability .8:
/// n (z_level + z_.20)^2 errors^2.
fn units_for(n: usize, errors: f64, level: f64) -> usize {
    let reach = (upper_quantile(level) + upper_quantile(0.20)).max(0.0);
    (n as f64 * (reach * errors).powi(2)).ceil() as usize
}
