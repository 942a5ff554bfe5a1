//! What an order does between passes: which tokens it needs next, and what it makes of their rows.
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
            head::Few,
            kv::{Memory, Segment, View},
            pass::Place,
        },
        generate::{Next, Text, Writer},
        kernel::Panels,
    },
    Answer,
    batch::Owner,
    calibration::Calibrations,
};
use crate::digest::Digest;

/// Tokens for which a text makes room at a time.
const TEXT_ROOM: usize = 32;

/// An order that is being served.
#[derive(Debug)]
pub(super) struct Active {
    /// The end of the prompt without its last token; pinned.
    pub(super) leaf: NodeId,
    /// Tokens for which memory was promised, beyond the prompt.
    pub(super) after: usize,
    pub(super) task: Task,
    pub(super) recipient: Recipient,
}

/// Who gets the result.
#[derive(Debug)]
pub(super) enum Recipient {
    Caller(oneshot::Sender<Answer>),
    Calibration { key: Digest, index: usize },
}

/// Labels, and the output weights of their tokens.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) labels: Arc<Labels>,
    pub(super) few: Arc<Few>,
}

/// What is being done.
#[derive(Debug)]
pub(super) enum Task {
    Choice(Box<Choice>),
    Text(Box<Writing>),
}

/// A choice being made.
#[derive(Debug)]
pub(super) struct Choice {
    question: Question,
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
pub(super) struct Writing {
    writer: Box<dyn Writer>,
    next: u32,
    past: Vec<View>,
    /// Where the next token goes; away while a pass is computed.
    segment: Option<Segment>,
    text: Option<Text>,
}

/// Tokens that a task needs computed.
pub(super) struct Step {
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
    pub(super) fn choice(prompt: &[u32], question: &Question) -> Self {
        let search = Search::best_of(Arc::clone(&question.labels));
        Self::search(prompt, question, search, None)
    }

    /// The best label after correction by a calibration that may not be known yet.
    pub(super) fn corrected_choice(prompt: &[u32], question: &Question, calibration: Digest) -> Self {
        let search = Search::corrected(Arc::clone(&question.labels));
        Self::search(prompt, question, search, Some(calibration))
    }

    /// The scores of all labels.
    pub(super) fn all_scores(prompt: &[u32], question: &Question) -> Self {
        let search = Search::all(Arc::clone(&question.labels));
        Self::search(prompt, question, search, None)
    }

