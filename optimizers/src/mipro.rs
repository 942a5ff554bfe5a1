//! `mipro`: a surrogate chooses instructions and demonstrations jointly (Opsahl-Ong et al. 2024, arXiv:2406.11695, MIPROv2).
//!
//! First the options: for each module, sets of demonstrations as in [`bootstrap`](crate::bootstrap), and instructions that the
//! proposer writes from a summary of the data, the program, some demonstrations and a tip. Then the choice: a point selects
//! one set and one instruction per module, and [`tpe`] suggests the next point from the scores of all earlier points on small
//! random batches of rows. After every fifth point the best point so far is measured on two more batches. In the end the best
//! race on all common rows. (The paper measures every fifth best point in full. With a few thousand calls that takes more than
//! half of them and leaves too few trials for suggestions.)
//!
//! If the calls allow a race of all combinations, they race, and no point is suggested. Batches have different rows, so scores
//! are corrected for the difficulty of the rows ([`mixed_model`]); without the correction, luck with rows would decide.
//!
//! Cost: at most an eighth of the calls for teachers and an eighth for questions; then 20 rows per point and 40 for every
//! fifth, until the calls are spent or ten rounds of five points leave the best unchanged; a third of the calls for the race
//! at the end. Use it if demonstrations and wording both matter and there are at least two thousand calls.

mod mixed_model;
mod options;

use proofmark_runtime::{Candidate, CandidateId};
use rand::{RngExt, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    Optimizer,
    bootstrap::ExamplePools,
    effects::{Event, Stop, Trial},
    lab::Lab,
    proposer::Proposer,
    tpe,
};
use mixed_model::PointScore;
use options::Options;

/// The number of rows of a batch.
const BATCH: usize = 20;
/// The number of random points before the first suggestion.
const RANDOM: usize = 10;
/// The number of trials of a round; after a round the best point is measured further.
const ROUND: usize = 5;
/// The number of batches that the best point is measured on after a round.
const FURTHER: usize = 2;
/// The number of rounds in a row with the same best point that end the search.
const PATIENCE: usize = 10;
/// The number of candidates in the last race.
const FINALISTS: usize = 8;
/// The last race gets at most one call in `RACE_SHARE`.
const RACE_SHARE: u64 = 3;
/// Teachers get one call in `TEACHER_SHARE`.
const TEACHER_SHARE: u64 = 8;
/// The number of candidates of a race that are measured on all common rows.
const KEEP: usize = 3;

/// See the [module](self).
pub struct Mipro;

impl Optimizer for Mipro {
    fn name(&self) -> &'static str {
        "mipro"
    }

    fn about(&self) -> &'static str {
        "a surrogate chooses instructions of a grounded proposer and sets of demonstrations jointly"
    }

    fn search(&self, lab: &mut Lab<'_>) -> Result<(), Stop> {
        Proposer::run(lab, |lab, proposer| {
            let kinds = ExamplePools::with_traces(lab, TEACHER_SHARE)?.kinds();
            let mut rng = lab.rng("mipro");
            let options = Options::propose(lab, proposer, &kinds, &mut rng)?;
            let points = options.points();
            if points <= lab.affordable(&[], points, KEEP, lab.remaining_calls()) {
                return all(lab, &options);
            }
            lab.race(&[], 1)?;
            Study::new(lab, &options).run(lab, &mut rng)
        })
    }
}

/// Races all combinations.
fn all(lab: &mut Lab<'_>, options: &Options) -> Result<(), Stop> {
    lab.note(Event::Stage { name: format!("racing all {} combinations", options.points()) });
    let mut candidates = Vec::new();
    for number in 0..options.points() {
        let point = options.point(number);
        let candidate = options.candidate(lab.program(), &point);
        lab.register(&candidate, &[&Candidate::baseline()], options.phrase(&point))?;
        candidates.push(candidate);
    }
    lab.race(&candidates, KEEP).map(|_| ())
}

/// The trials so far.
struct Study<'o> {
    options: &'o Options,
    /// The different points in the order of their first trial; the first is the task as written.
    tried: Vec<(Vec<usize>, Candidate)>,
    /// For each trial, the place of its point in `tried`.
    order: Vec<usize>,
    scores: Vec<PointScore>,
}

impl<'o> Study<'o> {
    /// Makes a study with the task as written, which was measured on all common rows.
    fn new(lab: &Lab<'_>, options: &'o Options) -> Self {
        let written = (vec![0; options.sizes().len()], Candidate::baseline());
        let mut study = Self { options, tried: vec![written], order: vec![0], scores: Vec::new() };
        study.read(lab, 0, &(0..lab.rows().len()).collect::<Vec<_>>());
        study
    }

