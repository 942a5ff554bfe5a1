//! The board: what every candidate did on every row.
//!
//! **Invariant:** only candidates measured on all the same rows are compared. A mean over other rows than the rival's
//! says more about the rows than about the candidate.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use proofmark_runtime::{Candidate, CandidateId, ExampleId, Program};
use serde::{Deserialize, Serialize};

use crate::{effects::Lineage, outcome::Outcome, paired};

/// A step is taken if its paired p is below this.
const STEP: f64 = 0.25;
/// What the whole length of the prompt as written is worth in score, where brevity is the aim.
const LENGTH_WORTH: f64 = 0.25;
/// What one more prompt that votes, which is one more call for every row, is worth in score.
pub(crate) const CALL_WORTH: f64 = 0.01;
/// What a shorter prompt may be behind on the rows of the search: half of what the gate lets pass.
const LOSS: f64 = 0.015;

/// What a search is after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// A better score.
    #[default]
    Score,
    /// A shorter prompt that does as well.
    Brevity,
}

/// What every candidate did on every row.
#[derive(Clone, Debug, Default)]
pub struct Board {
    common: Vec<ExampleId>,
    entries: IndexMap<CandidateId, Entry>,
    aim: Aim,
    /// The search found that there is nothing to be had.
    closed: bool,
}

/// Outcomes by row.
pub type Measured = Vec<(ExampleId, Outcome)>;

/// One candidate on the board.
#[derive(Clone, Debug)]
pub struct Entry {
    candidate: Candidate,
    lineage: Option<Lineage>,
    characters: usize,
    outcomes: BTreeMap<ExampleId, Outcome>,
    depth: usize,
}

/// How a candidate stands against the others on the rows that all of them were measured on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The candidate.
    pub candidate: Candidate,
    /// Rows that the numbers are over: the first so many of the common rows.
    pub rows: usize,
    /// Mean score, 0..=1.
    pub mean: f64,
    /// Mean score minus the baseline's on the same rows.
    pub lead: f64,
    /// One-sided mid-p of the lead ([`paired::sign_flip`]). For display: the rows were used to find the candidate.
    pub p: f64,
    /// Characters of its instructions, descriptions and demonstrations.
    pub characters: usize,
}

impl Board {
    /// An empty board over the common rows.
    pub fn new(common: Vec<ExampleId>) -> Self {
        Self { common, entries: IndexMap::new(), aim: Aim::Score, closed: false }
    }

    /// The rows that candidates are compared on, in their one order.
    pub fn common(&self) -> &[ExampleId] {
        &self.common
    }

