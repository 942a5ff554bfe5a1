//! The lab: the interface through which an optimizer reads rows, measures candidates and asks the proposer.
//!
//! **Invariant:** every random stream has a name and depends on the run's seed and that name alone, so a further draw
//! from one stream changes no other stream. Every measured candidate fits the program. A candidate is scored on visible
//! rows only, and never on a row of its own demonstrations. A row that the program as written shows as a demonstration
//! is not scored on at all. Outcomes stay on the [`Board`] and are paid for once.
//!
//! The race is in [`crate::race`], the division of the rows in [`crate::division`].

use std::collections::BTreeSet;

use proofmark_runtime::{
    Candidate, CandidateId, Demonstration, Example, ExampleId, Origin, Param, Program, digest,
    model::Abilities,
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    board::{Aim, Board},
    division::Division,
    effects::{Ask, Effects, Event, Lineage, Stop, Trial},
    outcome::Outcome,
    visible::Visible,
};

/// One candidate on all common rows costs at most one call in `FULL_SHARE` of the budget, so that a race can finish.
const FULL_SHARE: u64 = 16;
/// The least number of common rows, however small the budget is (fewer only if the task has fewer).
const LEAST_ROWS: usize = 40;

/// A check of a program's texts: returns true if the gate would refuse the program without measuring a row.
pub type TextCheck<'r> = dyn Fn(&Program) -> bool + 'r;

/// The interface through which an optimizer works; see the [module](self).
pub struct Lab<'a> {
    program: &'a Program,
    train: &'a Visible,
    val: &'a Visible,
    seed: u64,
    effects: &'a mut dyn Effects,
    /// Calls that [`Lab::remaining_calls`] hides for now.
    kept_back: u64,
    resolution: Option<f64>,
    text_check: Option<&'a TextCheck<'a>>,
    /// Whether the reason for ending the search was noted.
    end_noted: bool,
    pool: Vec<ExampleId>,
    board: Board,
}

impl<'a> Lab<'a> {
    /// Makes a lab over a program and its visible rows. The seed decides how the rows are divided (see [`Division`]);
    /// the number of common rows grows with the budget.
    pub fn new(
        program: &'a Program,
        train: &'a Visible,
        val: &'a Visible,
        seed: u64,
        effects: &'a mut dyn Effects,
    ) -> Self {
        let per_row = program.calls_per_record().max(1) as u64;
        let affordable = effects.remaining_calls() / FULL_SHARE / per_row;
        let most = usize::try_from(affordable).unwrap_or(usize::MAX).max(LEAST_ROWS);
        let Division { pool, mut common } = Division::new(train, val, most, stream(seed, "division"));
        let shown_as_written: BTreeSet<&ExampleId> =
            program.modules().iter().flat_map(|module| rows_of(&module.demonstrations)).collect();
        common.retain(|row| !shown_as_written.contains(row));
        Self {
            program,
            train,
            val,
            seed,
            effects,
            kept_back: 0,
            resolution: None,
            text_check: None,
            end_noted: false,
            pool,
            board: Board::new(common),
        }
    }

    /// Sets the resolution of the sealed rows, 0..=1: the least `mean(d)^2 / mean(d^2)` of paired differences `d` that the
    /// gate shows with 80 % power. With `None` the search never stops for it. It is the only fact about the sealed rows
    /// that a search gets, and a search uses it only to stop.
    #[must_use]
    pub fn with_resolution(self, resolution: Option<f64>) -> Self {
        Self { resolution, ..self }
    }

    /// Sets the check of texts that the gate applies before it measures a row, so that a search drops such programs early.
    #[must_use]
    pub fn with_text_check(self, refuses: &'a TextCheck<'a>) -> Self {
        Self { text_check: Some(refuses), ..self }
    }

