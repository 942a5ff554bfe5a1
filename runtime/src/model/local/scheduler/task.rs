//! Orders between passes: the tokens that they need next, and the use of the computed rows.
//!
//! **Invariant:** a task's tokens and answer follow from its order and its own rows alone.

use std::sync::Arc;

use rayon::prelude::*;
use tokio::sync::oneshot;

use super::{
    super::{
        cache::NodeId,
        choice::{Branch, Labels, Search},
        decoder::{
            Decoder,
            head::WordWeights,
            kv::{Memory, Segment, View},
            pass::TokenPlace,
        },
        generate::{Next, Text, TokenWriter},
        kernel::Panels,
    },
    Answer,
    batch::Owner,
    calibration::Calibrations,
};
use crate::digest::Digest;

/// The number of tokens for which a text makes room at a time.
const TEXT_ROOM: usize = 32;

/// An order that is being served.
#[derive(Debug)]
pub(super) struct Active {
    /// The end of the prompt without its last token; pinned.
    pub(super) leaf: NodeId,
    /// Tokens beyond the prompt for which memory is reserved.
    pub(super) after: usize,
    pub(super) task: Task,
    pub(super) recipient: Recipient,
}

/// The recipient of the result.
#[derive(Debug)]
pub(super) enum Recipient {
    Caller(oneshot::Sender<Answer>),
    Calibration { key: Digest, index: usize },
}

/// Labels, and the output weights of their tokens.
#[derive(Clone, Debug)]
pub(super) struct ScoredLabels {
    pub(super) labels: Arc<Labels>,
    pub(super) few: Arc<WordWeights>,
}

/// The work on an order.
#[derive(Debug)]
pub(super) enum Task {
    Choice(Box<ChoiceTask>),
    Text(Box<TextTask>),
}

/// A choice being made.
#[derive(Debug)]
pub(super) struct ChoiceTask {
    labels: ScoredLabels,
    search: Search,
    calibration: Option<Digest>,
    last: u32,
    start: usize,
    /// The last token of the prompt, once computed.
    tail: Option<View>,
    todo: Vec<Branch>,
    done: bool,
}

/// A text being written.
#[derive(Debug)]
pub(super) struct TextTask {
    writer: Box<dyn TokenWriter>,
    next: u32,
    past: Vec<View>,
    /// The segment of the next token; none while a pass is computed.
    segment: Option<Segment>,
    text: Option<Text>,
}

/// Tokens that a task needs computed.
pub(super) struct PlannedStep {
    pub(super) branch: Option<Branch>,
    pub(super) past: Vec<View>,
    pub(super) segment: Segment,
    pub(super) tokens: Vec<u32>,
}

impl Active {
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(&self.recipient, Recipient::Caller(caller) if caller.is_closed())
    }
}

impl Task {
    /// The best label.
    pub(super) fn choice(prompt: &[u32], labels: &ScoredLabels) -> Self {
        let search = Search::best_of(Arc::clone(&labels.labels));
        Self::search(prompt, labels, search, None)
    }

    /// The best label after correction by a calibration that may not be known yet.
    pub(super) fn corrected_choice(prompt: &[u32], labels: &ScoredLabels, calibration: Digest) -> Self {
        let search = Search::corrected(Arc::clone(&labels.labels));
        Self::search(prompt, labels, search, Some(calibration))
    }

    /// The scores of all labels.
    pub(super) fn all_scores(prompt: &[u32], labels: &ScoredLabels) -> Self {
        let search = Search::all(Arc::clone(&labels.labels));
        Self::search(prompt, labels, search, None)
    }

    fn search(prompt: &[u32], labels: &ScoredLabels, search: Search, calibration: Option<Digest>) -> Self {
        Self::Choice(Box::new(ChoiceTask {
            labels: labels.clone(),
            search,
            calibration,
            last: prompt.last().copied().unwrap_or_default(),
            start: prompt.len().saturating_sub(1),
            tail: None,
            todo: vec![],
            done: false,
        }))
    }

