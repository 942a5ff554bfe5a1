//! The race: successive halving on one common order of rows (Jamieson and Talwalkar 2016, arXiv:1502.07943, algorithm 1;
//! applied to prompts by TRIPLE, arXiv:2402.09723). Every rung doubles the rows and keeps the better half, so most
//! candidates cost few calls, and all candidates of a rung are measured on the same rows.
//!
//! **Invariant:** the baseline is measured in every rung and is never dropped. A score on the board is never paid for
//! twice. A rung that does not fit the budget is not started.

use std::collections::BTreeSet;

use proofmark_runtime::{Candidate, CandidateId};

use crate::{
    board::Standing,
    effects::{Event, Stop, Trial},
    lab::Lab,
};

/// The rows of the first rung: 20 loses 1.3 points against full evaluation at 27 % of its calls, 10 loses 1.5 at 16 % (100
/// candidates, 200 rows; simulated).
pub const FIRST: usize = 20;
/// The rows of the first rung with more than `MANY` candidates or few calls.
const FIRST_OF_MANY: usize = 10;
/// With more candidates than this the first rung is smaller.
const MANY: usize = 100;

/// One rung of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The number of candidates that enter, without the baseline.
    pub candidates: usize,
    /// The number of rows, from the first on, that they are measured on.
    pub rows: usize,
}

/// The facts that a race is planned from.
#[derive(Clone, Debug)]
pub struct RaceSetup {
    /// For each candidate, the number of rows from the first on that it was measured on before; they are free.
    pub measured: Vec<usize>,
    /// The same number for the baseline.
    pub baseline: usize,
    /// The number of candidates that may reach the last rung.
    pub keep: usize,
    /// The number of common rows.
    pub rows: usize,
    /// The number of rows that may be paid for.
    pub budget: usize,
}

impl RaceSetup {
    /// The rungs of a race that fits the budget. Candidates at the end of the list are left out first. A smaller first rung
    /// is tried before candidates or rows are left out. Empty if not even the smallest race fits.
    pub fn plan(&self) -> Vec<Rung> {
        let all = self.measured.len();
        let first = if all > MANY { FIRST_OF_MANY } else { FIRST };
        for first in [first, FIRST_OF_MANY] {
            if let Some(rungs) = self.fitting(all, first, self.rows) {
                return rungs;
            }
        }
        for entering in (self.keep..all).rev() {
            if let Some(rungs) = self.fitting(entering, FIRST_OF_MANY, self.rows) {
                return rungs;
            }
        }
        let entering = self.keep.min(all);
        let mut fewer_rows = (FIRST_OF_MANY..self.rows).rev();
        fewer_rows.find_map(|rows| self.fitting(entering, FIRST_OF_MANY, rows)).unwrap_or_default()
    }

    /// The greatest number of rows that the rungs can cost: in every rung the candidates with the fewest known rows go on.
    pub fn cost(&self, rungs: &[Rung]) -> usize {
        let entering = rungs.first().map_or(0, |rung| rung.candidates);
        let mut measured = self.measured[..entering.min(self.measured.len())].to_vec();
        measured.sort_unstable();
        let mut before = 0;
        let mut total = 0;
        for rung in rungs {
            let due = |measured: usize| rung.rows.saturating_sub(measured.max(before));
            let rivals = measured.iter().take(rung.candidates).map(|&rows| due(rows));
            total += rivals.sum::<usize>() + due(self.baseline);
            before = rung.rows;
        }
        total
    }

    fn fitting(&self, entering: usize, first: usize, rows: usize) -> Option<Vec<Rung>> {
        let rungs = self.rungs(entering, first, rows);
        (self.cost(&rungs) <= self.budget).then_some(rungs)
    }

    fn rungs(&self, entering: usize, first: usize, rows: usize) -> Vec<Rung> {
        let mut rungs = vec![Rung { candidates: entering, rows: first.min(rows) }];
        while let Some(&Rung { candidates, rows: so_far }) = rungs.last().filter(|rung| rung.rows < rows) {
            let candidates = candidates.div_ceil(2).max(self.keep.min(entering));
            // With only `keep` candidates left, no rung before the last one can drop any.
            let next = if candidates <= self.keep { rows } else { (2 * so_far).min(rows) };
            rungs.push(Rung { candidates, rows: next });
        }
        rungs
    }
}

