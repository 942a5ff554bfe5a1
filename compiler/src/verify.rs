//! Verifying: does a stamped prompt still do what it did when it was stamped? Models are updated behind their names.
//!
//! When a prompt is emitted, its answers to visible rows are recorded, and some rows are asked twice, which tells how often the
//! model changes its own answer (an A/A run). Later the rows are asked again:
//!
//! 1. *Has anything changed?* Answers that differ from the recorded ones are bet on against the model's own changes. Valid for
//!    any choice of rows.
//! 2. *Is it worse?* Scores against the recorded ones, by bets and by the exact sign-flip test, on rows that did not choose the
//!    prompt: on those that did, the recorded scores are too good, and any other model would look worse.
//!
//! **Invariant:** an unchanged model is called changed in at most one check of a hundred, as far as the bound on its own changes
//! holds (90 %), and a prompt that did not get worse by more than a point is called worse in at most one of twenty.
//!
//! [`record`] is what is kept; the bets are in [`crate::gate::statistics::betting`].

pub mod record;

use std::collections::BTreeMap;

use proofmark_runtime::{Digest, ExampleId};
use serde::Serialize;

pub use self::record::{Recorded, Row};
use crate::gate::{
    policy::{INFERIORITY_MARGIN, LEAST_UNITS},
    statistics::{
        betting::{Changes, Losses, TOLERANCE},
        holm,
        interval::student,
        signflip::p_less,
        spread::Spread,
    },
};

/// The share of changed answers that a check must be able to notice before it calls a prompt stable.
const NOTICED: f64 = 0.10;
/// How surely.
const POWER: f64 = 0.80;
/// The level of each of the two tests of a fall, which share .05.
const FALL_LEVEL: f64 = 0.025;
/// The level of bounds, and of slices together.
const LEVEL: f64 = 0.05;
/// Steps that falls are rounded to.
const STEPS: f64 = 1200.0;
/// The name of all rows together among the slices.
const ALL: &str = "all rows";

/// What a prompt does now on a recorded row.
#[derive(Clone, Debug)]
pub struct Now {
    /// Its score.
    pub score: f64,
    /// The hash of its answer.
    pub answer: Digest,
    /// The slices that the row belongs to.
    pub slices: Vec<String>,
}

/// What a check concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Nothing has changed that these rows could show.
    Stable,
    /// Answers changed, but not for the worse by more than a margin.
    ChangedButNotWorse,
    /// Answers got worse.
    Regressed,
    /// Too few rows to tell.
    Inconclusive,
}

/// What came of a check. Scores are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// What it concludes.
    pub conclusion: Conclusion,
    /// Rows that were asked again.
    pub rows: usize,
    /// Answers that differ from the recorded ones.
    pub changed: usize,
    /// How many the model's own changes would explain, at most on average.
    pub expected: f64,
    /// Evidence that answers changed; an alarm at 100.
    pub change_evidence: f64,
    /// Answers until the alarm, if there was one.
    pub noticed_after: Option<usize>,
    /// The chance that an update which changes one answer in ten would have been noticed.
    pub power: f64,
    /// The change of the mean score, on rows that did not choose the prompt.
    pub scores: Shift,
    /// All rows and every slice.
    pub slices: Vec<Slice>,
    /// Rows that were right and are wrong.
    pub broken: Vec<ExampleId>,
}

/// How the mean score changed: now minus then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// Rows it is a mean of.
    pub rows: usize,
    /// As observed.
    pub mean: f64,
    /// Not below this (95 %, one-sided).
    pub lower: f64,
    /// Not above this (95 %, one-sided).
    pub upper: f64,
    /// Evidence that it fell by more than a point; an alarm at 40.
    pub evidence: f64,
    /// The exact p-value that it fell by more than a point; an alarm up to .025.
    pub p: f64,
}

/// What became of the rows of a slice. A row is right if it scores more than half.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Slice {
    /// Its name: `column=value`.
    pub name: String,
    /// Right then and now.
    pub right: usize,
    /// Right then, wrong now.
    pub broken: usize,
    /// Wrong then, right now.
    pub fixed: usize,
    /// Wrong then and now.
    pub wrong: usize,
    /// The p-value of a fall, adjusted for the number of slices (Holm); none for less than 15 rows.
    pub p_worse: Option<f64>,
}

