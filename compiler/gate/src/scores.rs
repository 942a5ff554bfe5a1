//! Scores: the answers of baseline and candidate, paired by row, and the counts of unit scores that a p-value rests on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measure::Measured;

/// How often each whole number occurs among the units. The number of a unit is the mean difference of its rows in steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// The steps in a difference of 1.
    #[serde(rename = "unit")]
    pub steps: i64,
    /// The number of units, by score.
    pub counts: BTreeMap<i64, usize>,
}

/// What both prompts answered, by row; nothing where a row is still out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers<'a> {
    pub(crate) baseline: &'a [Option<Measured>],
    pub(crate) candidate: &'a [Option<Measured>],
}

/// What the baseline and the candidate have on one row, in this order.
pub(crate) type Pair = (f64, f64);

impl Answers<'_> {
    /// The pairs of rows that both answered, by unit.
    pub(crate) fn pairs<'a>(
        self,
        units: impl IntoIterator<Item = &'a Vec<usize>>,
        of: impl Fn(&Measured) -> f64,
    ) -> Vec<Vec<Pair>> {
        let pair =
            |row: &usize| Some((of(self.baseline[*row].as_ref()?), of(self.candidate[*row].as_ref()?)));
        units.into_iter().map(|rows| rows.iter().filter_map(pair).collect()).collect()
    }
}

/// The score of an answer.
pub(crate) fn score(measured: &Measured) -> f64 {
    measured.score.get()
}