    /// Whether the gate would refuse a candidate for its texts; false without a check or if it does not fit the program.
    pub fn is_refused(&self, candidate: &Candidate) -> bool {
        let Some(refuses) = self.text_check else { return false };
        self.program.apply(candidate).is_ok_and(|program| refuses(&program))
    }

    /// The resolution of the sealed rows; see [`Lab::with_resolution`].
    pub fn resolution(&self) -> Option<f64> {
        self.resolution
    }

    /// The program as written.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// The training rows.
    pub fn train(&self) -> &'a Visible {
        self.train
    }

    /// The validation rows.
    pub fn val(&self) -> &'a Visible {
        self.val
    }

    /// The training rows that demonstrations may be made from.
    pub fn pool(&self) -> &[ExampleId] {
        &self.pool
    }

    /// The common rows: the rows that all candidates are scored on, in one fixed order.
    pub fn rows(&self) -> &[ExampleId] {
        self.board.common()
    }

    /// The visible row with this id, if there is one.
    pub fn example(&self, id: &ExampleId) -> Option<&'a Example> {
        self.train.get(id).or_else(|| self.val.get(id))
    }

    /// A fresh random stream with this name; the same name gives the same draws.
    pub fn rng(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, purpose)
    }

    /// The abilities of the task's model.
    pub fn abilities(&self) -> Abilities {
        self.effects.abilities()
    }

    /// The number of model calls that may still be spent.
    pub fn remaining_calls(&self) -> u64 {
        self.effects.remaining_calls().saturating_sub(self.kept_back)
    }

    /// Hides this many calls from [`Lab::remaining_calls`]; 0 releases them.
    pub fn keep_back(&mut self, calls: u64) {
        self.kept_back = calls;
    }

    /// Whether the user named a proposer other than the task's own model.
    pub fn has_proposer(&self) -> bool {
        self.effects.has_proposer()
    }

    /// Sends questions to the proposer model and returns its replies in order; `None` where there is no reply.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.afford(asks.len() as u64)?;
        self.effects.ask(asks)
    }

    /// Checks a price against [`Lab::remaining_calls`]; the effects do not know about calls that are kept back.
    fn afford(&self, calls: u64) -> Result<(), Stop> {
        if calls <= self.remaining_calls() { Ok(()) } else { Err(Stop::Budget) }
    }

    /// The board: all candidates and their outcomes so far.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Ends the search and returns the board.
    pub fn into_board(self) -> Board {
        self.board
    }

    /// Scores trials and returns their outcomes in the order of the request.
    ///
    /// # Errors
    /// [`Stop`]; [`Stop::Broken`] before any call if a trial breaks the rules of the lab.
    pub fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        self.measure(batch)?;
        let mut results = Vec::with_capacity(batch.len());
        for trial in batch {
            let id = trial.candidate.id();
            let outcome = |row| self.board.outcome(id, row).cloned().ok_or_else(|| missing(id, row));
            results.push(trial.rows.iter().map(outcome).collect::<Result<Vec<_>, Stop>>()?);
        }
        Ok(results)
    }

    /// Scores trials and puts the outcomes on the board. Outcomes that are there already are not paid for again.
    ///
    /// # Errors
    /// As [`Lab::evaluate`].
    pub fn measure(&mut self, batch: &[Trial]) -> Result<(), Stop> {
        let mut requested: BTreeSet<(CandidateId, &ExampleId)> = BTreeSet::new();
        let mut due = Vec::new();
        for trial in batch {
            let id = self.enter(&trial.candidate)?;
            self.check_rows(trial)?;
            let open = trial.rows.iter().filter(|row| self.board.outcome(id, row).is_none());
            let rows: Vec<ExampleId> = open.filter(|row| requested.insert((id, *row))).cloned().collect();
            if !rows.is_empty() {
                due.push(Trial { candidate: trial.candidate.clone(), rows });
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let runs: usize = due.iter().map(Trial::runs).sum();
        self.afford((runs * self.program.calls_per_record()) as u64)?;
        let results = self.effects.evaluate(&due)?;
        for (trial, outcomes) in due.into_iter().zip(results) {
            let id = trial.candidate.id();
            for (row, outcome) in trial.rows.into_iter().zip(outcomes) {
                self.board.record(id, row, outcome);
            }
        }
        Ok(())
    }

    /// Sets the aim of the search; call it before anything is measured.
    pub fn set_aim(&mut self, aim: Aim) {
        self.board.set_aim(aim);
    }

    /// Reports an event to the user and the journal.
    pub fn note(&mut self, event: Event) {
        self.effects.note(event);
    }

    /// Puts a candidate on the board with its lineage: its parents, and in a few words how it was made. Only the first
    /// registration of a candidate counts.
    ///
    /// # Errors
    /// [`Stop::Broken`] if it does not fit the program.
    pub fn register(
        &mut self,
        candidate: &Candidate,
        parents: &[&Candidate],
        how: impl Into<String>,
    ) -> Result<(), Stop> {
        let id = self.enter(candidate)?;
        let parents = parents.iter().map(|parent| parent.id()).collect();
        let lineage = Lineage { id, parents, how: how.into() };
        if self.board.set_lineage(lineage.clone()) {
            self.effects.note(Event::Born(lineage));
        }
        Ok(())
    }

    /// Ends the search without any finalist, and reports why.
    pub fn give_up(&mut self, why: impl Into<String>) {
        self.board.close();
        self.effects.note(Event::Remark { text: why.into() });
    }

    /// Reports, once, why the search ends early. The finalists stay.
    pub(crate) fn note_end(&mut self, why: &str) {
        if !std::mem::replace(&mut self.end_noted, true) {
            self.effects.note(Event::Remark { text: format!("the search ends here: {why}") });
        }
    }

    /// Puts a candidate on the board, if it fits the program.
    fn enter(&mut self, candidate: &Candidate) -> Result<CandidateId, Stop> {
        let id = candidate.id();
        if self.board.get(id).is_some() {
            return Ok(id);
        }
        let applied = self.program.apply(candidate).map_err(|error| Stop::Broken {
            message: format!("the search proposed candidate {id}, which does not fit: {error}"),
        })?;
        Ok(self.board.enter(candidate, &applied))
    }

    /// Checks that all rows of a trial are visible and that none is a demonstration of its candidate.
    fn check_rows(&self, trial: &Trial) -> Result<(), Stop> {
        let own = shown(&trial.candidate);
        for row in &trial.rows {
            let problem = if self.example(row).is_none() {
                "which is not visible to the search"
            } else if own.contains(row) {
                "which is one of its own demonstrations"
            } else {
                continue;
            };
            let id = trial.candidate.id();
            return Err(Stop::Broken {
                message: format!("the search tried to score candidate {id} on row `{row}`, {problem}"),
            });
        }
        Ok(())
    }
}

/// The rows that a candidate, or any member of a vote, shows as demonstrations.
pub fn shown(candidate: &Candidate) -> BTreeSet<&ExampleId> {
    let lists = candidate.iter().filter_map(|(_, param)| match param {
        Param::Demonstrations(list) => Some(list),
        _ => None,
    });
    lists.flat_map(|list| rows_of(list)).chain(candidate.voters().iter().flat_map(shown)).collect()
}

/// The rows that a list of demonstrations was made from.
fn rows_of(list: &[Demonstration]) -> impl Iterator<Item = &ExampleId> {
    list.iter().filter_map(|demonstration| match &demonstration.origin {
        Origin::Row(id) | Origin::Trace(id) => Some(id),
        Origin::Task => None,
    })
}

/// The random stream with this name for a run with this seed.
fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(*digest(&("lab", seed, purpose)).as_bytes())
}

fn missing(id: CandidateId, row: &ExampleId) -> Stop {
    Stop::Broken { message: format!("no outcome came back for candidate {id} on row `{row}`") }
}

#[cfg(test)]
mod tests;
