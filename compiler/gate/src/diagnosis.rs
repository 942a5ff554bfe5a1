//! Diagnosis: which kind of overfit, harm or lack of evidence a candidate shows that was not accepted.
//!
//! The gap between training rows and sealed rows never decides: it holds split difficulty (the baseline has it, too) and the
//! luck of the best of many (truly better prompts have it, too). What decides is the gain over the baseline on the same
//! sealed rows. The gap only names what is wrong once the gain was not shown.
//!
//! **Invariant:** a claim against a candidate is made at levels that hold over all looks, so it is false with probability
//! at most .05 at whatever look the trial ended. Every kind of claim is made at that level by itself.

use proofmark_runtime::{Digest, digest};
use serde::{Deserialize, Serialize};

use super::{
    bounds::Gain,
    contrast::Contrast,
    guard::Guard,
    look::{LookRecord, Position},
    policy::{LEAST_GAIN, LEAST_UNITS},
    scores::{Answers, score},
    statistics::{normal::upper_quantile, power, selection::SelectionNoise, spread::Spread},
    verdict::{Kind, Verdict},
};

/// What the search measured on rows it could see, for telling luck and memory apart. Costs no calls.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Every candidate that was measured on all of the same visible rows: its id and, per row, its score minus the
    /// baseline's, in one row order.
    pub gains: Vec<(Digest, Vec<f64>)>,
}

/// The gain of a candidate on rows that the search could see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchGain {
    /// Rows that it and the baseline were measured on.
    pub rows: usize,
    /// The mean gain there.
    #[serde(rename = "lead")]
    pub gain: f64,
    /// The part of it that the best of as many equal prompts shows by luck, on average.
    pub luck: f64,
}

impl SearchGain {
    /// The part of it, without luck, that a gain on sealed rows is; nothing if all of it may be luck.
    pub fn kept(&self, sealed: f64) -> Option<f64> {
        let found = self.gain - self.luck;
        (found > 0.0).then(|| (sealed / found).max(0.0))
    }
}

impl Evidence {
    /// The gain of a candidate on rows that the search could see, if it was measured on all of them.
    pub(crate) fn search_gain(&self, finalist: Digest) -> Option<SearchGain> {
        let (gain, noise) = self.training(finalist)?;
        Some(SearchGain { rows: gain.n, gain: gain.mean, luck: noise.mean() })
    }

    fn training(&self, finalist: Digest) -> Option<(Spread, SelectionNoise)> {
        let (_, own) = self.gains.iter().find(|(id, _)| *id == finalist)?;
        let gains: Vec<_> = self.gains.iter().map(|(_, gain)| gain.clone()).collect();
        let seed = digest(&("selection noise", finalist));
        Some((Spread::of(own), SelectionNoise::of(&gains, *seed.as_bytes())))
    }
}

/// The part of the training gain that must be found again on sealed clean rows.
const KEPT: f64 = 0.5;

/// A shortfall that luck explains less than one time in five is named where nothing is proven.
const SUSPECT: f64 = 0.20;

/// Something found wrong, and whether it is proven so that the candidate is rejected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    kind: Kind,
    rejects: bool,
}

/// How much of a gain on visible rows is not found again on sealed ones.
#[derive(Clone, Copy, Debug)]
struct Shortfall {
    /// As a share.
    size: f64,
    /// The standard error of what should be found.
    se_seen: f64,
    /// The standard error of what is found.
    se_sealed: f64,
}

impl Shortfall {
    /// It in standard errors, if the units that are in are this part of those that count; 0 without any error.
    fn errors(self, part: f64) -> f64 {
        let se = self.se_seen.hypot(self.se_sealed * part.sqrt());
        if se > 0.0 { self.size / se } else { 0.0 }
    }
}

/// A trial that did not end in acceptance.
#[derive(Debug)]
pub(crate) struct Diagnosis<'a> {
    pub(crate) position: Position<'a>,
    pub(crate) answers: Answers<'a>,
    pub(crate) look: &'a LookRecord,
    pub(crate) gain: Gain,
    pub(crate) finalist: Digest,
    pub(crate) evidence: &'a Evidence,
}

