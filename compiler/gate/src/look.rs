//! One look: everything that the units so far say about one candidate.
//!
//! **Invariant:** a look is a pure function of the measured scores; deciding on it is [`super::trial`]'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounded, Gain, TwoLevels},
    contrast::Contrast,
    demands::{Cap, Demands, RowTokens, all_tokens},
    guard::{Guard, Limit},
    measure::Measured,
    policy::{CLAIM_ALPHA, CLEAN_ALPHA, CLEAN_MARGIN, LEAST_UNITS, Policy, VALIDITY_MARGIN},
    scores::{Answers, Scores, score},
    sealed::{Sealed, Unit},
    slices::{self, Slice},
    statistics::{
        futility::{DESIGN_GAIN, conditional_power, refusal_power},
        looks::Spending,
        spread::Spread,
        stagewise,
    },
};

/// What the guard on clean rows is called.
pub const CLEAN_ROWS: &str = "clean rows";
/// What the guard on usable answers is called.
pub const USABLE: &str = "usable answers";

/// What the units so far say about one candidate. Shares are 0..=1 (0.05 is five points).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookRecord {
    /// Units that are in.
    #[serde(rename = "seeds")]
    pub units: usize,
    /// The exact one-sided mid-p value of the sign-flip test.
    pub p: f64,
    /// The nominal level it is compared with at this look; 0 where nothing may be accepted yet.
    pub level: f64,
    /// The mean gain over the baseline on the rows of the primary test.
    #[serde(rename = "lead")]
    pub gain: f64,
    /// Its standard error.
    #[serde(rename = "lead_se")]
    pub gain_se: f64,
    /// Units with a row of the primary test.
    pub tested: usize,
    /// How often each unit score occurs: what the p-value is computed from.
    pub scores: Scores,
    /// The guard on clean rows, if there are any.
    pub clean: Option<Guard>,
    /// The guard on the share of usable answers, over all rows.
    pub validity: Guard,
    /// The guards of the task's own metrics, over all rows, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Guard>,
    /// What the task limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// Slices with enough units; asked only where the gain is shown or the trial ends.
    #[serde(default)]
    pub slices: Vec<Slice>,
    /// Slices that have enough units in all, and too few so far to be tested; asked where slices are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untested: Vec<String>,
    /// The slice that looks harmed and has rows out, which holds acceptance back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspected: Option<String>,
    /// Rows that must pass, that the baseline passes, and that the candidate fails.
    pub newly_failed: usize,
    /// The chance that all units together would prove the gain, if some are still out.
    pub conditional_power: Option<f64>,
    /// The chance that all units together would show that there is no useful gain, if some are still out.
    pub refusal_power: Option<f64>,
    /// What a row takes, if the model counts tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<RowTokens>,
}

impl LookRecord {
    /// Whether the gain is shown.
    pub fn is_proven(&self) -> bool {
        self.p <= self.level && !self.is_mute()
    }

    /// Whether there are too few units to show anything.
    pub fn is_mute(&self) -> bool {
        self.tested < LEAST_UNITS
    }

    /// Whether every guard passes.
    pub fn is_guarded(&self) -> bool {
        self.guards().all(|(_, guard)| guard.passes())
            && self.limits.iter().all(Limit::passes)
            && self.harmed().is_none()
            && self.suspected.is_none()
            && self.newly_failed == 0
    }

    /// Every guard, with what it guards.
    pub fn guards(&self) -> impl Iterator<Item = (&str, &Guard)> {
        let clean = self.clean.iter().map(|guard| (CLEAN_ROWS, guard));
        let own = self.metrics.iter().map(|(name, guard)| (name.as_str(), guard));
        clean.chain([(USABLE, &self.validity)]).chain(own)
    }

    /// The slice that is harmed most surely, if one is.
    pub fn harmed(&self) -> Option<&Slice> {
        let worst = self.slices.iter().min_by(|a, b| a.p_harm.total_cmp(&b.p_harm))?;
        (worst.p_adjusted <= CLAIM_ALPHA).then_some(worst)
    }
}

/// The nominal levels of all looks.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    /// Of the test, at the error this candidate was granted.
    pub(crate) test: Vec<f64>,
    /// Of the lower bound of the gain, if the trial may end anywhere: its part of .05.
    pub(crate) lower: Vec<f64>,
    /// That part of .05.
    pub(crate) claim: f64,
    /// The part of all units that is in at each look.
    pub(crate) fractions: Vec<f64>,
    pub(crate) common: CommonLevels,
}