impl Lab<'_> {
    /// Races candidates against each other and returns at most `keep` of them, best first, measured on all common rows that
    /// the budget allows. They may be worse than the baseline. Candidates at the end of the list are left out if the budget
    /// is too small for all; [`Lab::affordable`] tells how many fit.
    ///
    /// # Errors
    /// [`Stop`]; [`Stop::Budget`] before any call if not even the smallest race fits.
    pub fn race(&mut self, candidates: &[Candidate], keep: usize) -> Result<Vec<Standing>, Stop> {
        let calls = self.remaining_calls();
        self.race_within(candidates, keep, calls)
    }

    /// Like [`Lab::race`], with at most this many calls.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn race_within(
        &mut self,
        candidates: &[Candidate],
        keep: usize,
        calls: u64,
    ) -> Result<Vec<Standing>, Stop> {
        let mut seen = BTreeSet::from([Candidate::baseline().id()]);
        let mut rivals: Vec<&Candidate> = candidates.iter().filter(|rival| seen.insert(rival.id())).collect();
        let measured = rivals.iter().map(|candidate| self.board().depth(candidate.id())).collect();
        let rungs = self.race_setup(measured, keep, calls).plan();
        let Some(&start) = rungs.first() else { return Err(Stop::Budget) };
        if start.candidates < rivals.len() {
            let text = format!("the budget allows for {} of {} candidates", start.candidates, rivals.len());
            self.note(Event::Remark { text });
        }
        rivals.truncate(start.candidates);
        let mut field: Vec<Candidate> = rivals.into_iter().cloned().collect();
        let mut standings = Vec::new();
        for (i, rung) in rungs.iter().enumerate() {
            self.run(&field, rung.rows)?;
            let ids: Vec<CandidateId> = field.iter().map(Candidate::id).collect();
            standings = self.board().ranking(&ids, rung.rows);
            standings.truncate(rungs.get(i + 1).map_or(keep, |next| next.candidates));
            field = standings.iter().map(|standing| standing.candidate.clone()).collect();
            self.note(Event::Rung {
                rows: rung.rows,
                candidates: rung.candidates,
                kept: field.len(),
                best: standings.first().map_or(0.0, |best| best.mean),
            });
        }
        Ok(standings)
    }

    /// The greatest number of new candidates, at most `most`, for which a race against the `known` ones fits this many
    /// calls with a first rung of full length.
    pub fn affordable(&self, known: &[Candidate], most: usize, keep: usize, calls: u64) -> usize {
        let mut measured: Vec<usize> =
            known.iter().map(|candidate| self.board().depth(candidate.id())).collect();
        measured.resize(known.len() + most, 0);
        let setup = self.race_setup(measured, keep, calls);
        let fits = |new: &usize| setup.fitting(known.len() + new, FIRST, setup.rows).is_some();
        (1..=most).rev().find(fits).unwrap_or(0)
    }

    /// The greatest number of calls that a race of `candidates` can cost, if they and the baseline were measured on the
    /// first `depth` rows.
    pub fn price(&self, candidates: usize, depth: usize, keep: usize) -> u64 {
        let setup = RaceSetup { baseline: depth, ..self.race_setup(vec![depth; candidates], keep, u64::MAX) };
        let rungs = setup.rungs(candidates, FIRST, setup.rows);
        (setup.cost(&rungs) * self.program().calls_per_record()) as u64
    }

    fn race_setup(&self, measured: Vec<usize>, keep: usize, calls: u64) -> RaceSetup {
        let per_row = self.program().calls_per_record().max(1) as u64;
        RaceSetup {
            measured,
            baseline: self.board().depth(Candidate::baseline().id()),
            keep: keep.max(1),
            rows: self.rows().len(),
            budget: usize::try_from(calls.min(self.remaining_calls()) / per_row).unwrap_or(usize::MAX),
        }
    }

    /// Measures the baseline and the candidates of a rung on its rows.
    fn run(&mut self, field: &[Candidate], rows: usize) -> Result<(), Stop> {
        let rows = self.rows()[..rows].to_vec();
        let baseline = Candidate::baseline();
        let trial = |candidate: &Candidate| Trial { candidate: candidate.clone(), rows: rows.clone() };
        let batch: Vec<Trial> = std::iter::once(&baseline).chain(field).map(trial).collect();
        self.measure(&batch)
    }
}

#[cfg(test)]
mod tests;
