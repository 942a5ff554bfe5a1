//! Scoring a choice: the log-probability of every label after the prompt, over the trie of the labels' tokens.
//!
//! **Invariant:** log-probabilities only fall along a branch, so a branch whose partial score cannot beat the best
//! complete label is never expanded; the winner and its score are those of scoring everything. How many branches
//! are expanded at a time is a matter of speed.
//!
//! Each label ends with the end-of-turn token, so a label that is the beginning of another is told apart.

use std::{collections::BTreeMap, sync::Arc};

use super::decoder::kv::View;

/// A trie node; the root is 0.
pub(crate) type LabelNode = usize;

/// Labels as a trie of tokens.
#[derive(Debug, PartialEq)]
pub(crate) struct Labels {
    nodes: Vec<TrieNode>,
    /// The tokens that occur, ascending: the words whose logits are needed.
    words: Vec<u32>,
    count: usize,
}

#[derive(Debug, PartialEq)]
struct TrieNode {
    token: u32,
    children: Vec<LabelNode>,
    /// The label that ends here, if one does.
    label: Option<usize>,
    /// Labels at or below, ascending.
    below: Vec<usize>,
}

impl Labels {
    /// A trie of labels, each a sequence of tokens that is not the beginning of another.
    pub(crate) fn new(labels: &[Vec<u32>]) -> Self {
        let mut nodes =
            vec![TrieNode { token: 0, children: vec![], label: None, below: (0..labels.len()).collect() }];
        for (label, tokens) in labels.iter().enumerate() {
            let mut at = 0;
            for &token in tokens {
                let found = nodes[at].children.iter().copied().find(|&child| nodes[child].token == token);
                let child = found.unwrap_or(nodes.len());
                if found.is_none() {
                    nodes.push(TrieNode { token, children: vec![], label: None, below: vec![] });
                    nodes[at].children.push(child);
                }
                nodes[child].below.push(label);
                at = child;
            }
            nodes[at].label = Some(label);
        }
        let mut words: Vec<u32> = labels.iter().flatten().copied().collect();
        words.sort_unstable();
        words.dedup();
        Self { nodes, words, count: labels.len() }
    }

    /// The tokens that occur, ascending.
    pub(crate) fn words(&self) -> &[u32] {
        &self.words
    }

    /// Number of labels.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// From a node down to where the trie branches or a label is about to end.
    fn chain(&self, mut node: LabelNode) -> Vec<LabelNode> {
        let mut chain = vec![node];
        while let [child] = self.nodes[node].children[..]
            && self.nodes[child].label.is_none()
        {
            chain.push(child);
            node = child;
        }
        chain
    }

    fn word(&self, node: LabelNode) -> usize {
        self.words.partition_point(|&word| word < self.nodes[node].token)
    }
}

/// The search for the best label after one prompt.
#[derive(Debug)]
pub(crate) struct Search {
    labels: Arc<Labels>,
    /// What is added to each label's score to compare it; none yet while it is being computed.
    gains: Option<Arc<[f64]>>,
    /// Whether every label is wanted, not only the best.
    all: bool,
    open: Vec<Branch>,
    complete: BTreeMap<usize, f64>,
}

/// A complete label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Best {
    /// Which.
    pub(crate) label: usize,
    /// Its natural-log probability.
    pub(crate) logprob: f64,
    /// What it is compared by.
    pub(crate) value: f64,
}

/// A branch that is to be expanded.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    chain: Vec<LabelNode>,
    score: f64,
    /// Keys and values of the branch's tokens before the chain.
    pub(crate) past: Vec<View>,
}

impl Branch {
    /// The tokens to compute.
    pub(crate) fn tokens(&self, labels: &Labels) -> Vec<u32> {
        self.chain.iter().map(|&node| labels.nodes[node].token).collect()
    }
}

impl Search {
    /// A search for the best label.
    pub(crate) fn best_of(labels: Arc<Labels>) -> Self {
        let gains = Some(vec![0.0; labels.count()].into());
        Self { labels, gains, all: false, open: vec![], complete: BTreeMap::new() }
    }

    /// A search for the best label by gains that will be set.
    pub(crate) fn corrected(labels: Arc<Labels>) -> Self {
        Self { gains: None, ..Self::best_of(labels) }
    }

    /// A search that scores every label.
    pub(crate) fn all(labels: Arc<Labels>) -> Self {
        Self { all: true, ..Self::best_of(labels) }
    }

