//! Plans a pass: the tokens of each order, in an order in which runs with a common past are neighbours.
//!
//! **Invariant:** a node of the prompt tree is computed once however many orders need it, after or together with its
//! parent; a pass holds about [`TOKENS`] tokens.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        cache::{NodeId, PrefixTree, ROOT},
        choice::Branch,
        decoder::{
            kv::Memory,
            pass::{PastPiece, TokenPlace, TokenRun},
        },
    },
    task::{Active, PlannedStep},
};

/// The number of tokens of a pass: enough to use each weight that is read many times, few enough that their activations
/// stay in the second-level cache.
const TOKENS: usize = 256;

/// One pass.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) runs: Vec<TokenRun>,
    /// Tokens whose rows are needed.
    pub(super) wanted: Vec<TokenPlace>,
    /// The owner of each run.
    pub(super) owners: Vec<Owner>,
}

/// The owner of a run.
#[derive(Debug)]
pub(super) enum Owner {
    /// A node of the prompt tree.
    Node(NodeId),
    /// An order.
    Task { index: usize, branch: Option<Branch> },
}

impl Owner {
    /// The index of the order, if the owner is one.
    pub(super) fn task(&self) -> Option<usize> {
        match self {
            Self::Node(_) => None,
            Self::Task { index, .. } => Some(*index),
        }
    }
}

/// The content of a pass before it is put in order.
#[derive(Default)]
struct Chosen {
    /// The number of tokens of each node.
    nodes: BTreeMap<NodeId, usize>,
    /// Steps of orders, by the end of their prompt.
    steps: BTreeMap<NodeId, Vec<(usize, PlannedStep)>>,
    /// Every node on the paths to those.
    on_path: BTreeSet<NodeId>,
    tokens: usize,
}

/// Plans the next pass. Empty if no order needs anything.
pub(super) fn plan(tree: &PrefixTree, active: &mut [Active], memory: &Memory) -> Batch {
    let mut chosen = Chosen::default();
    // Orders whose prompt is computed come first, because they are closest to an answer.
    for prompts in [false, true] {
        for (index, active) in active.iter_mut().enumerate() {
            let pending = tree.path(active.leaf).into_iter().any(|node| !tree.pending(node).is_empty());
            if pending == prompts && chosen.tokens < TOKENS {
                chosen.add(tree, index, active, memory);
            }
        }
    }
    in_order(tree, chosen, memory)
}

impl Chosen {
    fn add(&mut self, tree: &PrefixTree, index: usize, active: &mut Active, memory: &Memory) {
        let path = tree.path(active.leaf);
        let mut complete = true;
        for &node in &path {
            let pending = tree.pending(node).len();
            let planned = self.nodes.get(&node).copied().unwrap_or(0);
            let more = (pending - planned).min(TOKENS.saturating_sub(self.tokens));
            if more > 0 {
                self.nodes.insert(node, planned + more);
                self.tokens += more;
            }
            complete = planned + more == pending;
            if !complete {
                break;
            }
        }
        if complete {
            let steps = active.task.steps(memory);
            self.tokens += steps.iter().map(|step| step.tokens.len()).sum::<usize>();
            self.steps.entry(active.leaf).or_default().extend(steps.into_iter().map(|step| (index, step)));
        }
        self.on_path.extend(path);
    }
}

/// Puts the runs in the order of a walk through the tree.
fn in_order(tree: &PrefixTree, mut chosen: Chosen, memory: &Memory) -> Batch {
    let mut batch = Batch::default();
    let mut stack: Vec<(NodeId, Vec<PastPiece>)> = vec![(ROOT, vec![])];
    let mut ends: BTreeMap<NodeId, usize> = BTreeMap::new();
    while let Some((node, mut past)) = stack.pop() {
        let views = tree.views(node);
        past.extend(views.iter().cloned().map(PastPiece::Stored));
        let mut end = views.last().map_or(ends.get(&node).copied().unwrap_or(0), |view| view.end());
        if let Some(&count) = chosen.nodes.get(&node) {
            let run = TokenRun {
                past: past.clone(),
                segment: memory.segment(end, count),
                tokens: tree.pending(node)[..count].to_vec(),
            };
            end += count;
            past.push(PastPiece::Fresh(batch.runs.len()));
            batch.push(run, Owner::Node(node));
        }
        for (index, step) in chosen.steps.remove(&node).unwrap_or_default() {
            let PlannedStep { branch, past: own, segment, tokens } = step;
            let past = past.iter().cloned().chain(own.into_iter().map(PastPiece::Stored)).collect();
            batch.push(TokenRun { past, segment, tokens }, Owner::Task { index, branch });
        }
        for child in tree.children(node).rev().filter(|child| chosen.on_path.contains(child)) {
            ends.insert(child, end);
            stack.push((child, past.clone()));
        }
    }
    batch
}

impl Batch {
    fn push(&mut self, run: TokenRun, owner: Owner) {
        if owner.task().is_some() {
            let index = self.runs.len();
            self.wanted.extend((0..run.tokens.len()).map(|token| TokenPlace { run: index, token }));
        }
        self.runs.push(run);
        self.owners.push(owner);
    }
}
