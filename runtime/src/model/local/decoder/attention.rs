//! Attention of a pass's rows to their past (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1), with grouped
//! key-value heads (Ainslie et al. 2023, arXiv:2305.13245).
//!
//! **Invariant:** for every row, a score is one chain over the head's columns, the softmax runs over absolute positions,
//! and the weighted sum of values is one chain over positions in ascending order: the next product continues that over a
//! shared prefix in place. There is no mask: positions that a row does not see do not enter its result.

use std::{cell::RefCell, ops::Range};

use rayon::prelude::*;

use super::{
    super::kernel::{
        Panels,
        simd::{Isa, LANES, PANEL, Product},
        vector,
    },
    kv::{KvHead, Segment},
    pass::{OwnRows, PastPiece, Plan, TokenRun},
    shape::DecoderShape,
};

/// Rows of a tile of the causal part.
const TILE: usize = 14;

thread_local! {
    /// Room for the scores of one head. Kept, because zeroing it anew costs more than it is worth: whatever stands there
    /// from before is overwritten before it is read.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

/// What attention reads.
pub(super) struct Attention<'a> {
    pub(super) isa: Isa,
    pub(super) shape: &'a DecoderShape,
    pub(super) layer: usize,
    pub(super) plan: &'a Plan,
    pub(super) runs: &'a [TokenRun],
}

/// A stretch of a segment.
struct SegmentRange<'a> {
    segment: &'a Segment,
    head: KvHead,
    from: usize,
    to: usize,
}

/// Rows of scores, by absolute position.
struct Scores<'a> {
    data: &'a mut [f32],
    /// Distance of rows.
    width: usize,
}

/// Rows of weights that softmax made of scores, by absolute position.
#[derive(Clone, Copy)]
struct Shares<'a> {
    data: &'a [f32],
    /// Distance of rows.
    width: usize,
}

