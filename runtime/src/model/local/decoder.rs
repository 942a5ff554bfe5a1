//! The decoder of the llama family: token ids in, final hidden rows, keys and values out.
//!
//! **Invariant:** the bits computed for a token depend on the token, its position and the tokens before it. They depend
//! neither on the other runs of the pass nor on the pass in which earlier tokens were computed. The scheduler's test
//! `batched_equals_alone` checks this.
//!
//! [`pass`] has the input of a pass, [`kv`] its output for later passes, [`head`] turns hidden rows into words.

mod attention;
pub(crate) mod head;
pub(crate) mod kv;
mod load;
pub(crate) mod pass;
mod rope;
pub(crate) mod shape;

use rayon::prelude::*;

use self::{
    attention::Attention,
    kv::{KvHead, Segment},
    pass::{Plan, TokenPlace, TokenRun},
    rope::{Angles, Rope},
    shape::DecoderShape,
};
use super::kernel::{
    Panels,
    simd::{Isa, PANEL},
    vector,
    weights::{Weights, WriteMode, gated},
};

/// A decoder with its weights.
#[derive(Debug)]
pub(crate) struct Decoder {
    isa: Isa,
    shape: DecoderShape,
    rope: Rope,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// None if the output head's weights are the embeddings.
    embeddings: Option<Embeddings>,
    head: Weights,
}

/// Embeddings, row by row.
#[derive(Debug)]
struct Embeddings(Vec<f32>);

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    queries_keys_values: Weights,
    head_norms: HeadNorms,
    attention_output: Weights,
    feed_norm: Vec<f32>,
    gate: Weights,
    up: Weights,
    down: Weights,
}

/// Norms of every head's queries and keys (Qwen3).
#[derive(Debug)]
struct HeadNorms {
    queries: Option<Vec<f32>>,
    keys: Option<Vec<f32>>,
}

impl Decoder {
    pub(crate) fn shape(&self) -> &DecoderShape {
        &self.shape
    }

    /// Words of the vocabulary.
    pub(crate) fn words(&self) -> usize {
        self.head.outputs()
    }

    /// Computes the runs. Returns the normalized final rows of the `wanted` tokens, which must be in ascending order, and
    /// each run's segment with its tokens added.
    pub(crate) fn forward(&self, mut runs: Vec<TokenRun>, wanted: &[TokenPlace]) -> (Panels, Vec<Segment>) {
        let places: Vec<TokenPlace> = (runs.iter().enumerate())
            .flat_map(|(run, tokens)| (0..tokens.tokens.len()).map(move |token| TokenPlace { run, token }))
            .collect();
        let mut plan = Plan::new(&runs, &places);
        let angles = self.rope.angles(&plan.positions);
        let mut rows = self.embed(&runs);
        for (index, layer) in self.layers.iter().enumerate() {
            let mut heads = self.heads(layer, &rows, &angles);
            self.store(index, &heads, &mut runs);
            if index + 1 == self.layers.len() {
                // The other rows of the last layer are not needed.
                let kept: Vec<usize> =
                    wanted.iter().filter_map(|place| places.binary_search(place).ok()).collect();
                plan = Plan::new(&runs, wanted);
                (heads, rows) = (heads.select(&kept), rows.select(&kept));
            }
            let mut attended = Panels::zeros(rows.rows(), self.shape.heads * self.shape.padded_head());
            Attention { isa: self.isa, shape: &self.shape, layer: index, plan: &plan, runs: &runs }
                .run(&heads, &mut attended);
            layer.attention_output.apply(self.isa, &attended, WriteMode::Add, &mut rows);
            self.feed(layer, &mut rows);
        }
        let normed = self.normed(&rows, &self.norm);
        let segments = runs.into_iter().map(|TokenRun { mut segment, tokens, .. }| {
            segment.grow(tokens.len());
            segment
        });
        (normed, segments.collect())
    }

    fn embed(&self, runs: &[TokenRun]) -> Panels {
        let tokens: Vec<u32> = runs.iter().flat_map(|run| run.tokens.iter().copied()).collect();
        let mut rows = Panels::zeros(tokens.len(), self.shape.width);
        for (row, &token) in tokens.iter().enumerate() {
            let token = token as usize;
            match &self.embeddings {
                Some(Embeddings(all)) => {
                    rows.set_row(row, &all[token * self.shape.width..][..self.shape.width])
                }
                None => rows.set_row(row, &self.head.output(token)),
            }
        }
        rows
    }

