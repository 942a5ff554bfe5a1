//! Rounds: what all searches share that go from texts to better texts. Every new candidate is screened on the first
//! common rows; those that look best are measured on more, so that the next round is not built upon luck; when the calls
//! for that are spent, the best of all race on the rest.
//!
//! **Invariant:** candidates are compared by what they are ahead of the baseline on the same rows, shrunk by how few these
//! are. Rows are taken in the order of a race, so none is paid for twice; calls for the last race are kept back.

use proofmark_runtime::{Candidate, CandidateId, ExampleId};

use crate::{
    board::{Entry, Standing, mean},
    effects::{Event, Stop, Trial},
    lab::Lab,
    race::FIRST,
};

/// Candidates of the last race.
const FINALISTS: usize = 8;
/// Candidates that are measured on all common rows.
const KEEP: usize = 2;
/// The last race gets at most one in so many calls.
const RACE_SHARE: u64 = 3;

/// Doublings of rows after a round, at most.
const DOUBLINGS: usize = 3;
/// Rows whose noise is as large as the spread of candidates: the variance of a paired difference, 0.5 squared, over that
/// of true leads, 0.08 squared.
const NOISE_ROWS: f64 = 39.0;

/// Keeps calls back for the last race.
pub(crate) struct Rounds {
    reserve: u64,
    /// What a character of a candidate costs in score.
    per_character: f64,
}

impl Rounds {
    /// To be made when the search begins.
    pub(crate) fn new(lab: &Lab<'_>) -> Self {
        let race = lab.price(FINALISTS, first_rows(lab).len(), KEEP);
        Self { reserve: race.min(lab.remaining_calls() / RACE_SHARE), per_character: 0.0 }
    }

    /// Rounds in which every character costs so much score.
    pub(crate) fn charging(self, per_character: f64) -> Self {
        Self { per_character, ..self }
    }

    /// Calls that may be spent before the last race.
    pub(crate) fn spare(&self, lab: &Lab<'_>) -> u64 {
        lab.remaining_calls().saturating_sub(self.reserve)
    }

    /// How many new candidates, at most `most`, can be written for `asks` questions each and be screened, after `other`
    /// calls for something else.
    pub(crate) fn room(&self, lab: &Lab<'_>, most: usize, (asks, other): (u64, u64)) -> usize {
        let each = screening(lab) + asks;
        usize::try_from(self.spare(lab).saturating_sub(other) / each).unwrap_or(most).min(most)
    }

    /// Screens new candidates, puts them with the others, and measures those that then look best on more rows; the
    /// `top` best of all, best first, the baseline among them.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn take_in(
        &self,
        lab: &mut Lab<'_>,
        all: &mut Vec<Candidate>,
        (new, top): (Vec<Candidate>, usize),
    ) -> Result<Vec<Candidate>, Stop> {
        screen(lab, &new)?;
        all.extend(new);
        for _ in 0..DOUBLINGS {
            let best = self.ranked(lab, all).into_iter().take(top.div_ceil(2));
            let shallow = |candidate: &Candidate| lab.board().depth(candidate.id()) < lab.rows().len();
            let Some(next) = best.filter(|one| !one.is_baseline()).find(shallow) else { break };
            let depth = (2 * lab.board().depth(next.id())).min(lab.rows().len());
            // The baseline goes along.
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

    /// The candidates by what they are likely worth, best first; earlier ones first among equals.
    pub(crate) fn ranked(&self, lab: &Lab<'_>, candidates: &[Candidate]) -> Vec<Candidate> {
        let baseline = lab.board().scores(Candidate::baseline().id(), lab.rows().len());
        let value = |candidate: &Candidate| {
            let id = candidate.id();
            let characters = lab.board().get(id).map_or(0, Entry::characters);
            #[expect(clippy::cast_precision_loss, reason = "a length")]
            let cost = self.per_character * characters as f64;
            lead(lab, id, &baseline) - cost
        };
        let mut valued: Vec<(f64, &Candidate)> = candidates.iter().map(|one| (value(one), one)).collect();
        valued.sort_by(|a, b| b.0.total_cmp(&a.0));
        valued.into_iter().map(|(_, candidate)| candidate.clone()).collect()
    }

    /// Races the best of the candidates on all common rows.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn finish(&self, lab: &mut Lab<'_>, candidates: &[Candidate]) -> Result<Vec<Standing>, Stop> {
        let mut field = self.ranked(lab, candidates);
        field.truncate(FINALISTS);
        lab.note(Event::Stage { name: format!("racing the best {} candidates", field.len()) });
        lab.race(&field, KEEP)
    }
}

/// Calls that screening one candidate costs.
pub(crate) fn screening(lab: &Lab<'_>) -> u64 {
    (first_rows(lab).len() * lab.program().calls_per_record()).max(1) as u64
}

/// Measures candidates on the first rows, and the baseline with them.
///
/// # Errors
/// [`Stop`].
pub(crate) fn screen(lab: &mut Lab<'_>, candidates: &[Candidate]) -> Result<(), Stop> {
    let rows = first_rows(lab).to_vec();
    let trial = |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: rows.clone() };
    let baseline = trial(&Candidate::baseline());
    lab.measure(&std::iter::once(baseline).chain(candidates.iter().map(trial)).collect::<Vec<_>>())
}

/// What a candidate is likely worth, about 0..=1: the baseline's mean score and the shrunken lead.
pub(crate) fn score(lab: &Lab<'_>, candidate: &Candidate) -> f64 {
    let baseline = lab.board().scores(Candidate::baseline().id(), lab.rows().len());
    mean(&baseline) + lead(lab, candidate.id(), &baseline)
}

/// The mean lead over the baseline, shrunk.
fn lead(lab: &Lab<'_>, candidate: CandidateId, baseline: &[f64]) -> f64 {
    let scores = lab.board().scores(candidate, baseline.len());
    shrunk(mean(&scores) - mean(&baseline[..scores.len()]), scores.len())
}

/// A mean lead on so many rows, as a normal prior around none would have it.
#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
pub(crate) fn shrunk(lead: f64, rows: usize) -> f64 {
    lead * rows as f64 / (rows as f64 + NOISE_ROWS)
}

/// The rows of a race's first rung.
pub(crate) fn first_rows<'l>(lab: &'l Lab<'_>) -> &'l [ExampleId] {
    &lab.rows()[..FIRST.min(lab.rows().len())]
}
