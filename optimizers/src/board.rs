//! The board: the outcome of every candidate on every row.
//!
//! **Invariant:** candidates are compared only on rows that all of them were measured on. Means over different rows differ
//! by the rows more than by the candidates.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use proofmark_runtime::{Candidate, CandidateId, Demonstration, ExampleId, Program};
use serde::{Deserialize, Serialize};

use crate::{effects::Lineage, outcome::Outcome, paired};

/// A search goes on from a new candidate if its paired p is below this.
const STEP: f64 = 0.25;
/// The score that the whole length of the prompt as written is worth, if the aim is brevity.
const LENGTH_WORTH: f64 = 0.25;
/// The score that one more member of a vote costs: it is one more call for every row.
pub(crate) const CALL_WORTH: f64 = 0.01;
/// The score that a shorter prompt may lose on the rows of the search: half the margin of the gate.
const LOSS: f64 = 0.015;

/// The aim of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// A better score.
    #[default]
    Score,
    /// A shorter prompt with about the same score.
    Brevity,
}

/// The outcome of every candidate on every row.
#[derive(Clone, Debug, Default)]
pub struct Board {
    common: Vec<ExampleId>,
    entries: IndexMap<CandidateId, Entry>,
    aim: Aim,
    /// Whether the search gave up; there are no finalists then.
    closed: bool,
}

/// The outcomes of one candidate, each with its row.
pub type RowOutcomes = Vec<(ExampleId, Outcome)>;

/// One candidate on the board.
#[derive(Clone, Debug)]
pub struct Entry {
    candidate: Candidate,
    lineage: Option<Lineage>,
    characters: usize,
    outcomes: BTreeMap<ExampleId, Outcome>,
    depth: usize,
}

/// How a candidate compares with the baseline on the first common rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The candidate.
    pub candidate: Candidate,
    /// The number of common rows, from the first on, that the numbers are means over.
    pub rows: usize,
    /// Mean score, 0..=1.
    pub mean: f64,
    /// Mean score minus the baseline's on the same rows.
    #[serde(rename = "lead")]
    pub gain: f64,
    /// One-sided mid-p of the gain ([`paired::sign_flip`]). For display only: the search chose by these rows.
    pub p: f64,
    /// The number of characters of its instructions, descriptions and demonstrations.
    pub characters: usize,
}

impl Board {
    /// Makes an empty board over the common rows.
    pub fn new(common: Vec<ExampleId>) -> Self {
        Self { common, entries: IndexMap::new(), aim: Aim::Score, closed: false }
    }

    /// The rows that candidates are compared on, in their fixed order.
    pub fn common(&self) -> &[ExampleId] {
        &self.common
    }

    /// All candidates in the order in which they were entered.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// The entry of a candidate.
    pub fn get(&self, id: CandidateId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// Puts a candidate on the board, unless it is there; `applied` is the program with the candidate laid over it.
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

    /// Puts a candidate on the board that was measured outside the search, with its lineage and outcomes; `applied` is the
    /// program with the candidate laid over it. An earlier lineage and earlier outcomes on other rows stay.
    pub fn admit(
        &mut self,
        candidate: &Candidate,
        applied: &Program,
        lineage: Lineage,
        outcomes: RowOutcomes,
    ) {
        let id = self.enter(candidate, applied);
        self.set_lineage(lineage);
        for (row, outcome) in outcomes {
            self.record(id, row, outcome);
        }
    }

    /// Sets the aim that candidates are ranked by.
    pub(crate) fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    /// Withdraws all finalists.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Sets the lineage of a candidate on the board; returns false if it had one.
    pub(crate) fn set_lineage(&mut self, lineage: Lineage) -> bool {
        let entry = self.entries.get_mut(&lineage.id).filter(|entry| entry.lineage.is_none());
        entry.map(|entry| entry.lineage = Some(lineage)).is_some()
    }

    /// Records an outcome of a candidate that is on the board.
    pub(crate) fn record(&mut self, id: CandidateId, row: ExampleId, outcome: Outcome) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.outcomes.insert(row, outcome);
        while self.common.get(entry.depth).is_some_and(|row| entry.outcomes.contains_key(row)) {
            entry.depth += 1;
        }
    }

    /// The outcome of a candidate on a row, if it was measured.
    pub fn outcome(&self, id: CandidateId, row: &ExampleId) -> Option<&Outcome> {
        self.entries.get(&id)?.outcomes.get(row)
    }

    /// The depth of a candidate: the number of common rows, from the first on without a gap, that it was measured on.
    pub fn depth(&self, id: CandidateId) -> usize {
        self.entries.get(&id).map_or(0, |entry| entry.depth)
    }

