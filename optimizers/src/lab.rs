//! The lab: what an optimizer works with.
//!
//! **Invariant:** random streams are named by purpose and derived from the run's seed alone; adding a draw to one purpose
//! never changes another. Every candidate that is measured fits the program, on visible rows only, and never on a row
//! that stands in its own demonstrations; rows that the program itself shows (a shipped prompt that is to be beaten) are
//! scored on by nobody. What was measured stays on the [`Board`] and is not paid for again.
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

/// Measuring one candidate on all common rows costs at most this share of the budget, so that a race can end.
const FULL_SHARE: u64 = 16;
/// Common rows that are used even if the budget is small.
const LEAST_ROWS: usize = 40;

/// Whether a program is refused for what it says.
pub type Reader<'r> = dyn Fn(&Program) -> bool + 'r;

/// What an optimizer works with.
pub struct Lab<'a> {
    program: &'a Program,
    train: &'a Visible,
    val: &'a Visible,
    seed: u64,
    effects: &'a mut dyn Effects,
    /// Calls that nobody may spend for now.
    kept_back: u64,
    resolution: Option<f64>,
    reader: Option<&'a Reader<'a>>,
    /// It was said why the search ends.
    ended: bool,
    pool: Vec<ExampleId>,
    board: Board,
}

impl<'a> Lab<'a> {
    /// A lab over a program and its visible rows. The rows are divided by the seed (see [`Division`]); how many are
    /// scored on depends on the calls that may be spent.
    pub fn new(
        program: &'a Program,
        (train, val): (&'a Visible, &'a Visible),
        seed: u64,
        effects: &'a mut dyn Effects,
    ) -> Self {
        let per_row = program.calls_per_record().max(1) as u64;
        let affordable = effects.remaining_calls() / FULL_SHARE / per_row;
        let most = usize::try_from(affordable).unwrap_or(usize::MAX).max(LEAST_ROWS);
        let Division { pool, mut common } = Division::new(train, val, most, stream(seed, "division"));
        let written: BTreeSet<&ExampleId> =
            program.modules().iter().flat_map(|module| rows_of(&module.demonstrations)).collect();
        common.retain(|row| !written.contains(row));
        Self {
            program,
            train,
            val,
            seed,
            effects,
            kept_back: 0,
            resolution: None,
            reader: None,
            ended: false,
            pool,
            board: Board::new(common),
        }
    }

    /// Says what the rows of the gate tell apart: from 0, everything, to 1; none if nothing is to be told apart. All that a
    /// search gets to know about them, and all that it does with it is to stop.
    #[must_use]
    pub fn with_resolution(self, resolution: Option<f64>) -> Self {
        Self { resolution, ..self }
    }

    /// Says what the gate refuses without measuring a row, so that nobody searches among such programs.
    #[must_use]
    pub fn with_reader(self, refuses: &'a Reader<'a>) -> Self {
        Self { reader: Some(refuses), ..self }
    }

    /// Whether the gate would refuse a candidate for what it says.
    pub(crate) fn is_refused(&self, candidate: &Candidate) -> bool {
        let applied = self.reader.and_then(|refuses| Some((refuses, self.program.apply(candidate).ok()?)));
        applied.is_some_and(|(refuses, program)| refuses(&program))
    }

    /// What the rows of the gate tell apart; see [`Lab::with_resolution`].
    pub(crate) fn resolution(&self) -> Option<f64> {
        self.resolution
    }