    fn normed(&self, rows: &Panels, weight: &[f32]) -> Panels {
        let mut normed = Panels::zeros(rows.rows(), self.shape.width);
        vector::rms_norm(self.isa, rows, weight, self.shape.epsilon, &mut normed);
        normed
    }

    /// Queries, keys and values of all rows: the heads one after another, queries and keys rotated, queries scaled.
    fn heads(&self, layer: &Layer, rows: &Panels, angles: &Angles) -> Panels {
        let DecoderShape { heads, kv_heads, head, epsilon, .. } = self.shape;
        let columns = (heads + 2 * kv_heads) * self.shape.padded_head();
        let mut out = Panels::zeros(rows.rows(), columns);
        layer.queries_keys_values.apply(
            self.isa,
            &self.normed(rows, &layer.attention_norm),
            WriteMode::Set,
            &mut out,
        );

        let len = (self.shape.head_panels() * out.panel_len()).max(1);
        let turned = &mut out.data_mut()[..(heads + kv_heads) * len];
        turned.par_chunks_mut(len).enumerate().for_each(|(index, chunk)| {
            let (norm, scale) = match index < heads {
                true => (&layer.head_norms.queries, 1.0 / (head as f32).sqrt()),
                false => (&layer.head_norms.keys, 1.0),
            };
            let mut columns = vec![0.0; self.shape.padded_head()];
            self.isa.run(
                #[inline(always)]
                || {
                    for row in 0..rows.rows() {
                        gather(chunk, row, rows.rows(), &mut columns);
                        if let Some(norm) = norm {
                            vector::rms_norm_row(&mut columns[..head], norm, epsilon);
                        }
                        let (cos, sin) = angles.of(row);
                        vector::rotate(&mut columns[..head], cos, sin, scale);
                        scatter(&columns, row, rows.rows(), chunk);
                    }
                },
            );
        });
        out
    }

    /// Writes the keys and values of all rows into the runs' segments.
    fn store(&self, layer: usize, heads: &Panels, runs: &mut [TokenRun]) {
        let DecoderShape { heads: queries, kv_heads, head, .. } = self.shape;
        let len = self.shape.head_panels() * heads.panel_len();
        let mut key = vec![0.0; self.shape.padded_head()];
        let mut value = key.clone();
        for kv_head in 0..kv_heads {
            let keys = &heads.data()[(queries + kv_head) * len..][..len];
            let values = &heads.data()[(queries + kv_heads + kv_head) * len..][..len];
            let mut row = 0;
            for TokenRun { segment, tokens, .. } in &mut *runs {
                let before = segment.len();
                for token in 0..tokens.len() {
                    gather(keys, row, heads.rows(), &mut key);
                    gather(values, row, heads.rows(), &mut value);
                    segment.write(KvHead { layer, head: kv_head }, before + token, &key[..head], &value);
                    row += 1;
                }
            }
        }
    }

    fn feed(&self, layer: &Layer, rows: &mut Panels) {
        let mut hidden = Panels::zeros(rows.rows(), self.shape.hidden);
        gated(self.isa, &self.normed(rows, &layer.feed_norm), &layer.gate, &layer.up, &mut hidden);
        layer.down.apply(self.isa, &hidden, WriteMode::Add, rows);
    }
}

/// Reads one row of some panels of `rows` rows.
#[inline(always)]
fn gather(panels: &[f32], row: usize, rows: usize, out: &mut [f32]) {
    for (panel, out) in out.chunks_exact_mut(PANEL).enumerate() {
        out.copy_from_slice(&panels[(panel * rows + row) * PANEL..][..PANEL]);
    }
}

/// Writes one row of some panels of `rows` rows.
#[inline(always)]
fn scatter(columns: &[f32], row: usize, rows: usize, panels: &mut [f32]) {
    for (panel, columns) in columns.chunks_exact(PANEL).enumerate() {
        panels[(panel * rows + row) * PANEL..][..PANEL].copy_from_slice(columns);
    }
}

#[cfg(test)]
mod tests;