impl Diagnosis<'_> {
    /// Names it.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut findings: Vec<_> = [self.broken_guards(), self.overfit(), self.lack()].concat();
        findings.sort();
        match findings.iter().find(|finding| finding.rejects) {
            Some(proven) => Verdict::Reject { kind: cause(proven, &findings).clone() },
            None => Verdict::Inconclusive {
                kind: findings.first().map_or(Kind::TooSmallN, |finding| finding.kind.clone()),
                n_needed: self.n_needed(),
            },
        }
    }

    fn broken_guards(&self) -> Vec<Finding> {
        let look = self.look;
        let mut kinds = vec![];
        let broken = look.limits.iter().filter(|limit| limit.is_broken());
        kinds.extend(broken.map(|limit| Kind::OverLimit { limit: limit.name.clone() }));
        if look.validity.is_broken() {
            kinds.push(Kind::Invalid);
        }
        if look.newly_failed > 0 {
            kinds.push(Kind::MustPass);
        }
        if look.clean.as_ref().is_some_and(Guard::is_broken) {
            kinds.push(Kind::CleanRegression);
        }
        let broken = look.metrics.iter().filter(|(_, guard)| guard.is_broken());
        kinds.extend(broken.map(|(name, _)| Kind::GuardBroken { guard: name.clone() }));
        // When everything gets worse, a slice is only to blame if it gets more than twice as bad.
        let worst =
            look.harmed().filter(|slice| !self.regresses() || slice.estimate < 2.0 * self.gain.estimate);
        // The guard is as strict at every look; a claim has to hold over all of them.
        let harm = worst.map(|slice| Finding {
            kind: Kind::SliceHarm { slice: slice.name.clone() },
            rejects: slice.p_adjusted <= self.gain.upper_level,
        });
        kinds.into_iter().map(|kind| Finding { kind, rejects: true }).chain(harm).collect()
    }

    /// Kinds of overfit. Proven ones reject where not even the observed gain on sealed rows is worth having.
    fn overfit(&self) -> Vec<Finding> {
        // A gain shown on perturbed rows that the search never saw is neither memory nor luck, and perturbation did not remove it.
        if self.look.is_proven() {
            return vec![];
        }
        let without_gain = self.gain.estimate < self.position.policy.least_gain();
        let missing = self.missing_gain().map(|shortfall| shortfall.errors(1.0));
        let memorised = missing.filter(|z| *z > upper_quantile(SUSPECT)).map(|z| Finding {
            kind: Kind::Memorised,
            rejects: without_gain && z > upper_quantile(self.gain.upper_level),
        });
        let brittle = self.is_brittle().then_some(Finding { kind: Kind::Brittle, rejects: without_gain });
        let luck = self.is_luck().then_some(Finding { kind: Kind::SelectionNoise, rejects: false });
        memorised.into_iter().chain(brittle).chain(luck).collect()
    }

    fn lack(&self) -> Vec<Finding> {
        let kinds = [(self.regresses(), Kind::Regression), (self.is_useless(), Kind::NoUsefulGain)];
        let lacks =
            kinds.into_iter().filter(|(holds, _)| *holds).map(|(_, kind)| Finding { kind, rejects: true });
        lacks.chain(self.unguarded()).collect()
    }

    /// What stands in the way of a gain that is shown.
    fn unguarded(&self) -> Option<Finding> {
        let guard = self.held_back_by().first().filter(|_| self.look.is_proven())?.0.to_owned();
        Some(Finding { kind: Kind::Unguarded { guard }, rejects: false })
    }

    /// Guards and limits that do not pass, and about how many units would let them.
    fn held_back_by(&self) -> Vec<(&str, usize)> {
        let guards = self.look.guards().filter(|(_, guard)| !guard.passes());
        let limits = self.look.limits.iter().filter(|limit| !limit.passes());
        guards
            .map(|(name, guard)| (name, guard.units_needed()))
            .chain(limits.map(|limit| (limit.name.as_str(), limit.units_needed())))
            .collect()
    }

    /// Whether it certainly has no gain worth having.
    pub(crate) fn is_useless(&self) -> bool {
        self.gain.upper < self.position.policy.least_gain()
    }

    fn regresses(&self) -> bool {
        self.gain.upper < -self.position.policy.margin()
    }

    fn training(&self) -> Option<(Spread, SelectionNoise)> {
        self.evidence.training(self.finalist)
    }

    /// The gain on visible rows is no larger than the luckiest of equal prompts shows once in twenty times.
    fn is_luck(&self) -> bool {
        self.training().is_some_and(|(gain, noise)| gain.mean > 0.0 && gain.mean <= noise.exceeded_with(0.05))
    }

    /// If the gain on visible rows is more than luck: how far the gain on the sealed rows falls short of the part of it (less
    /// the luck of being chosen) that should be found again. All rows of a unit count, which tells more than the clean ones
    /// alone, but a shortfall under perturbation only is no sign of memory.
    fn missing_gain(&self) -> Option<Shortfall> {
        let (gain, noise) = self.training()?;
        let expected = KEPT * (gain.mean - noise.mean());
        let found = self.position.whole_contrast(self.answers).spread();
        let clean = self.look.clean.as_ref().map_or(found.mean, |clean| clean.bounded.estimate);
        let shortfall =
            Shortfall { size: expected - found.mean, se_seen: KEPT * gain.se(), se_sealed: found.se() };
        let beyond_luck = gain.mean > noise.exceeded_with(0.05);
        (beyond_luck && clean < expected && shortfall.errors(1.0) > 0.0).then_some(shortfall)
    }

    /// Whether memory is not shown yet and would be, more likely than not, if all units were in and the rest were like these.
    pub(crate) fn is_memory_likely(&self) -> bool {
        let Position { sealed, units, levels, .. } = self.position;
        let part = units.len() as f64 / sealed.units() as f64;
        let last = levels.common.claim.last().copied().unwrap_or(self.gain.upper_level);
        let shown = |shortfall: &Shortfall| shortfall.errors(1.0) > upper_quantile(self.gain.upper_level);
        let likely = |shortfall: &Shortfall| shortfall.errors(part) > upper_quantile(last);
        let without_gain = self.gain.estimate < self.position.policy.least_gain();
        without_gain && self.missing_gain().is_some_and(|shortfall| !shown(&shortfall) && likely(&shortfall))
    }

    /// A gain on clean rows, and under perturbation the candidate drops more than the baseline does.
    fn is_brittle(&self) -> bool {
        let clean = self.look.clean.as_ref().filter(|_| !self.position.sealed.plain);
        let Some(clean) = clean else { return false };
        let gains = clean.bounded.lower > 0.0 || clean.bounded.estimate > LEAST_GAIN;
        gains && self.drop().p_worse() <= self.gain.upper_level
    }

    /// Gain under perturbation minus gain on clean rows, of the units that have both.
    fn drop(&self) -> Contrast {
        let units = self.position.units.iter().map(|unit| &self.position.sealed.units[*unit]);
        let (primary, clean): (Vec<_>, Vec<_>) = units
            .filter(|unit| !unit.clean.is_empty() && !unit.primary.is_empty())
            .map(|unit| (&unit.primary, &unit.clean))
            .unzip();
        let contrast = |rows: Vec<&Vec<usize>>| Contrast::of(&self.answers.pairs(rows, score));
        contrast(primary).minus(&contrast(clean))
    }

    /// Units that would show what is not shown, whichever takes most.
    fn n_needed(&self) -> usize {
        let held_back = self.held_back_by().into_iter().map(|(_, needed)| needed).max();
        let needed = match held_back.filter(|_| self.look.is_proven()) {
            Some(needed) => needed,
            None => self.units_for_the_gain(),
        };
        two_digits(needed.max(self.position.sealed.units() + 1).max(LEAST_UNITS))
    }

    fn units_for_the_gain(&self) -> usize {
        let policy = self.position.policy;
        let gain = self.gain;
        let sd = gain.se * (gain.units as f64).sqrt();
        let shifted = Spread { n: gain.units, mean: gain.estimate + policy.margin(), sd };
        let least = if policy.margin() > 0.0 { policy.margin() } else { LEAST_GAIN };
        power::units_needed(shifted, least, self.position.alpha)
    }
}

/// What names a rejection. A proven lack of gain is an effect; overfit, even if only suspected, is its cause.
fn cause<'a>(proven: &'a Finding, findings: &'a [Finding]) -> &'a Kind {
    let causes: &[Kind] = match proven.kind {
        Kind::Regression => &[Kind::Memorised],
        Kind::NoUsefulGain => &[Kind::Memorised, Kind::SelectionNoise],
        _ => &[],
    };
    findings.iter().map(|finding| &finding.kind).find(|kind| causes.contains(kind)).unwrap_or(&proven.kind)
}

/// Rounded up to two leading digits: no more is known, and no more should leave the gate.
pub(crate) fn two_digits(n: usize) -> usize {
    let step = 10_usize.pow(n.max(1).ilog10().saturating_sub(1));
    n.div_ceil(step) * step
}