    /// The mean score of a candidate on the first common rows, up to its depth; none at depth 0.
    pub fn mean(&self, id: CandidateId) -> Option<f64> {
        let scores = self.scores(id, self.depth(id));
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// Ranks the candidates among `ids` that were measured on the first `rows` common rows, best first: by the gain (less
    /// the price of a vote's calls, plus the worth of a shorter prompt if the aim is brevity), then by fewer characters,
    /// then by id. Empty if the baseline was not measured on these rows.
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

    /// At most `most` finalists, best first: candidates with a gain over the baseline (or shorter ones with hardly a loss,
    /// if the aim is brevity) among those of the greatest depth. After a search that was stopped early this depth may be
    /// less than all rows; the deepest candidates have won on the rows before. Empty if the search gave up.
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

    /// Whether `challenger` scores higher than `holder` on the common rows that both were measured on, with a paired p below
    /// 0.25. This decides a step of a search; it is no claim.
    pub fn beats(&self, challenger: CandidateId, holder: CandidateId) -> bool {
        let rows = self.depth(challenger).min(self.depth(holder));
        let pairs = self.scores(challenger, rows).into_iter().zip(self.scores(holder, rows));
        let differences: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
        mean(&differences) > 0.0 && paired::sign_flip(&differences) < STEP
    }

    /// The scores of a candidate on the first `rows` common rows, up to its depth.
    pub fn scores(&self, id: CandidateId, rows: usize) -> Vec<f64> {
        let Some(entry) = self.entries.get(&id) else { return Vec::new() };
        let rows = &self.common[..rows.min(entry.depth)];
        rows.iter().filter_map(|row| entry.outcomes.get(row)).map(|outcome| outcome.worth().get()).collect()
    }

    /// Whether a candidate may be a finalist.
    pub(crate) fn is_worth_it(&self, standing: &Standing) -> bool {
        match self.aim {
            Aim::Score => standing.gain > 0.0,
            Aim::Brevity => {
                let written = self.entries.get(&Candidate::baseline().id()).map_or(0, Entry::characters);
                standing.characters < written && standing.gain > -LOSS
            }
        }
    }

    /// The value that candidates are ranked by: the gain, less the price of a vote's calls, plus the worth of the characters
    /// saved if the aim is brevity.
    pub(crate) fn worth(&self, standing: &Standing) -> f64 {
        let written = self.entries.get(&Candidate::baseline().id()).map_or(0, Entry::characters);
        #[expect(clippy::cast_precision_loss, reason = "a length")]
        let saved = 1.0 - standing.characters as f64 / written.max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let price = CALL_WORTH * (standing.candidate.votes() - 1) as f64;
        match self.aim {
            Aim::Score => standing.gain - price,
            Aim::Brevity => standing.gain - price + LENGTH_WORTH * saved,
        }
    }

    fn standing(&self, entry: &Entry, base: &[f64]) -> Standing {
        let scores = self.scores(entry.candidate.id(), base.len());
        let differences: Vec<f64> = scores.iter().zip(base).map(|(a, b)| a - b).collect();
        Standing {
            candidate: entry.candidate.clone(),
            rows: base.len(),
            mean: mean(&scores),
            gain: mean(&differences),
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

    /// Its lineage, if the optimizer registered one.
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// The number of characters of its instructions, descriptions and demonstrations.
    pub fn characters(&self) -> usize {
        self.characters
    }

    /// Its outcomes by row.
    pub fn outcomes(&self) -> &BTreeMap<ExampleId, Outcome> {
        &self.outcomes
    }

    /// The number of common rows, from the first on without a gap, that it was measured on.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// The mean of the values; 0 if there are none.
#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The length of a program's prompts in characters: everything that a candidate can lengthen. Where only the nearest
/// demonstrations are shown, their share of all demonstrations counts.
pub(crate) fn characters(program: &Program) -> usize {
    let mut characters = 0;
    for module in program.modules() {
        let signature = &module.signature;
        characters += signature.instructions.chars().count();
        for field in signature.inputs.iter().chain(&signature.outputs) {
            characters += field.about.chars().count();
        }
        let total = module.demonstrations.len();
        let shown = if module.nearest == 0 { total } else { total.min(module.nearest as usize) };
        let all: usize = module.demonstrations.iter().map(demonstration_characters).sum();
        characters += all * shown / total.max(1);
    }
    characters
}

/// The number of characters of a demonstration's values.
fn demonstration_characters(demonstration: &Demonstration) -> usize {
    let values = demonstration.inputs.iter().chain(demonstration.outputs.iter());
    values.map(|(_, value)| value.to_string().chars().count()).sum()
}

#[cfg(test)]
mod tests;
