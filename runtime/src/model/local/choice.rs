//! Scoring a choice: the log-probability of every label after the prompt, over the trie of the labels' tokens.
//!
//! **Invariant:** the winner and its score are those of scoring every label. Log-probabilities only fall along a branch, so
//! a branch whose partial score cannot beat the best complete label is not expanded. The number of branches expanded at a
//! time affects only speed.
//!
//! Each label ends with the end-of-turn token, which tells a label apart from one that begins with it.

use std::{collections::BTreeMap, sync::Arc};

use super::decoder::kv::View;

/// A trie node; the root is 0.
pub(crate) type LabelNode = usize;

/// Labels as a trie of tokens.
#[derive(Debug, PartialEq)]
pub(crate) struct Labels {
    nodes: Vec<TrieNode>,
    /// The tokens that occur, ascending; their logits are needed.
    words: Vec<u32>,
    count: usize,
}

#[derive(Debug, PartialEq)]
struct TrieNode {
    token: u32,
    children: Vec<LabelNode>,
    /// The label that ends here, if any.
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

    /// The nodes from this one down to a branching or to the last node before the end of a label.
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
    /// The correction of each label's score; none while it is being computed.
    corrections: Option<Arc<[f64]>>,
    /// Whether every label is scored, not only the best.
    all: bool,
    open: Vec<Branch>,
    complete: BTreeMap<usize, f64>,
}

/// A complete label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Best {
    /// Its index.
    pub(crate) label: usize,
    /// Its natural-log probability.
    pub(crate) logprob: f64,
    /// Its corrected score, for comparison.
    pub(crate) value: f64,
}

/// A branch to be expanded.
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
        let corrections = Some(vec![0.0; labels.count()].into());
        Self { labels, corrections, all: false, open: vec![], complete: BTreeMap::new() }
    }

    /// A search for the best label with corrections that are set later.
    pub(crate) fn corrected(labels: Arc<Labels>) -> Self {
        Self { corrections: None, ..Self::best_of(labels) }
    }

    /// A search that scores every label.
    pub(crate) fn all(labels: Arc<Labels>) -> Self {
        Self { all: true, ..Self::best_of(labels) }
    }

    pub(crate) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    /// Whether the corrections are still missing.
    pub(crate) fn waits(&self) -> bool {
        self.corrections.is_none()
    }

    /// Sets the correction of each label's score.
    pub(crate) fn set_corrections(&mut self, corrections: Arc<[f64]>) {
        self.corrections = Some(corrections);
    }

    /// Starts with the log-probabilities of [`Labels::words`] after the prompt.
    pub(crate) fn start(&mut self, words: &[f64]) {
        self.spread(0, 0.0, words, &[]);
    }

    /// Takes the `most` best branches that can still win, the best first. Empty if the search is over or waits for
    /// corrections.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Branch> {
        let Some(corrections) = self.corrections.clone() else { return vec![] };
        let best = self.best();
        let mut open: Vec<(f64, Branch)> = vec![];
        for branch in std::mem::take(&mut self.open) {
            let bound = self.bound(&branch, &corrections);
            if self.all || best.is_none_or(|best| self.can_win(&branch, bound, best)) {
                open.push((bound, branch));
            }
        }
        open.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.chain[0].cmp(&b.1.chain[0])));
        let taken = open.drain(..most.min(open.len())).map(|(_, branch)| branch).collect();
        self.open = open.into_iter().map(|(_, branch)| branch).collect();
        taken
    }

    /// The highest corrected score that a label below the branch can reach.
    fn bound(&self, branch: &Branch, corrections: &[f64]) -> f64 {
        let below = &self.labels.nodes[branch.chain[0]].below;
        below.iter().map(|&label| branch.score + corrections[label]).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether a label below a branch with this bound can beat the best. Of equal values the label that is listed first
    /// wins.
    fn can_win(&self, branch: &Branch, bound: f64, best: Best) -> bool {
        let first = self.labels.nodes[branch.chain[0]].below[0];
        bound.total_cmp(&best.value).then(best.label.cmp(&first)).is_gt()
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
        let corrections = self.corrections.as_ref()?;
        let all = self.complete.iter().map(|(&label, &logprob)| Best {
            label,
            logprob,
            value: logprob + corrections[label],
        });
        all.max_by(|a, b| a.value.total_cmp(&b.value).then(b.label.cmp(&a.label)))
    }

    /// The log-probabilities of all labels, if all were scored.
    pub(crate) fn scores(&self) -> Vec<f64> {
        (0..self.labels.count())
            .map(|label| self.complete.get(&label).copied().unwrap_or(f64::NEG_INFINITY))
            .collect()
    }
}

/// The correction of each label's log-probability for what the prompt alone makes likely: minus the logarithm of the mean, over content-free inputs, of the labels' normalized probabilities (Zhao et al. 2021, arXiv:2102.09690,
/// section 5). `scores` are the labels' log-probabilities for each content-free input; at least one.
pub(crate) fn calibration(scores: &[Vec<f64>]) -> Arc<[f64]> {
    let mut mean = vec![0.0; scores.first().map_or(0, Vec::len)];
    for scores in scores {
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = scores.iter().map(|score| (score - top).exp()).collect();
        let sum: f64 = shares.iter().sum();
        mean.iter_mut().zip(shares).for_each(|(mean, share)| *mean += share / sum);
    }
    // A label that underflows to zero must not win acorrectionst everything: it counts as the smallest normal number.
    mean.iter().map(|mean| -(mean / scores.len() as f64).max(f64::MIN_POSITIVE).ln()).collect()
}
