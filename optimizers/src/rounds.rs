//! Rounds: the part that all searches share which improve texts step by step. Every new candidate is screened on the first
//! common rows. The best ones are measured on more rows, so that the next round does not build on luck. In the end the best
//! of all race on the remaining rows.
//!
//! **Invariant:** candidates are compared by their gain over the baseline on the same rows, shrunk toward 0 where these
//! rows are few. Rows are taken in the order of a race, so none is paid for twice. Calls for the last race are reserved.

use proofmark_runtime::{Candidate, CandidateId, ExampleId};

use crate::{
    board::{Entry, Standing, mean},
    effects::{Event, Stop, Trial},
    lab::Lab,
    race::FIRST,
};

/// The number of candidates in the last race.
const FINALISTS: usize = 8;
/// The number of candidates that are measured on all common rows.
const KEEP: usize = 2;
/// The last race gets at most one call in `RACE_SHARE`.
const RACE_SHARE: u64 = 3;

/// The greatest number of times that a candidate's rows are doubled after a round.
const DOUBLINGS: usize = 3;
/// The number of rows whose noise equals the spread of candidates: the variance of a paired difference, 0.5 squared, over
/// the variance of true gains, 0.08 squared.
const NOISE_ROWS: f64 = 39.0;

/// The budget of a search in rounds: it reserves the calls of the last race.
pub struct Rounds {
    reserve: u64,
    /// The score that one character of a candidate costs.
    per_character: f64,
}

impl Rounds {
    /// Makes the budget; call it when the search begins.
    pub fn new(lab: &Lab<'_>) -> Self {
        let race = lab.price(FINALISTS, first_rows(lab).len(), KEEP);
        Self { reserve: race.min(lab.remaining_calls() / RACE_SHARE), per_character: 0.0 }
    }

    /// Sets the score that every character of a candidate costs in the ranking.
    #[must_use]
    pub fn charging(self, per_character: f64) -> Self {
        Self { per_character, ..self }
    }

    /// The number of calls that may be spent before the last race.
    pub fn spare(&self, lab: &Lab<'_>) -> u64 {
        lab.remaining_calls().saturating_sub(self.reserve)
    }

    /// The number of new candidates, at most `most`, that the calls allow: each takes `asks` questions and its screening,
    /// after `other` calls for other purposes.
    pub fn room(&self, lab: &Lab<'_>, most: usize, asks: u64, other: u64) -> usize {
        let each = screening(lab) + asks;
        usize::try_from(self.spare(lab).saturating_sub(other) / each).unwrap_or(most).min(most)
    }

    /// Screens new candidates, adds them to `all`, and measures the best on more rows. Returns the `top` best of all, best
    /// first; the baseline competes.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn add(
        &self,
        lab: &mut Lab<'_>,
        all: &mut Vec<Candidate>,
        new: Vec<Candidate>,
        top: usize,
    ) -> Result<Vec<Candidate>, Stop> {
        screen(lab, &new)?;
        all.extend(new);
        for _ in 0..DOUBLINGS {
            let best = self.ranked(lab, all).into_iter().take(top.div_ceil(2));
            let shallow = |candidate: &Candidate| lab.board().depth(candidate.id()) < lab.rows().len();
            let Some(next) = best.filter(|one| !one.is_baseline()).find(shallow) else { break };
            let depth = (2 * lab.board().depth(next.id())).min(lab.rows().len());
            // The baseline is measured on the same rows: twice the calls.
            if 2 * (depth * lab.program().calls_per_record()) as u64 > self.spare(lab) {
                break;
            }
            let rows = lab.rows()[..depth].to_vec();
            let baseline = Trial { candidate: Candidate::baseline(), rows: rows.clone() };
            lab.measure(&[baseline, Trial { candidate: next, rows }])?;
        }
        let mut best = self.ranked(lab, all);
        best.truncate(top);
        Ok(best)
    }

    /// The candidates by their shrunken gain less the price of their characters, best first; earlier ones first among equals.
    pub fn ranked(&self, lab: &Lab<'_>, candidates: &[Candidate]) -> Vec<Candidate> {
        let baseline = lab.board().scores(Candidate::baseline().id(), lab.rows().len());
        let value = |candidate: &Candidate| {
            let id = candidate.id();
            let characters = lab.board().get(id).map_or(0, Entry::characters);
            #[expect(clippy::cast_precision_loss, reason = "a length")]
            let cost = self.per_character * characters as f64;
            gain(lab, id, &baseline) - cost
        };
        let mut valued: Vec<(f64, &Candidate)> = candidates.iter().map(|one| (value(one), one)).collect();
        valued.sort_by(|a, b| b.0.total_cmp(&a.0));
        valued.into_iter().map(|(_, candidate)| candidate.clone()).collect()
    }

    /// Races the best of the candidates on all common rows.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn finish(&self, lab: &mut Lab<'_>, candidates: &[Candidate]) -> Result<Vec<Standing>, Stop> {
        let mut field = self.ranked(lab, candidates);
        field.truncate(FINALISTS);
        lab.note(Event::Stage { name: format!("racing the best {} candidates", field.len()) });
        lab.race(&field, KEEP)
    }
}

/// The number of calls that the screening of one candidate costs.
fn screening(lab: &Lab<'_>) -> u64 {
    (first_rows(lab).len() * lab.program().calls_per_record()).max(1) as u64
}

/// Measures the baseline and these candidates on the first rows.
///
/// # Errors
/// [`Stop`].
pub fn screen(lab: &mut Lab<'_>, candidates: &[Candidate]) -> Result<(), Stop> {
    let rows = first_rows(lab).to_vec();
    let trial = |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: rows.clone() };
    let baseline = trial(&Candidate::baseline());
    lab.measure(&std::iter::once(baseline).chain(candidates.iter().map(trial)).collect::<Vec<_>>())
}

/// An estimate of a candidate's true score, about 0..=1: the baseline's mean score plus the candidate's shrunken gain.
pub fn score(lab: &Lab<'_>, candidate: &Candidate) -> f64 {
    let baseline = lab.board().scores(Candidate::baseline().id(), lab.rows().len());
    mean(&baseline) + gain(lab, candidate.id(), &baseline)
}

/// The shrunken mean gain over the baseline.
fn gain(lab: &Lab<'_>, candidate: CandidateId, baseline: &[f64]) -> f64 {
    let scores = lab.board().scores(candidate, baseline.len());
    shrunk(mean(&scores) - mean(&baseline[..scores.len()]), scores.len())
}

/// A mean gain over this many rows, shrunk by a normal prior around 0.
#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
pub fn shrunk(gain: f64, rows: usize) -> f64 {
    gain * rows as f64 / (rows as f64 + NOISE_ROWS)
}

/// The rows of a race's first rung.
pub fn first_rows<'l>(lab: &'l Lab<'_>) -> &'l [ExampleId] {
    &lab.rows()[..FIRST.min(lab.rows().len())]
}