/// The nominal levels that all candidates share.
#[derive(Clone, Debug)]
pub(crate) struct CommonLevels {
    clean: Vec<f64>,
    validity: Vec<f64>,
    /// Of claims against the candidate, made at whatever look its trial ends.
    pub(crate) claim: Vec<f64>,
}

impl CommonLevels {
    pub(crate) fn of(fractions: &[f64]) -> Self {
        Self {
            clean: Spending::ObrienFleming.levels(CLEAN_ALPHA, fractions),
            validity: Spending::ObrienFleming.levels(CLAIM_ALPHA, fractions),
            claim: Spending::Pocock.levels(CLAIM_ALPHA, fractions),
        }
    }
}

/// Where a look stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position<'a> {
    pub(crate) sealed: &'a Sealed,
    pub(crate) policy: Policy,
    pub(crate) demands: &'a Demands,
    /// The units that are in.
    pub(crate) units: &'a [usize],
    /// Which look, from 0.
    pub(crate) k: usize,
    pub(crate) levels: &'a Levels,
    /// The error this candidate was granted.
    pub(crate) alpha: f64,
}

impl Position<'_> {
    /// Looks.
    pub(crate) fn look(&self, answers: Answers<'_>) -> LookRecord {
        let primary = self.contrast(answers);
        let spread = primary.spread();
        LookRecord {
            units: self.units.len(),
            p: primary.p_better(self.policy.margin()),
            level: self.levels.test[self.k],
            gain: spread.mean,
            gain_se: spread.se(),
            tested: spread.n,
            scores: primary.unit_scores(),
            clean: self.clean(answers),
            validity: self.validity(answers),
            metrics: self.metrics(answers),
            limits: self.limits(answers),
            slices: vec![],
            untested: vec![],
            suspected: None,
            newly_failed: newly_failed(self.sealed, answers),
            conditional_power: self.conditional_power(spread),
            refusal_power: self.refusal_power(spread),
            tokens: self.tokens(answers),
        }
    }

    /// The look with its slices.
    pub(crate) fn with_slices(&self, look: LookRecord, answers: Answers<'_>) -> LookRecord {
        let slices::Tested { slices, untested, suspected } = slices::test(self.sealed, answers, look.gain);
        LookRecord { untested, suspected, slices, ..look }
    }

    /// The gain with its bounds where the trial ends without proof.
    pub(crate) fn gain(&self, answers: Answers<'_>) -> Gain {
        self.gain_at(answers, self.levels.lower[self.k])
    }

    /// The gain with its bounds where it is first proven, with this p-value; `mute` first looks had too few units to prove
    /// anything, or were not tested.
    pub(crate) fn proven_gain(&self, answers: Answers<'_>, p: f64, mute: usize) -> Gain {
        let Levels { test, fractions, claim, .. } = self.levels;
        let level = stagewise::bound_level(&test[mute..self.k], &fractions[mute..=self.k], p, *claim);
        self.gain_at(answers, level)
    }

    fn gain_at(&self, answers: Answers<'_>, lower_level: f64) -> Gain {
        let primary = self.contrast(answers);
        let spread = primary.spread();
        let upper_level = self.levels.common.claim[self.k];
        let bounds = primary.bounds(lower_level, upper_level);
        Bounded::new(spread, bounds, TwoLevels { lower: lower_level, upper: upper_level })
    }

    /// The primary contrast of the units that are in.
    pub(crate) fn contrast(&self, answers: Answers<'_>) -> Contrast {
        let rows = self.units.iter().map(|unit| &self.sealed.units[*unit].primary);
        Contrast::of(&answers.pairs(rows, score))
    }

    /// The contrast on clean rows.
    pub(crate) fn clean_contrast(&self, answers: Answers<'_>) -> Contrast {
        let rows = self.units.iter().map(|unit| &self.sealed.units[*unit].clean);
        Contrast::of(&answers.pairs(rows, score))
    }

    fn clean(&self, answers: Answers<'_>) -> Option<Guard> {
        let contrast = self.clean_contrast(answers);
        (!contrast.means.is_empty()).then(|| Guard::of(&contrast, self.lenient(), CLEAN_MARGIN))
    }

    fn validity(&self, answers: Answers<'_>) -> Guard {
        let valid = |measured: &Measured| f64::from(measured.valid);
        let contrast = Contrast::of(&answers.pairs(&self.all_rows(), valid));
        // Not Newcombe's interval: when both prompts always answer, it would demand 150 rows to say so.
        Guard::by_spread(&contrast, self.firm(), VALIDITY_MARGIN)
    }

    fn metrics(&self, answers: Answers<'_>) -> BTreeMap<String, Guard> {
        let rows = self.all_rows();
        let mut guards = BTreeMap::new();
        for (position, margin) in self.demands.guards.iter().enumerate() {
            let says = |measured: &Measured| measured.guards.get(position).map_or(0.0, |score| score.get());
            let contrast = Contrast::of(&answers.pairs(&rows, says));
            guards.insert(margin.name.clone(), Guard::of(&contrast, self.lenient(), margin.margin));
        }
        guards
    }

    fn limits(&self, answers: Answers<'_>) -> Vec<Limit> {
        let rows = self.all_rows();
        let limit = |cap: Cap| Limit::of(cap, &answers.pairs(&rows, cap.count), self.limit_levels());
        self.demands.caps().into_iter().filter_map(limit).collect()
    }

    /// Levels of guards that have to let a true gain pass where rows are few: an 80 % bound.
    fn lenient(&self) -> TwoLevels {
        let CommonLevels { clean, claim, .. } = &self.levels.common;
        TwoLevels { lower: clean[self.k], upper: claim[self.k] }
    }

    /// Levels of guards that are as firm as the test itself.
    fn firm(&self) -> TwoLevels {
        let CommonLevels { validity, claim, .. } = &self.levels.common;
        TwoLevels { lower: validity[self.k], upper: claim[self.k] }
    }

    /// Levels of limits: firm, and it is the upper bound that has to hold.
    fn limit_levels(&self) -> TwoLevels {
        let TwoLevels { lower, upper } = self.firm();
        TwoLevels { lower: upper, upper: lower }
    }

    /// What a row of the units that are in takes with both, if it is counted.
    fn tokens(&self, answers: Answers<'_>) -> Option<RowTokens> {
        let rows = answers.pairs(&self.all_rows(), all_tokens).concat();
        let (baselines, finalists): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let (baseline, finalist) = (Spread::of(&baselines).mean, Spread::of(&finalists).mean);
        (baseline > 0.0).then_some(RowTokens { baseline, finalist })
    }

    /// The contrast on all rows of the units that are in.
    pub(crate) fn whole_contrast(&self, answers: Answers<'_>) -> Contrast {
        Contrast::of(&answers.pairs(&self.all_rows(), score))
    }

    fn all_rows(&self) -> Vec<Vec<usize>> {
        let units = self.units.iter().map(|unit| &self.sealed.units[*unit]);
        let perturbed = |unit: &&Unit| if self.sealed.plain { vec![] } else { unit.primary.clone() };
        units.map(|unit| [unit.clean.clone(), perturbed(&unit)].concat()).collect()
    }

    fn conditional_power(&self, spread: Spread) -> Option<f64> {
        let rest = self.sealed.units.len() - self.units.len();
        let margin = self.policy.margin();
        let shifted = Spread { mean: spread.mean + margin, ..spread };
        let design = if margin > 0.0 { margin } else { DESIGN_GAIN };
        (rest > 0).then(|| conditional_power(shifted, spread.n + rest, self.alpha, design))
    }

    /// By the level that the claim has when all units are in.
    fn refusal_power(&self, spread: Spread) -> Option<f64> {
        let rest = self.sealed.units.len() - self.units.len();
        let level = self.levels.common.claim.last().copied().filter(|_| rest > 0)?;
        Some(refusal_power(spread, spread.n + rest, level, self.policy.least_gain()))
    }
}

/// Must-pass rows that the baseline passes (a usable answer worth more than half) and the candidate does not.
fn newly_failed(sealed: &Sealed, answers: Answers<'_>) -> usize {
    let passes =
        |measured: &Option<Measured>| measured.as_ref().is_some_and(|m| m.valid && m.score.get() > 0.5);
    sealed
        .must_pass
        .iter()
        .filter(|row| passes(&answers.baseline[**row]) && !passes(&answers.candidate[**row]))
        .count()
}