    /// Runs rounds of trials and the last race.
    fn run(mut self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let sizes = self.options.sizes();
        if sizes.is_empty() {
            return Ok(());
        }
        lab.note(Event::Stage { name: format!("searching {} combinations", self.options.points()) });
        let race = lab.price(FINALISTS, 0, KEEP).min(lab.remaining_calls() / RACE_SHARE);
        let rows = (ROUND + FURTHER) * BATCH.min(lab.rows().len());
        let round = (rows * lab.program().calls_per_record()) as u64;
        let mut idle = 0;
        while idle < PATIENCE && lab.remaining_calls() >= race + round {
            let before = self.ranked().first().copied();
            for _ in 0..ROUND {
                let point: Vec<usize> = if self.order.len() <= RANDOM {
                    sizes.iter().map(|&size| rng.random_range(..size)).collect()
                } else {
                    tpe::suggest(&sizes, &self.trials(), rng)
                };
                self.try_out(lab, point, rng)?;
            }
            let open = |place: &usize| lab.board().depth(self.id(*place)) < lab.rows().len();
            if let Some(best) = self.ranked().into_iter().find(open) {
                self.measure(lab, best, FURTHER, rng)?;
            }
            idle = if self.ranked().first().copied() == before { idle + 1 } else { 0 };
        }
        let best = self.ranked().into_iter().filter(|&place| place > 0).take(FINALISTS);
        let field: Vec<Candidate> = best.map(|place| self.tried[place].1.clone()).collect();
        lab.race(&field, KEEP).map(|_| ())
    }

    /// The places of all points, the best effect first; earlier ones first among equals.
    fn ranked(&self) -> Vec<usize> {
        let effects = mixed_model::of_points(&self.scores, self.tried.len());
        let mut places: Vec<usize> = (0..self.tried.len()).collect();
        places.sort_by(|&a, &b| effects[b].total_cmp(&effects[a]));
        places
    }

    /// All trials, each with its point and the effect of that point.
    fn trials(&self) -> Vec<tpe::Scored> {
        let effects = mixed_model::of_points(&self.scores, self.tried.len());
        self.order.iter().map(|&place| (self.tried[place].0.clone(), effects[place])).collect()
    }

    /// Scores a point on a batch of random common rows.
    fn try_out(&mut self, lab: &mut Lab<'_>, point: Vec<usize>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let place = match self.tried.iter().position(|(tried, _)| *tried == point) {
            Some(place) => place,
            None => {
                let candidate = self.options.candidate(lab.program(), &point);
                lab.register(&candidate, &[&Candidate::baseline()], self.options.phrase(&point))?;
                self.tried.push((point, candidate));
                self.tried.len() - 1
            }
        };
        self.order.push(place);
        self.measure(lab, place, 1, rng)
    }

    /// Measures a point on batches of random common rows that it was not measured on yet.
    fn measure(
        &mut self,
        lab: &mut Lab<'_>,
        place: usize,
        batches: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), Stop> {
        let new = |row: &usize| lab.board().outcome(self.id(place), &lab.rows()[*row]).is_none();
        let open: Vec<usize> = (0..lab.rows().len()).filter(new).collect();
        let rows: Vec<usize> = open.sample(rng, batches * BATCH).copied().collect();
        self.score(lab, place, &rows)
    }

    /// Measures a point on these common rows.
    fn score(&mut self, lab: &mut Lab<'_>, place: usize, rows: &[usize]) -> Result<(), Stop> {
        let candidate = self.tried[place].1.clone();
        let ids = rows.iter().map(|&row| lab.rows()[row].clone()).collect();
        lab.measure(&[Trial { candidate, rows: ids }])?;
        self.read(lab, place, rows);
        Ok(())
    }

    /// Copies the board's scores of a point on these common rows.
    fn read(&mut self, lab: &Lab<'_>, place: usize, rows: &[usize]) {
        let id = self.id(place);
        let score = |&row: &usize| {
            let outcome = lab.board().outcome(id, &lab.rows()[row])?;
            Some(PointScore { point: place, row, score: outcome.worth().get() })
        };
        self.scores.extend(rows.iter().filter_map(score));
    }

    /// The id of the candidate at this place.
    fn id(&self, place: usize) -> CandidateId {
        self.tried[place].1.id()
    }
}

#[cfg(test)]
mod tests;
