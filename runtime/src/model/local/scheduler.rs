//! The scheduler: computes the shared prompts of all orders once, and the rest as one ragged batch per pass.
//!
//! **Invariant:** an answer depends on its order and the model alone. The content of a pass decides only when something is
//! computed: the decoder's rows do not depend on each other, and no order sees the state of the cache.
//!
//! One thread owns the model and loops: admit orders, plan a pass ([`batch`]), compute it, hand out the rows ([`task`]). An
//! order whose caller has cancelled is dropped before the next pass.

mod batch;
mod calibration;
mod task;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use tokio::sync::oneshot;

use self::{
    batch::{Batch, Owner},
    calibration::Calibrations,
    task::{Active, ComputedRows, Recipient, ScoredLabels, Task},
};
use super::{
    cache::{NodeId, PrefixTree},
    choice::Labels,
    decoder::{
        Decoder,
        kv::{Memory, View},
        pass::TokenRun,
    },
    generate::{Text, TokenWriter},
};

/// The number of orders in flight that keep the processor busy whatever each computes next.
const MANY: usize = 8;

/// A request in tokens.
#[derive(Debug)]
pub(crate) struct Order {
    /// The prompt: at least one token. Together with the answer it fits the context.
    pub(crate) prompt: Vec<u32>,
    /// The kind of answer.
    pub(crate) want: Want,
    /// The channel for the answer; closed if the caller has cancelled.
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The kind of answer to a prompt.
#[derive(Debug)]
pub(crate) enum Want {
    /// The best of some labels.
    Choice {
        /// The labels' tokens, each ending with the end of the turn.
        labels: Vec<Vec<u32>>,
        /// Prompts whose label probabilities correct the choice; empty: not corrected.
        content_free: Vec<Vec<u32>>,
    },
    /// A text.
    Text {
        /// Chooses the tokens.
        writer: Box<dyn TokenWriter>,
        /// The largest number of tokens.
        most: usize,
    },
}

/// The answer to a prompt.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The best label.
    Choice {
        /// Its index.
        label: usize,
        /// Its natural-log probability, before correction.
        logprob: f64,
    },
    /// A text.
    Text(Text),
}

/// The number of tokens that the decoder has computed.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Tokens of prompts without the last one: these may be shared.
    pub(crate) prompts: AtomicU64,
    /// All others: the last token of each prompt, and the tokens after it.
    pub(crate) own: AtomicU64,
}

/// Orders in flight and what they share.
#[derive(Debug)]
pub(crate) struct Scheduler {
    decoder: Arc<Decoder>,
    tree: PrefixTree,
    memory: Memory,
    /// The largest number of bytes of keys and values, except that one order is always admitted.
    limit: usize,
    waiting: VecDeque<Order>,
    active: Vec<Active>,
    calibrations: Calibrations,
    work: Arc<Work>,
}

impl Scheduler {
    /// An idle scheduler whose keys and values take at most `limit` bytes.
    pub(crate) fn new(decoder: Arc<Decoder>, limit: usize) -> Self {
        Self {
            memory: Memory::new(*decoder.shape()),
            decoder,
            tree: PrefixTree::new(),
            limit,
            waiting: VecDeque::new(),
            active: vec![],
            calibrations: Calibrations::default(),
            work: Arc::default(),
        }
    }

    /// The counters of computed tokens.
    pub(crate) fn work(&self) -> Arc<Work> {
        Arc::clone(&self.work)
    }

    /// Serves orders until all senders are gone.
    pub(crate) fn serve(mut self, orders: mpsc::Receiver<Order>) {
        loop {
            if self.is_idle() {
                match orders.recv() {
                    Ok(order) => self.push(order),
                    Err(mpsc::RecvError) => return,
                }
            }
            orders.try_iter().for_each(|order| self.push(order));
            self.step();
        }
    }

    /// Takes an order.
    pub(crate) fn push(&mut self, order: Order) {
        self.waiting.push_back(order);
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.active.is_empty()
    }

    /// Runs one pass: admits the orders that fit, computes, and hands out the rows.
    pub(crate) fn step(&mut self) {
        self.drop_abandoned();
        self.admit();
        let Batch { runs, wanted, owners } = batch::plan(&self.tree, &mut self.active, &self.memory);
        if !runs.is_empty() {
            self.work.count(&runs, &owners);
            let (hidden, segments) = self.decoder.forward(runs, &wanted);
            let computed =
                ComputedRows { decoder: &self.decoder, hidden: &hidden, wanted: &wanted, owners: &owners };
            let mut results = computed.results(&mut self.active);
            for (run, (owner, segment)) in owners.into_iter().zip(segments).enumerate() {
                match owner {
                    Owner::Node(node) => self.tree.extend(node, View::whole(segment)),
                    Owner::Task { index, branch } => {
                        self.active[index].task.take(branch, segment, results.of(run));
                    }
                }
            }
        }
        self.settle();
        while self.memory.used() > self.limit && self.tree.forget_one() {}
    }

