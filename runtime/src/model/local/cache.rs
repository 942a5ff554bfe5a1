//! The token tree of prompts: computed prefixes that orders share (a radix tree over tokens, as in Zheng et al. 2023,
//! arXiv:2312.07104, section 3).
//!
//! **Invariant:** a node's tokens are computed in order and after its parent's. An order pins the nodes that it uses, with
//! their ancestors. Only unpinned leaves are removed, the least recently used first. Splitting a node copies nothing.

use std::collections::BTreeMap;

use super::decoder::kv::View;

/// The index of a node; valid while the node is pinned.
pub(crate) type NodeId = usize;

/// The root: the empty prompt.
pub(crate) const ROOT: NodeId = 0;

/// Prompts as a tree.
#[derive(Debug)]
pub(crate) struct PrefixTree {
    nodes: Vec<Option<Node>>,
    clock: u64,
}

#[derive(Debug, Default)]
struct Node {
    parent: NodeId,
    tokens: Vec<u32>,
    /// Keys and values of the computed tokens, which are the first ones.
    views: Vec<View>,
    done: usize,
    /// Children by first token.
    children: BTreeMap<u32, NodeId>,
    users: usize,
    used: u64,
}

impl PrefixTree {
    /// A tree with only the root.
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Some(Node::default())], clock: 0 }
    }

    /// Finds or plans the path of a prompt, pins its end and returns it.
    pub(crate) fn pin(&mut self, prompt: &[u32]) -> NodeId {
        self.clock += 1;
        let mut at = ROOT;
        let mut rest = prompt;
        while let Some(first) = rest.first() {
            let Some(&child) = self.node(at).children.get(first) else {
                at = self.add(Node { parent: at, tokens: rest.to_vec(), ..Node::default() });
                break;
            };
            let same = self.node(child).tokens.iter().zip(rest).take_while(|(a, b)| a == b).count();
            at = if same < self.node(child).tokens.len() { self.split(child, same) } else { child };
            rest = &rest[same..];
        }
        self.node_mut(at).users += 1;
        for node in self.path(at) {
            self.node_mut(node).used = self.clock;
        }
        at
    }

    /// Undoes one [`Self::pin`].
    pub(crate) fn release(&mut self, node: NodeId) {
        let node = self.node_mut(node);
        node.users = node.users.saturating_sub(1);
    }

    /// The path from the child of the root to the node; empty for the root.
    pub(crate) fn path(&self, mut node: NodeId) -> Vec<NodeId> {
        let mut path = vec![];
        while node != ROOT {
            path.push(node);
            node = self.node(node).parent;
        }
        path.reverse();
        path
    }

    /// The computed keys and values of a node.
    pub(crate) fn views(&self, node: NodeId) -> &[View] {
        &self.node(node).views
    }

    /// The tokens of a node that are still to be computed.
    pub(crate) fn pending(&self, node: NodeId) -> &[u32] {
        let node = self.node(node);
        &node.tokens[node.done..]
    }

    /// The children, ordered by first token.
    pub(crate) fn children(&self, node: NodeId) -> impl DoubleEndedIterator<Item = NodeId> {
        self.node(node).children.values().copied()
    }

    /// Adds the keys and values of a node's next tokens.
    pub(crate) fn extend(&mut self, node: NodeId, view: View) {
        let node = self.node_mut(node);
        node.done += view.to - view.from;
        node.views.push(view);
    }

    /// Tokens that are planned but not computed.
    pub(crate) fn planned(&self) -> usize {
        self.nodes.iter().flatten().map(|node| node.tokens.len() - node.done).sum()
    }

    /// Removes the least recently used leaf that no order uses; false if there is none.
    pub(crate) fn forget_one(&mut self) -> bool {
        let idle = |node: &Node| node.users == 0 && node.children.is_empty();
        let oldest = (1..self.nodes.len())
            .filter_map(|id| self.nodes[id].as_ref().filter(|node| idle(node)).map(|node| (node.used, id)))
            .min();
        let Some((_, id)) = oldest else { return false };
        if let Some(node) = self.nodes[id].take() {
            self.node_mut(node.parent).children.remove(&node.tokens[0]);
        }
        true
    }

    /// Removes a leaf, and then its ancestors, as long as they are unused and not fully computed.
    pub(crate) fn forget_unfinished(&mut self, mut node: NodeId) {
        while node != ROOT {
            let Node { parent, users, done, .. } = *self.node(node);
            let here = self.node(node);
            if users > 0 || !here.children.is_empty() || done == here.tokens.len() {
                return;
            }
            let first = here.tokens[0];
            self.nodes[node] = None;
            self.node_mut(parent).children.remove(&first);
            node = parent;
        }
    }

    fn add(&mut self, node: Node) -> NodeId {
        let parent = node.parent;
        let first = node.tokens[0];
        let id = self.nodes.iter().position(Option::is_none).unwrap_or(self.nodes.len());
        if id == self.nodes.len() {
            self.nodes.push(None);
        }
        self.nodes[id] = Some(node);
        self.node_mut(parent).children.insert(first, id);
        id
    }

    /// Cuts a node after `tokens` tokens. The lower part keeps its index, so pins stay valid. Returns the upper part.
    fn split(&mut self, id: NodeId, tokens: usize) -> NodeId {
        let node = self.node_mut(id);
        let lower = node.tokens.split_off(tokens);
        let mut upper = Node {
            parent: node.parent,
            tokens: std::mem::replace(&mut node.tokens, lower),
            done: node.done.min(tokens),
            used: node.used,
            ..Node::default()
        };
        node.done -= upper.done;
        let mut room = upper.done;
        for view in std::mem::take(&mut node.views) {
            let len = view.to - view.from;
            if len <= room {
                upper.views.push(view);
            } else if room == 0 {
                node.views.push(view);
            } else {
                let (left, right) = view.split(room);
                upper.views.push(left);
                node.views.push(right);
            }
            room = room.saturating_sub(len);
        }
        let first = node.tokens[0];
        let upper = self.add(upper);
        self.node_mut(upper).children.insert(first, id);
        self.node_mut(id).parent = upper;
        upper
    }

    #[expect(clippy::expect_used, reason = "ids come from this tree, and pinned nodes are never removed")]
    fn node(&self, id: NodeId) -> &Node {
        self.nodes[id].as_ref().expect("a living node")
    }

    #[expect(clippy::expect_used, reason = "ids come from this tree, and pinned nodes are never removed")]
    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id].as_mut().expect("a living node")
    }
}