    /// A text.
    pub(super) fn text(prompt: &[u32], writer: Box<dyn TokenWriter>, memory: &Memory) -> Self {
        let next = prompt.last().copied().unwrap_or_default();
        let segment = Some(memory.segment(prompt.len().saturating_sub(1), TEXT_ROOM));
        Self::Text(Box::new(TextTask { writer, next, past: vec![], segment, text: None }))
    }

    pub(super) fn labels(&self) -> Option<&ScoredLabels> {
        match self {
            Self::Choice(choice) => Some(&choice.labels),
            Self::Text(_) => None,
        }
    }

    /// The tokens to be computed next, once the prompt is computed.
    pub(super) fn steps(&mut self, memory: &Memory) -> Vec<PlannedStep> {
        match self {
            Self::Choice(choice) => choice.steps(memory),
            Self::Text(writing) => {
                let TextTask { next, past, segment, .. } = &mut **writing;
                let step = segment.take().map(|segment| PlannedStep {
                    branch: None,
                    past: past.clone(),
                    segment,
                    tokens: vec![*next],
                });
                step.into_iter().collect()
            }
        }
    }

    /// Takes the result of a step.
    pub(super) fn take(&mut self, branch: Option<Branch>, segment: Segment, rows: Vec<TokenResult>) {
        match self {
            Self::Choice(choice) => {
                let words: Vec<Vec<f64>> = rows.into_iter().map(TokenResult::into_words).collect();
                match branch {
                    Some(branch) => choice.search.expand(branch, &words, View::whole(segment)),
                    None => {
                        choice.search.start(words.first().map_or(&[], Vec::as_slice));
                        choice.tail = Some(View::whole(segment));
                    }
                }
            }
            Self::Text(writing) => {
                writing.segment = Some(segment);
                for row in rows {
                    match row {
                        TokenResult::Next(Next::Token(token)) => writing.next = token,
                        TokenResult::Next(Next::End(text)) => writing.text = Some(text),
                        TokenResult::Words(_) => {}
                    }
                }
            }
        }
    }

    /// Advances as far as possible without computing. A choice expands at most `branches` branches next.
    pub(super) fn settle(&mut self, branches: usize, calibrations: &Calibrations, memory: &Memory) {
        match self {
            Self::Choice(choice) => choice.settle(branches, calibrations),
            Self::Text(writing) => {
                if let Some(full) = writing.segment.take_if(|segment| segment.room() == 0) {
                    writing.segment = Some(memory.segment(full.start() + full.len(), TEXT_ROOM));
                    writing.past.push(View::whole(full));
                }
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Choice(choice) => choice.done,
            Self::Text(writing) => writing.text.is_some(),
        }
    }

    /// The answer of a task that is done.
    pub(super) fn answer(self) -> Option<Answer> {
        match self {
            Self::Choice(choice) => {
                choice.search.best().map(|best| Answer::Choice { label: best.label, logprob: best.logprob })
            }
            Self::Text(writing) => writing.text.map(Answer::Text),
        }
    }

    /// The scores of all labels.
    pub(super) fn scores(&self) -> Vec<f64> {
        match self {
            Self::Choice(choice) => choice.search.scores(),
            Self::Text(_) => vec![],
        }
    }
}

impl ChoiceTask {
    fn steps(&mut self, memory: &Memory) -> Vec<PlannedStep> {
        let Some(tail) = &self.tail else {
            let segment = memory.segment(self.start, 1);
            return vec![PlannedStep { branch: None, past: vec![], segment, tokens: vec![self.last] }];
        };
        let labels = self.search.labels();
        std::mem::take(&mut self.todo)
            .into_iter()
            .map(|branch| {
                let past: Vec<View> = std::iter::once(tail).chain(&branch.past).cloned().collect();
                let tokens = branch.tokens(labels);
                let start = past.last().map_or(0, View::end);
                PlannedStep {
                    past,
                    segment: memory.segment(start, tokens.len()),
                    tokens,
                    branch: Some(branch),
                }
            })
            .collect()
    }

