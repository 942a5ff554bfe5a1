//! `mipro`: instructions and demonstrations chosen jointly by a surrogate (Opsahl-Ong et al. 2024, arXiv:2406.11695,
//! MIPROv2).
//!
//! Options first: for each module, sets of demonstrations as in [`bootstrap`](crate::bootstrap), and instructions that the
//! proposer writes knowing a summary of the data, the program, some demonstrations and a tip. Then the choice: a point
//! picks one set and one instruction per module; [`tpe`] suggests the next point from how all before did on
//! small random batches of rows; every fifth time the best point so far is measured on all common rows.
//!
//! Where all combinations can be raced with the calls at hand they are, and nothing is suggested. Batches hold different
//! rows, so scores are corrected for how hard the rows are ([`effects`]); uncorrected, luck with rows decides.
//!
//! Cost: at most an eighth of the calls for teachers and an eighth for questions; then 20 rows per point and all common
//! rows for every fifth, until five of these in a row bring nothing. Use it where demonstrations and wording both matter
//! and there are two thousand calls and more. On the planted landscapes it is two points ahead of random combinations of
//! the same options, each measured in full, and level with them at a thousand calls or where most combinations are good:
//! what the proposer wrote decides more than how it is combined.

mod effects;
mod options;

use proofmark_runtime::{Candidate, CandidateId};
use rand::{RngExt, rngs::ChaCha8Rng, seq::index};

use crate::{
    Optimizer,
    bootstrap::Shelves,
    effects::{Event, Stop, Trial},
    lab::Lab,
    proposer::Proposer,
    tpe,
};
use effects::Cell;
use options::Options;

/// Rows of a batch.
const BATCH: usize = 20;
/// Points tried at random before any is suggested.
const RANDOM: usize = 10;
/// One in so many trials is followed by a full measurement.
const FULL_EVERY: usize = 5;
/// Full measurements in a row without a new best that end the search.
const PATIENCE: usize = 5;
/// Teachers get one in so many calls.
const TEACHER_SHARE: u64 = 8;
/// Candidates of the race over all combinations that are measured on all common rows.
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
            let kinds = Shelves::stock(lab, TEACHER_SHARE)?.kinds();
            let mut rng = lab.rng("mipro");
            let options = Options::propose(lab, proposer, &kinds, &mut rng)?;
            let points = options.points();
            if points <= lab.affordable((&[], points), KEEP, lab.remaining_calls()) {
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
        lab.born(&candidate, &[&Candidate::baseline()], options.phrase(&point))?;
        candidates.push(candidate);
    }
    lab.race(&candidates, KEEP).map(|_| ())
}

/// Trials so far.
struct Study<'o> {
    options: &'o Options,
    /// Different points in the order of their first trial; the first is the task as written.
    tried: Vec<(Vec<usize>, Candidate)>,
    /// Which of them was tried, trial by trial.
    order: Vec<usize>,
    cells: Vec<Cell>,
}

impl<'o> Study<'o> {
    /// With the task as written, which was measured on all common rows.
    fn new(lab: &Lab<'_>, options: &'o Options) -> Self {
        let written = (vec![0; options.sizes().len()], Candidate::baseline());
        let mut study = Self { options, tried: vec![written], order: vec![0], cells: Vec::new() };
        study.read(lab, 0, &(0..lab.rows().len()).collect::<Vec<_>>());
        study
    }

    fn run(mut self, lab: &mut Lab<'_>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let calls = |lab: &Lab<'_>, rows: usize| (rows * lab.program().calls_per_record()) as u64;
        let sizes = self.options.sizes();
        if sizes.is_empty() {
            return Ok(());
        }
        lab.note(Event::Stage { name: format!("searching {} combinations", self.options.points()) });
        let mut idle = 0;
        while idle < PATIENCE {
            let round = FULL_EVERY * BATCH.min(lab.rows().len()) + lab.rows().len();
            if lab.remaining_calls() < calls(lab, round) {
                break;
            }
            for _ in 0..FULL_EVERY {
                let point: Vec<usize> = if self.order.len() <= RANDOM {
                    sizes.iter().map(|&size| rng.random_range(..size)).collect()
                } else {
                    tpe::suggest(&sizes, &self.trials(), rng)
                };
                self.try_out(lab, point, rng)?;
            }
            idle = if self.measure_best(lab)? { 0 } else { idle + 1 };
        }
        while lab.remaining_calls() >= calls(lab, lab.rows().len()) && self.measure_best(lab)? {}
        Ok(())
    }

    /// Every trial as its point and the effect of that point.
    fn trials(&self) -> Vec<tpe::Scored> {
        let effects = effects::of_points(&self.cells, self.tried.len());
        self.order.iter().map(|&place| (self.tried[place].0.clone(), effects[place])).collect()
    }

    /// Scores a point on a batch of random common rows.
    fn try_out(&mut self, lab: &mut Lab<'_>, point: Vec<usize>, rng: &mut ChaCha8Rng) -> Result<(), Stop> {
        let place = match self.tried.iter().position(|(tried, _)| *tried == point) {
            Some(place) => place,
            None => {
                let candidate = self.options.candidate(lab.program(), &point);
                lab.born(&candidate, &[&Candidate::baseline()], self.options.phrase(&point))?;
                self.tried.push((point, candidate));
                self.tried.len() - 1
            }
        };
        self.order.push(place);
        let all = lab.rows().len();
        let mut rows = index::sample(rng, all, BATCH.min(all)).into_vec();
        rows.retain(|&row| lab.board().outcome(self.id(place), &lab.rows()[row]).is_none());
        self.score(lab, place, &rows)
    }

    /// Measures the point with the best effect in full, if it is not; whether it is a new best then.
    fn measure_best(&mut self, lab: &mut Lab<'_>) -> Result<bool, Stop> {
        let effects = effects::of_points(&self.cells, self.tried.len());
        let full = |place: &usize| lab.board().depth(self.id(*place)) == lab.rows().len();
        let (measured, open): (Vec<usize>, Vec<usize>) = (0..self.tried.len()).partition(full);
        let better = |a: &usize, b: &usize| effects[*a].total_cmp(&effects[*b]).then(b.cmp(a));
        let Some(best) = open.into_iter().max_by(better) else { return Ok(false) };
        let record =
            measured.iter().filter_map(|&place| lab.board().mean(self.id(place))).fold(0.0, f64::max);
        let id = self.id(best);
        let rows: Vec<usize> = (0..lab.rows().len())
            .filter(|&row| lab.board().outcome(id, &lab.rows()[row]).is_none())
            .collect();
        self.score(lab, best, &rows)?;
        Ok(lab.board().mean(id).is_some_and(|mean| mean > record))
    }

    fn score(&mut self, lab: &mut Lab<'_>, place: usize, rows: &[usize]) -> Result<(), Stop> {
        let candidate = self.tried[place].1.clone();
        let ids = rows.iter().map(|&row| lab.rows()[row].clone()).collect();
        lab.measure(&[Trial { candidate, rows: ids }])?;
        self.read(lab, place, rows);
        Ok(())
    }

    /// Takes over what the board says about a point on some rows.
    fn read(&mut self, lab: &Lab<'_>, place: usize, rows: &[usize]) {
        let id = self.id(place);
        let cell = |&row: &usize| {
            let outcome = lab.board().outcome(id, &lab.rows()[row])?;
            Some(Cell { point: place, row, score: outcome.worth().get() })
        };
        self.cells.extend(rows.iter().filter_map(cell));
    }

    fn id(&self, place: usize) -> CandidateId {
        self.tried[place].1.id()
    }
}

#[cfg(test)]
mod tests;
