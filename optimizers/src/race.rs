//! The race: successive halving on one common order of rows (Jamieson and Talwalkar 2016, arXiv:1502.07943, algorithm 1;
//! for prompts TRIPLE, arXiv:2402.09723). Every rung doubles the rows and keeps the better half, so most candidates cost
//! few calls and all that compete were measured on the same rows.
//!
//! **Invariant:** the baseline rides along in every rung and is never dropped; a score on the board is never paid for
//! twice; a rung that does not fit the budget is not started.

use std::collections::BTreeSet;

use proofmark_runtime::{Candidate, CandidateId};

use crate::{
    board::Standing,
    effects::{Event, Stop, Trial},
    lab::Lab,
};

/// Rows of the first rung: 20 loses 1.3 points against full evaluation at 27 % of its calls, 10 loses 1.5 at 16 % (100
/// candidates, 200 rows; simulated).
pub(crate) const FIRST: usize = 20;
/// Rows of the first rung where candidates are many or calls few.
const FIRST_OF_MANY: usize = 10;
/// More candidates than this are many.
const MANY: usize = 100;

/// One rung: so many candidates are measured on the first so many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Candidates that enter, without the baseline.
    pub candidates: usize,
    /// Rows from the first on.
    pub rows: usize,
}

/// What a race is planned for.
#[derive(Clone, Debug)]
pub struct Field {
    /// For each candidate, the rows from the first on that it was measured on before: they are free.
    pub measured: Vec<usize>,
    /// The same for the baseline.
    pub baseline: usize,
    /// Candidates that may reach the end.
    pub keep: usize,
    /// Common rows.
    pub rows: usize,
    /// Rows that may be paid for.
    pub budget: usize,
}

impl Field {
    /// The rungs of a race that fits the budget: the candidates that enter first are the first ones. Smaller first rungs
    /// are tried before candidates or rows are left out. Empty if not even the smallest race fits.
    pub fn plan(&self) -> Vec<Rung> {
        let all = self.measured.len();
        let first = if all > MANY { FIRST_OF_MANY } else { FIRST };
        let whole = [first, FIRST_OF_MANY].into_iter().find_map(|first| self.fitting(all, first, self.rows));
        let fewer =
            || (self.keep..all).rev().find_map(|entering| self.fitting(entering, FIRST_OF_MANY, self.rows));
        let shorter = || {
            let entering = self.keep.min(all);
            (FIRST_OF_MANY..self.rows).rev().find_map(|rows| self.fitting(entering, FIRST_OF_MANY, rows))
        };
        whole.or_else(fewer).or_else(shorter).unwrap_or_default()
    }

    /// The most rows that the rungs may have to pay for: in every rung those go on that were measured least.
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
            // Once only those are left that may stay, there is nothing to decide before the end.
            let next = if candidates <= self.keep { rows } else { (2 * so_far).min(rows) };
            rungs.push(Rung { candidates, rows: next });
        }
        rungs
    }
}

impl Lab<'_> {
    /// Races candidates against each other: returns at most `keep`, best first, measured on all the common rows that the
    /// budget allows. They may be worse than the baseline. Candidates at the end of the list are left out if the budget
    /// does not allow for all; [`Lab::affordable`] says how many it does.
    ///
    /// # Errors
    /// [`Stop`]; [`Stop::Budget`] before any call if not even the smallest race fits.
    pub fn race(&mut self, candidates: &[Candidate], keep: usize) -> Result<Vec<Standing>, Stop> {
        let calls = self.remaining_calls();
        self.race_within(candidates, keep, calls)
    }

    /// Like [`Lab::race`], with at most so many calls.
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
        let rungs = self.field(measured, keep, calls).plan();
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

    /// How many new candidates, at most `most`, a race of theirs against `known` ones can take on with so many calls, at
    /// full length of the first rung.
    pub fn affordable(&self, (known, most): (&[Candidate], usize), keep: usize, calls: u64) -> usize {
        let fits = |new: usize| {
            let depths = known.iter().map(|candidate| self.board().depth(candidate.id()));
            let field = self.field(depths.chain(std::iter::repeat_n(0, new)).collect(), keep, calls);
            field.fitting(known.len() + new, FIRST, field.rows).is_some()
        };
        (1..=most).rev().find(|&new| fits(new)).unwrap_or(0)
    }

    /// The most calls that a race of so many candidates costs which were all, like the baseline, measured on the first
    /// `depth` rows.
    pub fn price(&self, candidates: usize, depth: usize, keep: usize) -> u64 {
        let field = Field { baseline: depth, ..self.field(vec![depth; candidates], keep, u64::MAX) };
        let rungs = field.rungs(candidates, FIRST, field.rows);
        (field.cost(&rungs) * self.program().calls_per_record()) as u64
    }

    fn field(&self, measured: Vec<usize>, keep: usize, calls: u64) -> Field {
        let per_row = self.program().calls_per_record().max(1) as u64;
        Field {
            measured,
            baseline: self.board().depth(Candidate::baseline().id()),
            keep: keep.max(1),
            rows: self.rows().len(),
            budget: usize::try_from(calls.min(self.remaining_calls()) / per_row).unwrap_or(usize::MAX),
        }
    }

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
