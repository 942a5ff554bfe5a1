//! Products in whole numbers against the formula, bit by bit and for every instruction set; rounding against f64.

use proptest::prelude::*;

use super::*;
use crate::model::local::kernel::weights::{Weights, WriteMode};

fn numbers(seed: u64, count: usize) -> impl Iterator<Item = f32> {
    let mut state = seed | 1;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

struct Matrix {
    integers: Vec<i8>,
    scales: Vec<f32>,
    offsets: Vec<f32>,
}

impl Matrix {
    /// Every integer is possible, -128 included.
    fn new(outputs: usize, blocks: usize, seed: u64) -> Self {
        Self {
            integers: numbers(seed, outputs * blocks * BLOCK).map(|x| (x * 128.0).floor() as i8).collect(),
            scales: numbers(seed ^ 1, outputs * blocks).collect(),
            offsets: numbers(seed ^ 2, outputs * blocks).collect(),
        }
    }

    fn row(&self, blocks: usize, row: usize) -> BlockRow<'_> {
        BlockRow {
            integers: &self.integers[row * blocks * BLOCK..][..blocks * BLOCK],
            scales: &self.scales[row * blocks..][..blocks],
            offsets: &self.offsets[row * blocks..][..blocks],
        }
    }
}

fn activations(rows: usize, blocks: usize, seed: u64) -> Panels {
    let mut panels = Panels::zeros(rows, blocks * BLOCK);
    for row in 0..rows {
        let size = 10_f32.powi((seed as usize + row) as i32 % 5);
        let values: Vec<f32> = numbers(seed + row as u64, blocks * BLOCK).map(|x| x * x * x * size).collect();
        panels.set_row(row, &values);
    }
    panels
}

/// The formula of [`BlockProduct`], in its order.
fn formula(input: &Rounded, (row, start): (usize, f32), weights: BlockRow<'_>) -> f32 {
    (0..weights.scales.len()).fold(start, |sum, block| {
        let at = block * input.rows + row;
        let left = &input.integers[at * BLOCK..][..BLOCK];
        let right = &weights.integers[block * BLOCK..][..BLOCK];
        let dot: i32 = left.iter().zip(right).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
        let sum = (dot as f32 * input.units[at]).mul_add(weights.scales[block], sum);
        input.totals[at].mul_add(weights.offsets[block], sum)
    })
}

proptest! {
    #[test]
    fn a_product_is_the_formula_on_every_instruction_set(
        rows in 1_usize..32,
        blocks in 1_usize..5,
        outputs in 1_usize..80,
        seed in 0_u64..1 << 60,
    ) {
        let matrix = Matrix::new(outputs, blocks, seed);
        let weights = Weights::pack_blocks(outputs, blocks, |row| Some(matrix.row(blocks, row)));
        let input = activations(rows, blocks, seed);
        let rounded = Rounded::new(Isa::Portable, &input);
        let picked: Vec<u32> = (0..outputs as u32).rev().step_by(3).collect();
        for isa in Isa::available() {
            let mut out = Panels::zeros(rows, outputs);
            weights.apply(isa, &input, WriteMode::Set, &mut out);
            let mut twice = out.clone();
            weights.apply(isa, &input, WriteMode::Add, &mut twice);
            let mut few = Panels::zeros(rows, picked.len());
            weights.pick(&picked).apply(isa, &input, WriteMode::Set, &mut few);
            for row in 0..rows {
                let (found, few) = (out.row(row, outputs), few.row(row, picked.len()));
                for (output, value) in found.iter().enumerate() {
                    let once = formula(&rounded, (row, 0.0), matrix.row(blocks, output));
                    let again = formula(&rounded, (row, once), matrix.row(blocks, output));
                    prop_assert_eq!(value.to_bits(), once.to_bits(), "{:?}", isa);
                    prop_assert_eq!(twice.row(row, outputs)[output].to_bits(), again.to_bits(), "{:?}", isa);
                }
                for (few, &output) in few.iter().zip(&picked) {
                    prop_assert_eq!(few.to_bits(), found[output as usize].to_bits());
                }
            }
        }
    }

    #[test]
    fn rounding_errors_are_within_the_bound(rows in 1_usize..5, blocks in 1_usize..4, seed in 0_u64..1 << 60) {
        let input = activations(rows, blocks, seed);
        let rounded = Rounded::new(Isa::detect(), &input);
        for row in 0..rows {
            for block in 0..blocks {
                let (at, values) = (block * rows + row, input.part(block, row));
                let top = values.iter().fold(0_f32, |top, value| top.max(value.abs()));
                let (mut sum, unit) = (0.0, f64::from(rounded.units[at]));
                for (integer, value) in rounded.integers[at * BLOCK..][..BLOCK].iter().zip(values) {
                    let meant = f64::from(*integer) * unit;
                    prop_assert!((meant - f64::from(*value)).abs() <= f64::from(top) / 65_000.0);
                    sum += meant;
                }
                prop_assert!((f64::from(rounded.totals[at]) - sum).abs() <= 1e-5 * f64::from(top));
            }
        }
    }
}

#[test]
fn the_greatest_numbers_do_not_overflow() {
    let mut input = Panels::zeros(1, BLOCK);
    input.set_row(0, &[1e30; BLOCK]);
    let row = BlockRow { integers: &[-128; BLOCK], scales: &[1.0], offsets: &[0.0] };
    let weights = Weights::pack_blocks(1, 1, |_| Some(row));
    for isa in Isa::available() {
        let mut out = Panels::zeros(1, 1);
        weights.apply(isa, &input, WriteMode::Set, &mut out);
        let wanted = 1e30 * -128.0 * 32.0;
        assert!((f64::from(out.row(0, 1)[0]) / wanted - 1.0).abs() < 1e-4, "{isa:?}");
    }
}

#[test]
fn tiny_values_count_as_zero() {
    for value in [0.0, 1e-31, f32::MIN_POSITIVE] {
        let mut input = Panels::zeros(1, BLOCK);
        input.set_row(0, &[value; BLOCK]);
        let rounded = Rounded::new(Isa::detect(), &input);
        assert!(rounded.integers.iter().all(|&integer| integer == 0));
        assert_eq!((rounded.units[0].to_bits(), rounded.totals[0].to_bits()), (0, 0));
    }
}
