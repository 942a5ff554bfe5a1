//! Weights, packed once at load, and the products of activations with them.
//!
//! **Invariant:** an output element is one chain of operations over the inputs in ascending order, started at the bias
//! (or at zero, or at what it is added to).

use rayon::prelude::*;

use super::{
    Panels,
    blocks::{BlockRow, Blocks, Rounded},
    simd::{BLOCK, Isa, LANES, PANEL, Product},
    vector,
};

/// A matrix of weights that maps `depth` inputs to `outputs` outputs.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    outputs: usize,
    depth: usize,
    numbers: PackedNumbers,
    bias: Option<Vec<f32>>,
}

/// Weights in panels of [`PANEL`] outputs.
#[derive(Clone, Debug)]
enum PackedNumbers {
    /// The weight of `(input, output)` lies at `(output / PANEL * depth + input) * PANEL + output % PANEL`.
    Wide(Vec<f32>),
    /// Whole numbers with scales.
    Blocks(Blocks),
}

/// Activations, prepared for the weights with which they are multiplied.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    isa: Isa,
    wide: &'a Panels,
    /// Empty where none of the weights needs it.
    rounded: Rounded,
}

/// The effect of a product on its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteMode {
    /// Overwrites it.
    Set,
    /// Adds to it.
    Add,
}

impl Weights {
    /// Packs `outputs` rows of `depth` weights each; `row` returns a row, or none for a row of zeros.
    pub(crate) fn pack<'a>(
        outputs: usize,
        depth: usize,
        row: impl Fn(usize) -> Option<&'a [f32]> + Sync,
    ) -> Self {
        let mut data = vec![0.0; outputs.div_ceil(PANEL) * depth * PANEL];
        data.par_chunks_mut((depth * PANEL).max(1)).enumerate().for_each(|(panel, chunk)| {
            let rows: Vec<(usize, &[f32])> = (0..PANEL.min(outputs - panel * PANEL))
                .filter_map(|lane| Some((lane, row(panel * PANEL + lane)?)))
                .collect();
            // Blocks of inputs, so that both sides stay in the first-level cache.
            for start in (0..depth).step_by(LANES) {
                for &(lane, weights) in &rows {
                    for input in start..depth.min(start + LANES) {
                        chunk[input * PANEL + lane] = weights[input];
                    }
                }
            }
        });
        Self { outputs, depth, numbers: PackedNumbers::Wide(data), bias: None }
    }

    /// Packs `outputs` rows of `blocks` blocks of whole numbers; `row` returns a row, or none for a row of zeros.
    pub(crate) fn pack_blocks<'a>(
        outputs: usize,
        blocks: usize,
        row: impl Fn(usize) -> Option<BlockRow<'a>> + Sync,
    ) -> Self {
        let numbers = PackedNumbers::Blocks(Blocks::pack(outputs, blocks, row));
        Self { outputs, depth: blocks * BLOCK, numbers, bias: None }
    }

    /// The same weights with a bias of one value per output.
    pub(crate) fn with_bias(mut self, mut bias: Vec<f32>) -> Self {
        bias.resize(self.outputs.next_multiple_of(PANEL), 0.0);
        self.bias = Some(bias);
        self
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights of one output.
    pub(crate) fn output(&self, output: usize) -> Vec<f32> {
        match &self.numbers {
            PackedNumbers::Wide(data) => {
                let panel = &data[output / PANEL * self.depth * PANEL..][..self.depth * PANEL];
                panel.iter().skip(output % PANEL).step_by(PANEL).copied().collect()
            }
            PackedNumbers::Blocks(blocks) => blocks.output(output),
        }
    }

    /// Only the given outputs, in the given order. Their products have the same bits as those of the whole.
    pub(crate) fn pick(&self, outputs: &[u32]) -> Self {
        match &self.numbers {
            PackedNumbers::Wide(_) => {
                let rows: Vec<_> = outputs.iter().map(|&output| self.output(output as usize)).collect();
                Self::pack(outputs.len(), self.depth, |row| Some(&rows[row]))
            }
            PackedNumbers::Blocks(blocks) => {
                let numbers = PackedNumbers::Blocks(blocks.pick(outputs));
                Self { outputs: outputs.len(), depth: self.depth, numbers, bias: None }
            }
        }
    }

    /// Prepares activations for these weights.
    pub(crate) fn input<'a>(&self, isa: Isa, rows: &'a Panels) -> Input<'a> {
        Input::of(isa, rows, &[self])
    }

    /// `out = input * weights + bias`, or added to `out`.
    pub(crate) fn apply(&self, isa: Isa, rows: &Panels, mode: WriteMode, out: &mut Panels) {
        if rows.rows() == 0 {
            return;
        }
        let input = self.input(isa, rows);
        let len = out.panel_len();
        out.data_mut()
            .par_chunks_mut(len)
            .enumerate()
            .for_each(|(panel, chunk)| self.panel(&input, panel, mode, chunk));
    }

    /// One panel of outputs for all rows, [`PANEL`] columns per row.
    pub(crate) fn panel(&self, input: &Input<'_>, panel: usize, mode: WriteMode, out: &mut [f32]) {
        let bias = self.bias.as_ref().map(|bias| &bias[panel * PANEL..][..PANEL]);
        if let (WriteMode::Set, Some(bias)) = (mode, bias) {
            out.chunks_exact_mut(PANEL).for_each(|row| row.copy_from_slice(bias));
        }
        let fresh = mode == WriteMode::Set && bias.is_none();
        match &self.numbers {
            PackedNumbers::Wide(data) => {
                let product = Product {
                    rows: input.wide.rows(),
                    depth: self.depth,
                    left: input.wide.data(),
                    left_row: PANEL,
                    left_panel: input.wide.panel_len(),
                    right: &data[panel * self.depth * PANEL..][..self.depth * PANEL],
                    right_row: PANEL,
                    fresh,
                };
                input.isa.multiply::<2>(&product, out, PANEL);
            }
            PackedNumbers::Blocks(blocks) => {
                input.isa.multiply_blocks(&blocks.product(&input.rounded, panel, fresh), out);
            }
        }
    }
}

impl<'a> Input<'a> {
    /// Prepares activations for several weights.
    fn of(isa: Isa, wide: &'a Panels, weights: &[&Weights]) -> Self {
        let needed = weights.iter().any(|weights| matches!(weights.numbers, PackedNumbers::Blocks(_)));
        Self { isa, wide, rounded: if needed { Rounded::new(isa, wide) } else { Rounded::default() } }
    }
}

/// `out = silu(input * gate) * (input * up)` (SwiGLU, Shazeer 2020, arXiv:2002.05202, equation 6).
pub(crate) fn gated(isa: Isa, rows: &Panels, gate: &Weights, up: &Weights, out: &mut Panels) {
    if rows.rows() == 0 {
        return;
    }
    let input = Input::of(isa, rows, &[gate, up]);
    let len = out.panel_len();
    out.data_mut().par_chunks_mut(len).enumerate().for_each_init(
        || vec![0.0; len],
        |scratch, (panel, chunk)| {
            gate.panel(&input, panel, WriteMode::Set, chunk);
            up.panel(&input, panel, WriteMode::Set, scratch);
            vector::silu_times(isa, chunk, scratch);
        },
    );
}