    fn search(prompt: &[u32], question: &Question, search: Search, calibration: Option<Digest>) -> Self {
        Self::Choice(Box::new(Choice {
            question: question.clone(),
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
    pub(super) fn text(prompt: &[u32], writer: Box<dyn Writer>, memory: &Memory) -> Self {
        let next = prompt.last().copied().unwrap_or_default();
        let segment = Some(memory.segment(prompt.len().saturating_sub(1), TEXT_ROOM));
        Self::Text(Box::new(Writing { writer, next, past: vec![], segment, text: None }))
    }

    pub(super) fn question(&self) -> Option<&Question> {
        match self {
            Self::Choice(choice) => Some(&choice.question),
            Self::Text(_) => None,
        }
    }

    /// What is to be computed next, given that the prompt is.
    pub(super) fn steps(&mut self, memory: &Memory) -> Vec<Step> {
        match self {
            Self::Choice(choice) => choice.steps(memory),
            Self::Text(writing) => {
                let Writing { next, past, segment, .. } = &mut **writing;
                let step = segment.take().map(|segment| Step {
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
    pub(super) fn take(&mut self, branch: Option<Branch>, segment: Segment, rows: Vec<Row>) {
        match self {
            Self::Choice(choice) => {
                let words: Vec<Vec<f64>> = rows.into_iter().map(Row::into_words).collect();
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
                        Row::Next(Next::Token(token)) => writing.next = token,
                        Row::Next(Next::End(text)) => writing.text = Some(text),
                        Row::Words(_) => {}
                    }
                }
            }
        }
    }

    /// Goes on as far as possible without computing; a choice expands at most so many branches next.
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

impl Choice {
    fn steps(&mut self, memory: &Memory) -> Vec<Step> {
        let Some(tail) = &self.tail else {
            let segment = memory.segment(self.start, 1);
            return vec![Step { branch: None, past: vec![], segment, tokens: vec![self.last] }];
        };
        let labels = self.search.labels();
        std::mem::take(&mut self.todo)
            .into_iter()
            .map(|branch| {
                let past: Vec<View> = std::iter::once(tail).chain(&branch.past).cloned().collect();
                let tokens = branch.tokens(labels);
                let start = past.last().map_or(0, View::end);
                Step { past, segment: memory.segment(start, tokens.len()), tokens, branch: Some(branch) }
            })
            .collect()
    }

    fn settle(&mut self, branches: usize, calibrations: &Calibrations) {
        if self.search.waits()
            && let Some(gains) = self.calibration.and_then(|key| calibrations.gains(key))
        {
            self.search.set_gains(gains);
        }
        if self.tail.is_some() && self.todo.is_empty() && !self.search.waits() {
            self.todo = self.search.take(branches);
            self.done = self.todo.is_empty();
        }
    }
}

/// What a task reads of a computed token.
#[derive(Debug)]
pub(super) enum Row {
    /// Log-probabilities of the label words.
    Words(Vec<f64>),
    /// What the writer has chosen.
    Next(Next),
}

impl Row {
    fn into_words(self) -> Vec<f64> {
        match self {
            Self::Words(words) => words,
            Self::Next(_) => vec![],
        }
    }
}

/// The rows of a pass, by run.
pub(super) struct Rows(Vec<Vec<Row>>);

impl Rows {
    /// Computes the words after the wanted tokens. Writers choose their next token here, in parallel.
    pub(super) fn compute(
        decoder: &Decoder,
        hidden: &Panels,
        (wanted, owners): (&[Place], &[Owner]),
        active: &mut [Active],
    ) -> Self {
        let mut rows: Vec<Vec<Row>> = owners.iter().map(|_| vec![]).collect();
        score(decoder, hidden, (wanted, owners), active, &mut rows);
        write(decoder, hidden, (wanted, owners), active, &mut rows);
        Self(rows)
    }

    /// The rows of a run, in order.
    pub(super) fn of(&mut self, run: usize) -> Vec<Row> {
        std::mem::take(&mut self.0[run])
    }
}

/// Label words: rows of the same labels in one product, and the normalization of all rows in one.
fn score(
    decoder: &Decoder,
    hidden: &Panels,
    (wanted, owners): (&[Place], &[Owner]),
    active: &[Active],
    out: &mut [Vec<Row>],
) {
    let question =
        |row: usize| owners[wanted[row].run].task().and_then(|index| active[index].task.question());
    let rows: Vec<usize> = (0..wanted.len()).filter(|&row| question(row).is_some()).collect();
    let sums = decoder.log_sums(&hidden.select(&rows));
    let mut words: Vec<Option<Vec<f32>>> = vec![None; wanted.len()];
    for &row in &rows {
        let Some(Question { few, .. }) = question(row).filter(|_| words[row].is_none()) else { continue };
        let same = |other: usize| question(other).is_some_and(|question| Arc::ptr_eq(&question.few, few));
        let group: Vec<usize> = rows.iter().copied().filter(|&other| same(other)).collect();
        for (row, logits) in group.iter().zip(decoder.few_logits(&hidden.select(&group), few)) {
            words[*row] = Some(logits);
        }
    }
    for (&row, sum) in rows.iter().zip(sums) {
        let logits = words[row].take().unwrap_or_default();
        out[wanted[row].run].push(Row::Words(logits.iter().map(|&logit| f64::from(logit) - sum).collect()));
    }
}

/// Next tokens of texts.
fn write(
    decoder: &Decoder,
    hidden: &Panels,
    (wanted, owners): (&[Place], &[Owner]),
    active: &mut [Active],
    out: &mut [Vec<Row>],
) {
    let mut of_task: Vec<Option<usize>> = vec![None; active.len()];
    for (row, place) in wanted.iter().enumerate() {
        if let Some(index) = owners[place.run].task() {
            of_task[index] = Some(row);
        }
    }
    let mut writers: Vec<(usize, &mut Writing)> = (active.iter_mut().zip(of_task))
        .filter_map(|(active, row)| match &mut active.task {
            Task::Text(writing) => Some((row?, &mut **writing)),
            Task::Choice(_) => None,
        })
        .collect();
    let rows: Vec<usize> = writers.iter().map(|(row, _)| *row).collect();
    let logits = decoder.logits(&hidden.select(&rows));
    let next: Vec<Next> = (writers.par_iter_mut().zip(logits))
        .map(|((_, writing), logits)| writing.writer.next(&logits))
        .collect();
    for (row, next) in rows.into_iter().zip(next) {
        out[wanted[row].run].push(Row::Next(next));
    }
}