impl Attention<'_> {
    /// Computes attention for `queries`, whose leading panels are the query heads, rotated and scaled. `out` has the same
    /// heads.
    pub(super) fn run(&self, queries: &Panels, out: &mut Panels) {
        let len = self.shape.head_panels() * queries.panel_len();
        if len == 0 {
            return;
        }
        let width = self.plan.width(LANES);
        let heads = queries.data().par_chunks(len);
        out.data_mut().par_chunks_mut(len).zip(heads).enumerate().for_each(|(head, (out, queries))| {
            SCORES.with_borrow_mut(|scores| {
                let needed = self.plan.positions.len() * width;
                if scores.len() < needed {
                    scores.resize(needed, 0.0);
                }
                self.head(head, queries, Scores { data: &mut scores[..needed], width }, out);
            });
        });
    }

    /// Computes attention for one query head.
    fn head(&self, head: usize, queries: &[f32], mut scores: Scores<'_>, out: &mut [f32]) {
        let kv_head = KvHead { layer: self.layer, head: head / self.shape.group() };
        self.scores(kv_head, queries, &mut scores);
        let Scores { data, width } = scores;
        self.isa.run(
            #[inline(always)]
            || {
                for (row, scores) in data.chunks_exact_mut(width).enumerate() {
                    vector::softmax(scores, self.plan.positions[row] + 1);
                }
            },
        );
        self.sums(kv_head, Shares { data, width }, out);
    }

    /// Writes the scores of all rows, row after row of `width` columns, by absolute position.
    fn scores(&self, kv_head: KvHead, queries: &[f32], Scores { data: out, width }: &mut Scores<'_>) {
        let width = *width;
        let mut edge = vec![];
        for span in &self.plan.spans {
            let SegmentRange { segment, from, to, .. } = self.range(kv_head, &span.piece);
            for panel in from / LANES..to.div_ceil(LANES) {
                let product = self.score_product(segment.keys(kv_head, panel), queries, &span.rows);
                let first = panel * LANES;
                if from <= first && first + LANES <= to {
                    let start = span.rows.start * width + segment.start() + first;
                    self.isa.multiply::<1>(&product, &mut out[start..], width);
                    continue;
                }
                // The other columns of the panel belong to other pieces.
                edge.resize(product.rows * LANES, 0.0);
                self.isa.multiply::<1>(&product, &mut edge, LANES);
                let low = from.max(first);
                let high = to.min(first + LANES);
                for (row, edge) in span.rows.clone().zip(edge.chunks_exact(LANES)) {
                    out[row * width + segment.start() + low..][..high - low]
                        .copy_from_slice(&edge[low - first..high - first]);
                }
            }
        }
        for OwnRows { run, rows } in &self.plan.own {
            let segment = &self.runs[*run].segment;
            let seen = &self.plan.seen[rows.clone()];
            for panel in 0..seen.last().map_or(0, |last| last.div_ceil(LANES)) {
                let first = rows.start + seen.partition_point(|&seen| seen <= panel * LANES);
                let keys = segment.keys(kv_head, panel);
                let product = self.score_product(keys, queries, &(first..rows.end));
                let start = first * width + segment.start() + panel * LANES;
                self.isa.multiply::<1>(&product, &mut out[start..], width);
            }
        }
    }

    fn score_product<'p>(&self, keys: &'p [f32], queries: &'p [f32], rows: &Range<usize>) -> Product<'p> {
        Product {
            rows: rows.len(),
            depth: self.shape.head,
            left: &queries[rows.start * PANEL..],
            left_row: PANEL,
            left_panel: self.plan.seen.len() * PANEL,
            right: keys,
            right_row: LANES,
            fresh: true,
        }
    }

    /// Sums the values, weighted by the softmax.
    fn sums(&self, kv_head: KvHead, shares: Shares<'_>, out: &mut [f32]) {
        out.fill(0.0);
        for span in &self.plan.spans {
            self.add_values(&self.range(kv_head, &span.piece), &span.rows, shares, out);
        }
        for OwnRows { run, rows } in &self.plan.own {
            let segment = &self.runs[*run].segment;
            for start in rows.clone().step_by(TILE) {
                let tile = start..rows.end.min(start + TILE);
                // One product for the positions that all rows of the tile see, then the triangle row by row.
                let common = self.plan.seen[start];
                let range = SegmentRange { segment, head: kv_head, from: 0, to: common };
                self.add_values(&range, &tile, shares, out);
                for row in start + 1..tile.end {
                    let range =
                        SegmentRange { segment, head: kv_head, from: common, to: self.plan.seen[row] };
                    self.add_values(&range, &(row..row + 1), shares, out);
                }
            }
        }
    }

    fn add_values(&self, range: &SegmentRange<'_>, rows: &Range<usize>, shares: Shares<'_>, out: &mut [f32]) {
        let SegmentRange { segment, head, from, to } = *range;
        let values = segment.values(head, from);
        for panel in 0..self.shape.head_panels() {
            let product = Product {
                rows: rows.len(),
                depth: to - from,
                left: &shares.data[rows.start * shares.width + segment.start() + from..],
                left_row: shares.width,
                left_panel: PANEL,
                right: &values[panel * PANEL..],
                right_row: self.shape.padded_head(),
                fresh: false,
            };
            let start = (panel * self.plan.seen.len() + rows.start) * PANEL;
            self.isa.multiply::<2>(&product, &mut out[start..], PANEL);
        }
    }

    fn range<'p>(&'p self, head: KvHead, piece: &'p PastPiece) -> SegmentRange<'p> {
        match piece {
            PastPiece::Stored(view) => {
                SegmentRange { segment: &view.segment, head, from: view.from, to: view.to }
            }
            PastPiece::Fresh(run) => {
                let TokenRun { segment, tokens, .. } = &self.runs[*run];
                SegmentRange { segment, head, from: 0, to: segment.len() + tokens.len() }
            }
        }
    }
}