    fn settle(&mut self, branches: usize, calibrations: &Calibrations) {
        if self.search.waits()
            && let Some(corrections) = self.calibration.and_then(|key| calibrations.corrections(key))
        {
            self.search.set_corrections(corrections);
        }
        if self.tail.is_some() && self.todo.is_empty() && !self.search.waits() {
            self.todo = self.search.take(branches);
            self.done = self.todo.is_empty();
        }
    }
}

/// The result of a computed token for its task.
#[derive(Debug)]
pub(super) enum TokenResult {
    /// Log-probabilities of the label words.
    Words(Vec<f64>),
    /// The writer's choice.
    Next(Next),
}

impl TokenResult {
    fn into_words(self) -> Vec<f64> {
        match self {
            Self::Words(words) => words,
            Self::Next(_) => vec![],
        }
    }
}

/// The final rows of a pass, and which run and order each belongs to.
pub(super) struct ComputedRows<'a> {
    pub(super) decoder: &'a Decoder,
    pub(super) hidden: &'a Panels,
    /// The token of each row.
    pub(super) wanted: &'a [TokenPlace],
    /// The owner of each run.
    pub(super) owners: &'a [Owner],
}

/// The results of a pass for its tasks, by run.
pub(super) struct PassResults(Vec<Vec<TokenResult>>);

impl PassResults {
    /// The results of a run, in the order of its tokens.
    pub(super) fn of(&mut self, run: usize) -> Vec<TokenResult> {
        std::mem::take(&mut self.0[run])
    }
}

impl ComputedRows<'_> {
    /// Computes the words after the wanted tokens. Writers choose their next token here, in parallel.
    pub(super) fn results(&self, active: &mut [Active]) -> PassResults {
        let mut results: Vec<Vec<TokenResult>> = self.owners.iter().map(|_| vec![]).collect();
        self.score(active, &mut results);
        self.write(active, &mut results);
        PassResults(results)
    }

    /// The index of the order that a row belongs to; none for a row of the prompt tree.
    fn task(&self, row: usize) -> Option<usize> {
        self.owners[self.wanted[row].run].task()
    }

    /// Scores label words: rows of the same labels in one product, and the normalization of all rows in one.
    fn score(&self, active: &[Active], out: &mut [Vec<TokenResult>]) {
        let labels = |row: usize| self.task(row).and_then(|index| active[index].task.labels());
        let rows: Vec<usize> = (0..self.wanted.len()).filter(|&row| labels(row).is_some()).collect();
        let sums = self.decoder.log_sums(&self.hidden.select(&rows));
        let mut words: Vec<Option<Vec<f32>>> = vec![None; self.wanted.len()];
        for &row in &rows {
            let Some(ScoredLabels { few, .. }) = labels(row).filter(|_| words[row].is_none()) else {
                continue;
            };
            let same = |other: usize| labels(other).is_some_and(|labels| Arc::ptr_eq(&labels.few, few));
            let group: Vec<usize> = rows.iter().copied().filter(|&other| same(other)).collect();
            let logits = self.decoder.few_logits(&self.hidden.select(&group), few);
            for (row, logits) in group.iter().zip(logits) {
                words[*row] = Some(logits);
            }
        }
        for (&row, sum) in rows.iter().zip(sums) {
            let logits = words[row].take().unwrap_or_default();
            let logprobs = logits.iter().map(|&logit| f64::from(logit) - sum).collect();
            out[self.wanted[row].run].push(TokenResult::Words(logprobs));
        }
    }

    /// Chooses the next tokens of texts.
    fn write(&self, active: &mut [Active], out: &mut [Vec<TokenResult>]) {
        let mut row_of_task: Vec<Option<usize>> = vec![None; active.len()];
        for row in 0..self.wanted.len() {
            if let Some(index) = self.task(row) {
                row_of_task[index] = Some(row);
            }
        }
        let mut rows: Vec<usize> = vec![];
        let mut tasks: Vec<&mut TextTask> = vec![];
        for (active, row) in active.iter_mut().zip(row_of_task) {
            if let (Task::Text(task), Some(row)) = (&mut active.task, row) {
                rows.push(row);
                tasks.push(task);
            }
        }
        let logits = self.decoder.logits(&self.hidden.select(&rows));
        let next: Vec<Next> =
            tasks.par_iter_mut().zip(logits).map(|(task, logits)| task.writer.next(&logits)).collect();
        for (row, next) in rows.into_iter().zip(next) {
            out[self.wanted[row].run].push(TokenResult::Next(next));
        }
    }
}
