//! Weights in whole numbers, as a file stores them, and activations rounded to match: about half the work of f32.
//!
//! An activation is rounded to 16 bits relative to the greatest of its [`BLOCK`] neighbours, an error of about 1 in
//! 65,000 of that one at most; weights are exact. This is done for weights of 4 and 5 bits, whose own error is a hundred
//! times that. With 8 bits and more, everything is f32.
//!
//! **Invariant:** rounding a row depends on that row alone, and is the same on every instruction set. For products see
//! [`BlockProduct`].

use rayon::prelude::*;

use super::{
    Panels,
    simd::{BLOCK, BlockProduct, Isa, PANEL},
};

/// A matrix of weights in panels of [`PANEL`] outputs, each in the order of [`BlockProduct::right`].
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    count: usize,
    integers: Vec<i8>,
    scales: Vec<f32>,
    offsets: Vec<f32>,
}

/// The weights of one output: of every block of [`BLOCK`] inputs, `scale * integer + offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRow<'a> {
    pub(crate) integers: &'a [i8],
    pub(crate) scales: &'a [f32],
    pub(crate) offsets: &'a [f32],
}

/// Activations in whole numbers, laid out as in [`BlockProduct`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounded {
    rows: usize,
    integers: Vec<i16>,
    /// The value of the integer 1 in a row's block.
    units: Vec<f32>,
    /// The sum of a row's block.
    totals: Vec<f32>,
}

impl Blocks {
    /// Packs `outputs` rows of `count` blocks each; `row` returns a row, or none for a row of zeros.
    pub(crate) fn pack<'a>(
        outputs: usize,
        count: usize,
        row: impl Fn(usize) -> Option<BlockRow<'a>> + Sync,
    ) -> Self {
        let panels = outputs.div_ceil(PANEL);
        let mut packed = Self {
            count,
            integers: vec![0; panels * count * BLOCK * PANEL],
            scales: vec![0.0; panels * count * PANEL],
            offsets: vec![0.0; panels * count * PANEL],
        };
        let parts = (count * PANEL).max(1);
        (packed.integers.par_chunks_mut(parts * BLOCK))
            .zip(packed.scales.par_chunks_mut(parts).zip(packed.offsets.par_chunks_mut(parts)))
            .enumerate()
            .for_each(|(panel, (integers, (scales, offsets)))| {
                for lane in 0..PANEL.min(outputs - panel * PANEL) {
                    let Some(row) = row(panel * PANEL + lane) else { continue };
                    for (pair, from) in row.integers.chunks_exact(2).enumerate() {
                        integers[(pair * PANEL + lane) * 2..][..2].copy_from_slice(from);
                    }
                    for block in 0..count {
                        scales[block * PANEL + lane] = row.scales[block];
                        offsets[block * PANEL + lane] = row.offsets[block];
                    }
                }
            });
        packed
    }

    /// The weights of one output.
    pub(crate) fn output(&self, output: usize) -> Vec<f32> {
        let (integers, scales, offsets) = self.stored(output);
        let parts = scales.into_iter().zip(offsets);
        let blocks = integers.chunks_exact(BLOCK).zip(parts);
        blocks
            .flat_map(|(integers, (scale, offset))| {
                integers.iter().map(move |&integer| scale * f32::from(integer) + offset)
            })
            .collect()
    }

    /// Only the given outputs, in the given order.
    pub(crate) fn pick(&self, outputs: &[u32]) -> Self {
        let rows: Vec<_> = outputs.iter().map(|&output| self.stored(output as usize)).collect();
        Self::pack(outputs.len(), self.count, |row| {
            let (integers, scales, offsets) = &rows[row];
            Some(BlockRow { integers, scales, offsets })
        })
    }

    /// The product of all rows with one panel of outputs, [`PANEL`] columns per row; `fresh` as in [`BlockProduct`].
    pub(crate) fn product<'a>(&'a self, input: &'a Rounded, panel: usize, fresh: bool) -> BlockProduct<'a> {
        let parts = self.count * PANEL;
        BlockProduct {
            rows: input.rows,
            blocks: self.count,
            left: &input.integers,
            units: &input.units,
            totals: &input.totals,
            right: &self.integers[panel * parts * BLOCK..][..parts * BLOCK],
            scales: &self.scales[panel * parts..][..parts],
            offsets: &self.offsets[panel * parts..][..parts],
            fresh,
        }
    }

    /// The integers, scales and offsets of an output.
    fn stored(&self, output: usize) -> (Vec<i8>, Vec<f32>, Vec<f32>) {
        let panel = output / PANEL;
        let lane = output % PANEL;
        let parts = self.count * PANEL;
        let pairs = self.integers[panel * parts * BLOCK..][..parts * BLOCK].chunks_exact(2);
        let lane_of =
            |all: &[f32]| all[panel * parts..][..parts].iter().skip(lane).step_by(PANEL).copied().collect();
        let integers = pairs.skip(lane).step_by(PANEL).flatten().copied().collect();
        (integers, lane_of(&self.scales), lane_of(&self.offsets))
    }
}

impl Rounded {
    /// Rounds all rows.
    pub(crate) fn new(isa: Isa, input: &Panels) -> Self {
        let rows = input.rows();
        let parts = input.rows() * input.panels();
        let mut rounded = Self {
            rows,
            integers: vec![0; parts * BLOCK],
            units: vec![0.0; parts],
            totals: vec![0.0; parts],
        };
        if rows == 0 {
            return rounded;
        }
        (rounded.integers.par_chunks_mut(rows * BLOCK))
            .zip(rounded.units.par_chunks_mut(rows).zip(rounded.totals.par_chunks_mut(rows)))
            .zip(input.data().par_chunks(rows * PANEL))
            .with_min_len(4)
            .for_each(|((integers, (units, totals)), values)| {
                let (integers, _) = integers.as_chunks_mut::<BLOCK>();
                let (values, _) = values.as_chunks::<BLOCK>();
                isa.run(
                    #[inline(always)]
                    || {
                        for (row, (integers, values)) in integers.iter_mut().zip(values).enumerate() {
                            (units[row], totals[row]) = round(values, integers);
                        }
                    },
                );
            });
        rounded
    }
}

/// Rounds a block to the nearest multiples of a unit, ties to even. Returns the unit and the sum of the rounded values.
#[inline(always)]
fn round(values: &[f32; BLOCK], integers: &mut [i16; BLOCK]) -> (f32, f32) {
    const MOST: f32 = 32_767.0;
    /// A block whose greatest value is below this counts as zeros, because the inverse of its unit would overflow.
    const LEAST: f32 = 1e-30;
    /// 1.5 * 2^23: added to a small number, it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let top = values.iter().fold(0_f32, |top, value| if value.abs() > top { value.abs() } else { top });
    let (unit, inverse) = if top > LEAST { (top / MOST, MOST / top) } else { (0.0, 0.0) };
    let mut sum = 0;
    for (integer, value) in integers.iter_mut().zip(values) {
        let shifted = value.mul_add(inverse, ROUND);
        let nearest = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
        *integer = nearest as i16;
        sum += i32::from(*integer);
    }
    (unit, unit * sum as f32)
}

#[cfg(test)]
mod tests;
