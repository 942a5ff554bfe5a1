//! One pass through the decoder: runs of new tokens, and the positions that each row attends to.
//!
//! **Invariant:** the bits of a row depend on its own tokens and positions only. The grouping of rows that attend to one
//! segment affects only speed: the keys of a shared segment are read once for all of them.

use std::ops::Range;

use super::kv::{Segment, View};

/// Consecutive new tokens of one sequence.
#[derive(Debug)]
pub(crate) struct TokenRun {
    /// The positions before, in order.
    pub(crate) past: Vec<PastPiece>,
    /// The segment to which the keys and values are appended.
    pub(crate) segment: Segment,
    /// The tokens; at least one.
    pub(crate) tokens: Vec<u32>,
}

/// A part of the positions that a run attends to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PastPiece {
    /// Computed in an earlier pass.
    Stored(View),
    /// All of an earlier run of this pass.
    Fresh(usize),
}

/// Rows that attend to the whole of a piece.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) piece: PastPiece,
    pub(super) rows: Range<usize>,
}

/// Rows of one run. Each attends to its own segment up to itself.
#[derive(Debug)]
pub(super) struct OwnRows {
    pub(super) run: usize,
    pub(super) rows: Range<usize>,
}

/// The plan of a pass: the positions that each row attends to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Ordered so that, for every row, pieces come in order of position.
    pub(super) spans: Vec<Span>,
    pub(super) own: Vec<OwnRows>,
    /// For every row: the number of its own segment's tokens that it sees, itself included.
    pub(super) seen: Vec<usize>,
    /// For every row: its position.
    pub(super) positions: Vec<usize>,
}

/// A token of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenPlace {
    /// The index of the run.
    pub(crate) run: usize,
    /// The index of the token in the run.
    pub(crate) token: usize,
}

impl TokenRun {
    /// The position of a token.
    pub(super) fn position(&self, token: usize) -> usize {
        self.segment.start() + self.segment.len() + token
    }
}

impl Plan {
    /// A plan for some tokens of the runs, in ascending order.
    pub(super) fn new(runs: &[TokenRun], places: &[TokenPlace]) -> Self {
        let mut plan = Self::default();
        let mut by_depth: Vec<Vec<Span>> = vec![];
        let mut open: Vec<usize> = vec![];
        for rows in places.chunk_by(|a, b| a.run == b.run) {
            let run = rows[0].run;
            let first = plan.seen.len();
            let own = first..first + rows.len();
            share(&runs[run].past, &own, &mut by_depth, &mut open);
            plan.own.push(OwnRows { run, rows: own });
            plan.seen.extend(rows.iter().map(|place| runs[run].segment.len() + place.token + 1));
            plan.positions.extend(rows.iter().map(|place| runs[run].position(place.token)));
        }
        plan.spans = by_depth.into_iter().flatten().collect();
        plan
    }

    /// Columns of a row of scores: the greatest position, with room for a whole panel of keys that starts there.
    pub(super) fn width(&self, panel: usize) -> usize {
        self.positions.iter().max().map_or(0, |last| (last + 1).next_multiple_of(panel) + panel)
    }
}

/// Adds rows with this past. If the previous rows have the same pieces up to a depth, the rows join their spans there.
/// `open` has the spans of the previous rows, by depth.
fn share(past: &[PastPiece], rows: &Range<usize>, by_depth: &mut Vec<Vec<Span>>, open: &mut Vec<usize>) {
    if by_depth.len() < past.len() {
        by_depth.resize_with(past.len(), Vec::new);
    }
    let mut same = true;
    let previous = std::mem::take(open);
    for (depth, piece) in past.iter().enumerate() {
        same = same && previous.get(depth).is_some_and(|&span| by_depth[depth][span].piece == *piece);
        if same {
            by_depth[depth][previous[depth]].rows.end = rows.end;
            open.push(previous[depth]);
        } else {
            open.push(by_depth[depth].len());
            by_depth[depth].push(Span { piece: piece.clone(), rows: rows.clone() });
        }
    }
}