    /// All candidates in the order of their birth.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// One candidate.
    pub fn get(&self, id: CandidateId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// Puts a candidate on the board; `applied` is the program with it. Does nothing if it is there.
    pub(crate) fn enter(&mut self, candidate: &Candidate, applied: &Program) -> CandidateId {
        let id = candidate.id();
        self.entries.entry(id).or_insert_with(|| Entry {
            candidate: candidate.clone(),
            lineage: None,
            characters: characters(applied),
            outcomes: BTreeMap::new(),
            depth: 0,
        });
        id
    }

    /// Puts a candidate on the board that was measured elsewhere, with where it comes from; `applied` is the program with it.
    /// What was known of it stays.
    pub fn admit(
        &mut self,
        (candidate, applied): (&Candidate, &Program),
        lineage: Lineage,
        outcomes: Measured,
    ) {
        let id = self.enter(candidate, applied);
        self.trace_back(lineage);
        outcomes.into_iter().for_each(|(row, outcome)| self.record(id, row, outcome));
    }

    /// Ranks by this aim from now on.
    pub(crate) fn seek(&mut self, aim: Aim) {
        self.aim = aim;
    }

    /// Makes nobody a finalist.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Remembers where a candidate comes from; false if that was known.
    pub(crate) fn trace_back(&mut self, lineage: Lineage) -> bool {
        let entry = self.entries.get_mut(&lineage.id).filter(|entry| entry.lineage.is_none());
        entry.map(|entry| entry.lineage = Some(lineage)).is_some()
    }

    /// Records an outcome of a candidate on the board.
    pub(crate) fn record(&mut self, id: CandidateId, row: ExampleId, outcome: Outcome) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.outcomes.insert(row, outcome);
            let next = |entry: &Entry| {
                self.common.get(entry.depth).is_some_and(|row| entry.outcomes.contains_key(row))
            };
            while next(entry) {
                entry.depth += 1;
            }
        }
    }

    /// The outcome of a candidate on a row, if it was measured.
    pub fn outcome(&self, id: CandidateId, row: &ExampleId) -> Option<&Outcome> {
        self.entries.get(&id)?.outcomes.get(row)
    }

    /// How many of the common rows, from the first on, a candidate was measured on.
    pub fn depth(&self, id: CandidateId) -> usize {
        self.entries.get(&id).map_or(0, |entry| entry.depth)
    }

    /// The mean score of a candidate on the common rows it was measured on, if any.
    pub fn mean(&self, id: CandidateId) -> Option<f64> {
        let scores = self.scores(id, self.depth(id));
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// The candidates among `ids` that were measured on the first `rows` common rows, best first: by mean (less what the calls
    /// of a vote are worth, and by length, if brevity is the aim), then fewer characters, then id. Empty if the baseline was
    /// not measured there.
    pub fn ranking(&self, ids: &[CandidateId], rows: usize) -> Vec<Standing> {
        let baseline = Candidate::baseline().id();
        if self.depth(baseline) < rows {
            return Vec::new();
        }
        let base = self.scores(baseline, rows);
        let measured = ids.iter().filter_map(|id| self.entries.get(id)).filter(|entry| entry.depth >= rows);
        let mut standings: Vec<(CandidateId, Standing)> =
            measured.map(|entry| (entry.candidate.id(), self.standing(entry, &base))).collect();
        standings.sort_by(|(a_id, a), (b_id, b)| {
            let by_worth = self.worth(b).total_cmp(&self.worth(a));
            by_worth.then(a.characters.cmp(&b.characters)).then(a_id.cmp(b_id))
        });
        standings.dedup_by(|a, b| a.0 == b.0);
        standings.into_iter().map(|(_, standing)| standing).collect()
    }

    /// At most `most` candidates that are ahead of the baseline (or shorter and hardly behind, if brevity is the aim),
    /// best first, among those measured on the most common rows. After a search that was stopped these may be fewer rows
    /// than all: a candidate that went further than the others has beaten them on the rows before. None if the search
    /// conceded that there is nothing to be had.
    pub fn finalists(&self, most: usize) -> Vec<Standing> {
        if self.closed {
            return Vec::new();
        }
        let baseline = Candidate::baseline().id();
        let rivals: Vec<_> = self.entries.keys().copied().filter(|&id| id != baseline).collect();
        let furthest = rivals.iter().map(|&id| self.depth(id)).max().unwrap_or(0);
        let rows = furthest.min(self.depth(baseline));
        let mut ranking = if rows == 0 { Vec::new() } else { self.ranking(&rivals, rows) };
        ranking.retain(|standing| self.is_worth_it(standing));
        ranking.truncate(most);
        ranking
    }

    /// Whether a candidate is ahead of another on the common rows that both were measured on, by more than chance would
    /// be in one case of four. A margin for taking a step, not a claim.
    pub fn beats(&self, challenger: CandidateId, holder: CandidateId) -> bool {
        let rows = self.depth(challenger).min(self.depth(holder));
        let pairs = self.scores(challenger, rows).into_iter().zip(self.scores(holder, rows));
        let differences: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
        mean(&differences) > 0.0 && paired::sign_flip(&differences) < STEP
    }

    /// The scores of a candidate on the first `rows` common rows, as far as it was measured.
    pub fn scores(&self, id: CandidateId, rows: usize) -> Vec<f64> {
        let Some(entry) = self.entries.get(&id) else { return Vec::new() };
        let rows = &self.common[..rows.min(entry.depth)];
        rows.iter().filter_map(|row| entry.outcomes.get(row)).map(|outcome| outcome.worth().get()).collect()
    }

    /// Whether a candidate may be a finalist.
    pub(crate) fn is_worth_it(&self, standing: &Standing) -> bool {
        match self.aim {
            Aim::Score => standing.lead > 0.0,
            Aim::Brevity => {
                let written = self.entries.get(&Candidate::baseline().id()).map_or(0, Entry::characters);
                standing.characters < written && standing.lead > -LOSS
            }
        }
    }

    /// What a standing counts for: its lead less what the calls of a vote are worth, and what it saves if brevity is the aim.
    pub(crate) fn worth(&self, standing: &Standing) -> f64 {
        let written = self.entries.get(&Candidate::baseline().id()).map_or(0, Entry::characters);
        #[expect(clippy::cast_precision_loss, reason = "a length")]
        let saved = 1.0 - standing.characters as f64 / written.max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let price = CALL_WORTH * (standing.candidate.votes() - 1) as f64;
        match self.aim {
            Aim::Score => standing.lead - price,
            Aim::Brevity => standing.lead - price + LENGTH_WORTH * saved,
        }
    }

    fn standing(&self, entry: &Entry, base: &[f64]) -> Standing {
        let scores = self.scores(entry.candidate.id(), base.len());
        let differences: Vec<f64> = scores.iter().zip(base).map(|(a, b)| a - b).collect();
        Standing {
            candidate: entry.candidate.clone(),
            rows: base.len(),
            mean: mean(&scores),
            lead: mean(&differences),
            p: paired::sign_flip(&differences),
            characters: entry.characters,
        }
    }
}

impl Entry {
    /// The candidate.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Where it comes from, if the optimizer said so.
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// Characters of its instructions, descriptions and demonstrations.
    pub fn characters(&self) -> usize {
        self.characters
    }

    /// What it did, by row.
    pub fn outcomes(&self) -> &BTreeMap<ExampleId, Outcome> {
        &self.outcomes
    }

    /// How many of the common rows, from the first on, it was measured on.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// The mean; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// What a reader would call the length of the prompts: all that a candidate can lengthen.
pub(crate) fn characters(program: &Program) -> usize {
    let count = |text: &str| text.chars().count();
    let module = |module: &proofmark_runtime::Module| {
        let signature = &module.signature;
        let fields = signature.inputs.iter().chain(&signature.outputs).map(|field| count(&field.about));
        let values = |demo: &proofmark_runtime::Demonstration| -> usize {
            demo.inputs.iter().chain(demo.outputs.iter()).map(|(_, value)| count(&value.to_string())).sum()
        };
        let all = module.demonstrations.iter().map(values).sum::<usize>();
        let of = module.demonstrations.len();
        let shown = if module.nearest == 0 { of } else { of.min(module.nearest as usize) };
        count(&signature.instructions) + fields.sum::<usize>() + all * shown / of.max(1)
    };
    program.modules().iter().map(module).sum()
}

#[cfg(test)]
mod tests;