    pub(crate) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    /// Whether the gains are still missing.
    pub(crate) fn waits(&self) -> bool {
        self.gains.is_none()
    }

    /// Sets what is added to each label's score to compare it.
    pub(crate) fn set_gains(&mut self, gains: Arc<[f64]>) {
        self.gains = Some(gains);
    }

    /// Starts with the log-probabilities of [`Labels::words`] after the prompt.
    pub(crate) fn start(&mut self, words: &[f64]) {
        self.spread(0, 0.0, words, &[]);
    }

    /// Takes the `most` best branches that can still win, best first. Empty: the search is over, or waits for gains.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Branch> {
        let Some(gains) = self.gains.clone() else { return vec![] };
        let best = self.best();
        let bound = |branch: &Branch| {
            let below = &self.labels.nodes[branch.chain[0]].below;
            below.iter().map(|&label| branch.score + gains[label]).fold(f64::NEG_INFINITY, f64::max)
        };
        let first = |branch: &Branch| self.labels.nodes[branch.chain[0]].below[0];
        let mut open: Vec<(f64, Branch)> = std::mem::take(&mut self.open)
            .into_iter()
            .map(|branch| (bound(&branch), branch))
            .filter(|(bound, branch)| {
                let Some(best) = best else { return true };
                // At an equal value, the label that is listed first wins.
                self.all || bound.total_cmp(&best.value).then(best.label.cmp(&first(branch))).is_gt()
            })
            .collect();
        open.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.chain[0].cmp(&b.1.chain[0])));
        let taken = open.drain(..most.min(open.len())).map(|(_, branch)| branch).collect();
        self.open = open.into_iter().map(|(_, branch)| branch).collect();
        taken
    }

    /// Takes the log-probabilities of [`Labels::words`] after each token of a branch, and its keys and values.
    pub(crate) fn expand(&mut self, branch: Branch, words: &[Vec<f64>], view: View) {
        let Branch { chain, mut score, mut past } = branch;
        for (pair, words) in chain.windows(2).zip(words) {
            score += words[self.labels.word(pair[1])].min(0.0);
        }
        past.push(view);
        if let (Some(&last), Some(words)) = (chain.last(), words.last()) {
            self.spread(last, score, words, &past);
        }
    }

    fn spread(&mut self, node: LabelNode, score: f64, words: &[f64], past: &[View]) {
        for &child in &self.labels.nodes[node].children {
            // Rounding must not make a probability greater than 1.
            let score = score + words[self.labels.word(child)].min(0.0);
            match self.labels.nodes[child].label {
                Some(label) => _ = self.complete.insert(label, score),
                None => {
                    self.open.push(Branch { chain: self.labels.chain(child), score, past: past.to_vec() });
                }
            }
        }
    }

    /// The best complete label. Ties go to the label listed first.
    pub(crate) fn best(&self) -> Option<Best> {
        let gains = self.gains.as_ref()?;
        let all = self.complete.iter().map(|(&label, &logprob)| Best {
            label,
            logprob,
            value: logprob + gains[label],
        });
        all.max_by(|a, b| a.value.total_cmp(&b.value).then(b.label.cmp(&a.label)))
    }

    /// The log-probabilities of all labels, if all were wanted.
    pub(crate) fn scores(&self) -> Vec<f64> {
        (0..self.labels.count())
            .map(|label| self.complete.get(&label).copied().unwrap_or(f64::NEG_INFINITY))
            .collect()
    }
}

/// What is added to each label's log-probability to correct for what the prompt alone makes likely: minus the logarithm
/// of the mean, over content-free inputs, of the labels' normalized probabilities (Zhao et al. 2021, arXiv:2102.09690,
/// section 5). `scores` are the labels' log-probabilities for each content-free input; at least one.
pub(crate) fn calibration(scores: &[Vec<f64>]) -> Arc<[f64]> {
    let mut mean = vec![0.0; scores.first().map_or(0, Vec::len)];
    for scores in scores {
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = scores.iter().map(|score| (score - top).exp()).collect();
        let sum: f64 = shares.iter().sum();
        mean.iter_mut().zip(shares).for_each(|(mean, share)| *mean += share / sum);
    }
    // A label that underflows to zero must not win against everything: it counts as the smallest normal number.
    mean.iter().map(|mean| -(mean / scores.len() as f64).max(f64::MIN_POSITIVE).ln()).collect()
}