    fn drop_abandoned(&mut self) {
        self.waiting.retain(|order| !order.answer.is_closed());
        for active in self.active.extract_if(.., |active| active.is_abandoned()) {
            self.tree.release(active.leaf);
            self.tree.forget_unfinished(active.leaf);
        }
    }

    /// Admits waiting orders in their order, as far as memory allows.
    fn admit(&mut self) {
        while let Some(order) = self.waiting.pop_front() {
            let after = match &order.want {
                Want::Choice { labels, .. } => labels.iter().map(Vec::len).sum(),
                Want::Text { most, .. } => *most,
            };
            let leaf = self.pin(&order.prompt);
            if !self.make_room(after) {
                self.tree.release(leaf);
                self.tree.forget_unfinished(leaf);
                self.waiting.push_front(order);
                return;
            }
            self.start(leaf, after, order);
        }
    }

    /// Pins a prompt without its last token. That token is always computed anew, because the answer starts from its row.
    fn pin(&mut self, prompt: &[u32]) -> NodeId {
        self.tree.pin(prompt.split_last().map_or(&[], |(_, rest)| rest))
    }

    /// Whether the planned tokens, and `after` tokens more, fit into memory. Removes unused nodes to make room.
    fn make_room(&mut self, after: usize) -> bool {
        let promised: usize = self.active.iter().map(|active| active.after).sum();
        let needed = self.memory.needed(after + promised + self.tree.planned());
        while self.memory.used() + needed > self.limit {
            if !self.tree.forget_one() {
                return self.active.is_empty();
            }
        }
        true
    }

    fn start(&mut self, leaf: NodeId, after: usize, order: Order) {
        let Order { prompt, want, answer } = order;
        let recipient = Recipient::Caller(answer);
        let task = match want {
            Want::Text { writer, .. } => Task::text(&prompt, writer, &self.memory),
            Want::Choice { labels, content_free } => {
                let scored = self.scored_labels(&labels);
                if content_free.is_empty() {
                    Task::choice(&prompt, &scored)
                } else {
                    let (key, is_new) = self.calibrations.find(&content_free, &labels);
                    if is_new {
                        self.start_calibration(key, &content_free, &scored);
                    }
                    Task::corrected_choice(&prompt, &scored, key)
                }
            }
        };
        self.active.push(Active { leaf, after, task, recipient });
    }

    fn start_calibration(&mut self, key: crate::Digest, prompts: &[Vec<u32>], labels: &ScoredLabels) {
        for (index, prompt) in prompts.iter().enumerate() {
            let leaf = self.pin(prompt);
            let task = Task::all_scores(prompt, labels);
            let recipient = Recipient::Calibration { key, index };
            self.active.push(Active { leaf, after: 0, task, recipient });
        }
    }

    /// The labels as a trie, shared with orders in flight that have the same labels, so that they are scored together.
    fn scored_labels(&self, labels: &[Vec<u32>]) -> ScoredLabels {
        let labels = Labels::new(labels);
        let mut others = self.active.iter().filter_map(|active| active.task.labels());
        let same = others.find(|other| *other.labels == labels).cloned();
        same.unwrap_or_else(|| ScoredLabels {
            few: Arc::new(self.decoder.few(labels.words())),
            labels: Arc::new(labels),
        })
    }

    /// Advances every task as far as possible without computing, and answers those that are done.
    fn settle(&mut self) {
        // One branch at a time needs the fewest tokens, two need fewer passes. Many orders fill a pass anyway.
        let branches = if self.active.len() < MANY { 2 } else { 1 };
        loop {
            for active in &mut self.active {
                active.task.settle(branches, &self.calibrations, &self.memory);
            }
            let done: Vec<Active> = self.active.extract_if(.., |active| active.task.is_done()).collect();
            if done.is_empty() {
                return;
            }
            for Active { leaf, task, recipient, .. } in done {
                self.tree.release(leaf);
                match recipient {
                    Recipient::Calibration { key, index } => self.calibrations.put(key, index, task.scores()),
                    Recipient::Caller(caller) => {
                        if let Some(answer) = task.answer() {
                            // A caller that has cancelled meanwhile needs no answer.
                            _ = caller.send(answer);
                        }
                    }
                }
            }
        }
    }
}

impl Work {
    fn count(&self, runs: &[TokenRun], owners: &[Owner]) {
        for (run, owner) in runs.iter().zip(owners) {
            let counter = if owner.task().is_none() { &self.prompts } else { &self.own };
            counter.fetch_add(run.tokens.len() as u64, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