    /// The program as written.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// Rows to learn from.
    pub fn train(&self) -> &'a Visible {
        self.train
    }

    /// Rows to rank finalists on.
    pub fn val(&self) -> &'a Visible {
        self.val
    }

    /// Training rows that demonstrations may be made from.
    pub fn pool(&self) -> &[ExampleId] {
        &self.pool
    }

    /// The common rows: what candidates are scored on, in the order that all share.
    pub fn rows(&self) -> &[ExampleId] {
        self.board.common()
    }

    /// A visible row.
    pub fn example(&self, id: &ExampleId) -> Option<&'a Example> {
        self.train.get(id).or_else(|| self.val.get(id))
    }

    /// The random stream of a purpose.
    pub fn rng(&self, purpose: &str) -> ChaCha8Rng {
        stream(self.seed, purpose)
    }

    /// What the task's model can do.
    pub fn abilities(&self) -> Abilities {
        self.effects.abilities()
    }

    /// Model calls that may still be spent.
    pub fn remaining_calls(&self) -> u64 {
        self.effects.remaining_calls().saturating_sub(self.kept_back)
    }

    /// Keeps so many calls back from whatever is searched next; 0 releases them.
    pub(crate) fn keep_back(&mut self, calls: u64) {
        self.kept_back = calls;
    }

    /// Whether a proposer was named that is stronger than the task's model.
    pub fn has_proposer(&self) -> bool {
        self.effects.has_proposer()
    }

    /// Asks the proposer model; `None` where it gave no answer.
    ///
    /// # Errors
    /// [`Stop`].
    pub fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Option<String>>, Stop> {
        self.afford(asks.len() as u64)?;
        self.effects.ask(asks)
    }

    /// Whether so many calls may be spent; what is kept back is known only here.
    fn afford(&self, calls: u64) -> Result<(), Stop> {
        if calls <= self.remaining_calls() { Ok(()) } else { Err(Stop::Budget) }
    }

    /// What every candidate did so far.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The board, when the search is over.
    pub fn into_board(self) -> Board {
        self.board
    }

    /// Scores trials; outcomes in the order of the request.
    ///
    /// # Errors
    /// [`Stop`]; [`Stop::Broken`] before any call if a trial breaks the rules of the lab.
    pub fn evaluate(&mut self, batch: &[Trial]) -> Result<Vec<Vec<Outcome>>, Stop> {
        self.measure(batch)?;
        let outcome = |id, row| self.board.outcome(id, row).cloned().ok_or_else(|| missing(id, row));
        batch
            .iter()
            .map(|trial| {
                let id = trial.candidate.id();
                trial.rows.iter().map(|row| outcome(id, row)).collect()
            })
            .collect()
    }

    /// Scores trials on the board; only what is not there yet is paid for.
    ///
    /// # Errors
    /// As [`Lab::evaluate`].
    pub(crate) fn measure(&mut self, batch: &[Trial]) -> Result<(), Stop> {
        let mut asked: BTreeSet<(CandidateId, &ExampleId)> = BTreeSet::new();
        let mut due = Vec::new();
        for trial in batch {
            let id = self.enter(&trial.candidate)?;
            self.check_rows(trial)?;
            let open = trial.rows.iter().filter(|row| self.board.outcome(id, row).is_none());
            let rows: Vec<ExampleId> = open.filter(|row| asked.insert((id, *row))).cloned().collect();
            if !rows.is_empty() {
                due.push((id, Trial { candidate: trial.candidate.clone(), rows }));
            }
        }
        let (ids, due): (Vec<CandidateId>, Vec<Trial>) = due.into_iter().unzip();
        if due.is_empty() {
            return Ok(());
        }
        let runs: usize = due.iter().map(Trial::runs).sum();
        self.afford((runs * self.program.calls_per_record()) as u64)?;
        let results = self.effects.evaluate(&due)?;
        for ((id, trial), outcomes) in ids.into_iter().zip(due).zip(results) {
            for (row, outcome) in trial.rows.into_iter().zip(outcomes) {
                self.board.record(id, row, outcome);
            }
        }
        Ok(())
    }

    /// Says what the search is after, before it measures anything.
    pub fn seek(&mut self, aim: Aim) {
        self.board.seek(aim);
    }

    /// Tells the user and the journal.
    pub fn note(&mut self, event: Event) {
        self.effects.note(event);
    }

    /// Tells where a candidate comes from, once: what it was made from and how, in a few words.
    ///
    /// # Errors
    /// [`Stop::Broken`] if it does not fit the program.
    pub fn born(
        &mut self,
        candidate: &Candidate,
        parents: &[&Candidate],
        how: impl Into<String>,
    ) -> Result<(), Stop> {
        let id = self.enter(candidate)?;
        let parents = parents.iter().map(|parent| parent.id()).collect();
        let lineage = Lineage { id, parents, how: how.into() };
        if self.board.trace_back(lineage.clone()) {
            self.effects.note(Event::Born(lineage));
        }
        Ok(())
    }

    /// Gives up: says why, and nothing that was measured stands as a finalist.
    pub fn concede(&mut self, why: impl Into<String>) {
        self.board.close();
        self.effects.note(Event::Remark { text: why.into() });
    }

    /// Says, once, why there is no point in going on. What was measured stands.
    pub(crate) fn end(&mut self, why: &str) {
        if !std::mem::replace(&mut self.ended, true) {
            self.effects.note(Event::Remark { text: format!("the search ends here: {why}") });
        }
    }

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

    fn check_rows(&self, trial: &Trial) -> Result<(), Stop> {
        let own = shown(&trial.candidate);
        for row in &trial.rows {
            let problem = if self.example(row).is_none() {
                "which is not visible to the search"
            } else if own.contains(row) {
                "which stands in its own demonstrations"
            } else {
                continue;
            };
            let id = trial.candidate.id();
            return Err(Stop::Broken {
                message: format!("the search wants candidate {id} scored on row `{row}`, {problem}"),
            });
        }
        Ok(())
    }
}

/// The rows that stand in a candidate's demonstrations, or in those of any member of a vote.
pub fn shown(candidate: &Candidate) -> BTreeSet<&ExampleId> {
    let lists = candidate.iter().filter_map(|(_, param)| match param {
        Param::Demonstrations(list) => Some(list),
        _ => None,
    });
    lists.flat_map(|list| rows_of(list)).chain(candidate.voters().iter().flat_map(shown)).collect()
}

/// The rows that stand in a list of demonstrations.
fn rows_of(list: &[Demonstration]) -> impl Iterator<Item = &ExampleId> {
    list.iter().filter_map(|demonstration| match &demonstration.origin {
        Origin::Row(id) | Origin::Trace(id) => Some(id),
        Origin::Task => None,
    })
}

fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(*digest(&("lab", seed, purpose)).as_bytes())
}

fn missing(id: CandidateId, row: &ExampleId) -> Stop {
    Stop::Broken { message: format!("no outcome came back for candidate {id} on row `{row}`") }
}

#[cfg(test)]
mod tests;