/// Compares what a prompt does now with what was recorded, row by row in the recorded order; rows that could not be asked
/// again are `None`.
pub fn verify(recorded: &Recorded, now: &[Option<Now>]) -> Verification {
    let pairs: Vec<(&Row, &Now)> =
        recorded.rows.iter().zip(now).filter_map(|(row, now)| Some((row, now.as_ref()?))).collect();
    let own = recorded.own_changes();
    let mut changes = Changes::new(own);
    let mut noticed_after = None;
    for (asked, (row, now)) in (1..).zip(&pairs) {
        changes.see(row.answer != now.answer);
        noticed_after = noticed_after.or_else(|| changes.is_alarm().then_some(asked));
    }
    let scores = shift(&pairs);
    let power = Changes::power(own, pairs.len(), NOTICED);
    let is_worse = scores.evidence >= 1.0 / FALL_LEVEL || scores.p <= FALL_LEVEL;
    let conclusion = match (is_worse, noticed_after.is_some()) {
        (true, _) => Conclusion::Regressed,
        (false, true) if scores.lower > -INFERIORITY_MARGIN => Conclusion::ChangedButNotWorse,
        (false, false) if power >= POWER => Conclusion::Stable,
        _ => Conclusion::Inconclusive,
    };
    let broken = pairs.iter().filter(|(row, now)| is_right(row.score) && !is_right(now.score));
    Verification {
        conclusion,
        rows: pairs.len(),
        changed: changes.changed,
        expected: own * pairs.len() as f64,
        change_evidence: changes.evidence(),
        noticed_after,
        power,
        scores,
        slices: slices(&pairs),
        broken: broken.map(|(row, _)| row.id.clone()).collect(),
    }
}

fn is_right(score: f64) -> bool {
    score > 0.5
}

fn shift(pairs: &[(&Row, &Now)]) -> Shift {
    let fair = pairs.iter().filter(|(row, _)| !row.chose);
    let gains: Vec<f64> = fair.map(|(row, now)| now.score - row.score).collect();
    let mut losses = Losses::default();
    gains.iter().for_each(|gain| losses.see(-gain));
    let tolerated: Vec<_> = gains.iter().map(|gain| ((gain + TOLERANCE) * STEPS).round() as i64).collect();
    let spread = Spread::of(&gains);
    let bounds = student(spread, LEVEL, LEVEL);
    Shift {
        rows: gains.len(),
        mean: spread.mean,
        lower: bounds.lower,
        upper: bounds.upper,
        evidence: losses.evidence(),
        p: p_less(&tolerated),
    }
}

fn slices(pairs: &[(&Row, &Now)]) -> Vec<Slice> {
    let mut gains: BTreeMap<&str, (Slice, Vec<i64>)> = BTreeMap::new();
    for (row, now) in pairs {
        for name in now.slices.iter().map(String::as_str).chain([ALL]) {
            let (slice, gains) = gains.entry(name).or_default();
            let count = match (is_right(row.score), is_right(now.score)) {
                (true, true) => &mut slice.right,
                (true, false) => &mut slice.broken,
                (false, true) => &mut slice.fixed,
                (false, false) => &mut slice.wrong,
            };
            *count += 1;
            gains.push(((now.score - row.score) * STEPS).round() as i64);
        }
    }
    let p = |gains: &[i64]| (gains.len() >= LEAST_UNITS).then(|| p_less(gains));
    let tested: Vec<_> =
        gains.iter().filter(|(name, _)| **name != ALL).filter_map(|(_, (_, gains))| p(gains)).collect();
    let mut adjusted = holm::adjust(&tested).into_iter();
    let all = gains.remove(ALL).map(|(slice, gains)| Slice { name: ALL.into(), p_worse: p(&gains), ..slice });
    let slices = gains.into_iter().map(|(name, (slice, gains))| {
        let p_worse = p(&gains).and_then(|_| adjusted.next());
        Slice { name: name.to_owned(), p_worse, ..slice }
    });
    all.into_iter().chain(slices).collect()
}

#[cfg(test)]
mod tests;
