//! Products against the plain chain of fused multiply-adds, bit by bit and for every instruction set of this machine;
//! the other functions against f64, and bit by bit between instruction sets.

use proptest::prelude::*;

use super::{
    Panels,
    simd::{Isa, LANES, PANEL, Product},
    vector,
    weights::{Weights, WriteMode, gated},
};

/// Numbers of mixed size that do not repeat soon.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next() * 2f32.powi((next() * 8.0) as i32)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn panels(rows: usize, columns: usize, seed: u64) -> (Vec<f32>, Panels) {
    let plain = numbers(seed, rows * columns);
    let mut panels = Panels::zeros(rows, columns);
    for (row, values) in plain.chunks(columns).enumerate() {
        panels.set_row(row, values);
    }
    (plain, panels)
}

/// `out[row, column]`, continued over `k` in ascending order.
fn chain(product: &Product<'_>, (row, column): (usize, usize), start: f32) -> f32 {
    (0..product.depth).fold(start, |sum, k| {
        let left = product.left[k / PANEL * product.left_panel + row * product.left_row + k % PANEL];
        left.mul_add(product.right[k * product.right_row + column], sum)
    })
}

fn check_product<const V: usize>(product: &Product<'_>, before: &[f32], out_row: usize) {
    let mut wanted = before.to_vec();
    for row in 0..product.rows {
        for column in 0..V * LANES {
            let at = row * out_row + column;
            wanted[at] = chain(product, (row, column), if product.fresh { 0.0 } else { before[at] });
        }
    }
    for isa in Isa::available() {
        let mut out = before.to_vec();
        isa.multiply::<V>(product, &mut out, out_row);
        assert_eq!(bits(&out), bits(&wanted), "{isa:?}");
    }
}

#[test]
fn this_machine_is_tested_with_its_widest_instructions() {
    assert_eq!(Isa::available().last(), Some(&Isa::detect()));
}

proptest! {
    #[test]
    fn a_product_is_the_plain_chain(
        rows in 1_usize..45,
        depth in 0_usize..100,
        spread in 0_usize..3,
        by_panels in any::<bool>(),
        fresh in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (left_row, left_panel) = match by_panels {
            true => (PANEL, rows * PANEL),
            false => (depth + spread, PANEL),
        };
        let left = numbers(seed, if by_panels { depth.div_ceil(PANEL) * left_panel } else { rows * left_row });
        let right_row = PANEL + 16 * spread;
        let right = numbers(seed ^ 1, depth * right_row);
        let out_row = PANEL + spread;
        let before = numbers(seed ^ 2, rows * out_row);
        let product = Product { rows, depth, left: &left, left_row, left_panel, right: &right, right_row, fresh };
        check_product::<1>(&product, &before, out_row);
        check_product::<2>(&product, &before, out_row);
    }

    #[test]
    fn operands_that_are_too_short_are_refused(
        rows in 1_usize..20,
        depth in 1_usize..80,
        which in 0_usize..3,
    ) {
        let mut sizes = [depth.div_ceil(PANEL) * rows * PANEL, depth * PANEL, rows * PANEL];
        // The last panel of the left operand may end after its last `k`.
        sizes[0] -= PANEL - 1 - (depth - 1) % PANEL;
        sizes[which] -= 1;
        let [left, right, mut out] = sizes.map(|size| vec![0.0; size]);
        let product = Product {
            rows, depth, left: &left, left_row: PANEL, left_panel: rows * PANEL,
            right: &right, right_row: PANEL, fresh: true,
        };
        let run = std::panic::AssertUnwindSafe(|| Isa::detect().multiply::<2>(&product, &mut out, PANEL));
        prop_assert!(std::panic::catch_unwind(run).is_err());
    }

    #[test]
    fn weights_are_applied_row_by_row(
        rows in 1_usize..30,
        depth in 1_usize..70,
        outputs in 1_usize..80,
        seed in any::<u64>(),
    ) {
        let weights = numbers(seed, outputs * depth);
        let bias = numbers(seed ^ 3, outputs);
        let (plain, input) = panels(rows, depth, seed ^ 4);
        let packed = Weights::pack(outputs, depth, |row| Some(&weights[row * depth..][..depth]));
        let with_bias = packed.clone().with_bias(bias.clone());
        let (mut out, mut biased) = (Panels::zeros(rows, outputs), Panels::zeros(rows, outputs));
        packed.apply(Isa::detect(), &input, WriteMode::Set, &mut out);
        with_bias.apply(Isa::detect(), &input, WriteMode::Set, &mut biased);
        let mut twice = out.clone();
        packed.apply(Isa::detect(), &input, WriteMode::Add, &mut twice);
        for row in 0..rows {
            let x = &plain[row * depth..][..depth];
            let dot = |output: usize, start: f32| {
                x.iter().zip(&weights[output * depth..]).fold(start, |sum, (x, w)| x.mul_add(*w, sum))
            };
            let all = |start: &dyn Fn(usize) -> f32| -> Vec<f32> {
                (0..outputs).map(|output| dot(output, start(output))).collect()
            };
            prop_assert_eq!(bits(&out.row(row, outputs)), bits(&all(&|_| 0.0)));
            prop_assert_eq!(bits(&biased.row(row, outputs)), bits(&all(&|output| bias[output])));
            prop_assert_eq!(bits(&twice.row(row, outputs)), bits(&all(&|output| dot(output, 0.0))));
        }
        let picked: Vec<u32> = (0..outputs as u32).rev().step_by(3).collect();
        let mut few = Panels::zeros(rows, picked.len());
        packed.pick(&picked).apply(Isa::detect(), &input, WriteMode::Set, &mut few);
        for row in 0..rows {
            let wanted: Vec<f32> =
                picked.iter().map(|&output| out.row(row, outputs)[output as usize]).collect();
            prop_assert_eq!(bits(&few.row(row, picked.len())), bits(&wanted));
        }
    }

    #[test]
    fn row_functions_agree_with_f64_and_between_instruction_sets(
        rows in 1_usize..5,
        columns in 1_usize..70,
        seed in any::<u64>(),
    ) {
        let (plain, input) = panels(rows, columns, seed);
        let weight = numbers(seed ^ 5, columns);
        let mut seen: Option<(Panels, Vec<f32>, Panels)> = None;
        for isa in Isa::available() {
            let mut normed = Panels::zeros(rows, columns);
            vector::rms_norm(isa, &input, &weight, 1e-5, &mut normed);
            for (row, x) in plain.chunks(columns).enumerate() {
                let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / columns as f64;
                for ((found, x), w) in normed.row(row, columns).iter().zip(x).zip(&weight) {
                    let wanted = f64::from(*x) / (mean + 1e-5).sqrt() * f64::from(*w);
                    prop_assert!((f64::from(*found) - wanted).abs() <= 1e-5 * wanted.abs() + 1e-7);
                }
            }

            let mut shares = plain[..columns].to_vec();
            shares.resize(columns.next_multiple_of(LANES) + 3, 7.0);
            isa.run(#[inline(always)] || vector::softmax(&mut shares, columns));
            let top = plain[..columns].iter().copied().fold(f32::MIN, f32::max);
            let total: f64 = plain[..columns].iter().map(|&x| f64::from(x - top).exp()).sum();
            for (share, x) in shares.iter().zip(&plain[..columns]) {
                prop_assert!((f64::from(*share) - f64::from(x - top).exp() / total).abs() < 1e-6);
            }
            prop_assert!(shares[columns..columns.next_multiple_of(LANES)].iter().all(|share| share.to_bits() == 0));

            let weights = Weights::pack(columns, columns, |row| Some(&plain[..columns]).filter(|_| row % 2 == 0));
            let mut hidden = Panels::zeros(rows, columns);
            gated(isa, &input, &weights, &weights, &mut hidden);
            let new = (normed, shares, hidden);
            let (normed, shares, hidden) = seen.get_or_insert_with(|| new.clone());
            prop_assert_eq!(bits(normed.data()), bits(new.0.data()));
            prop_assert_eq!(bits(shares), bits(&new.1));
            prop_assert_eq!(bits(hidden.data()), bits(new.2.data()));
        }
    }

    #[test]
    fn exp_is_exact_to_a_few_units(x in -86.9_f32..88.0) {
        let wanted = f64::from(x).exp();
        prop_assert!((f64::from(vector::exp(x)) / wanted - 1.0).abs() < 3e-7, "{x}");
    }

    #[test]
    fn silu_agrees_with_f64(x in -200_f32..200.0, up in -10_f32..10.0) {
        let mut gate = vec![x];
        vector::silu_times(Isa::detect(), &mut gate, &[up]);
        let wanted = f64::from(x) / (1.0 + (-f64::from(x)).exp()) * f64::from(up);
        prop_assert!((f64::from(gate[0]) - wanted).abs() <= 1e-6 * wanted.abs() + 1e-30, "{x}: {} {wanted}", gate[0]);
    }

    #[test]
    fn a_rotation_keeps_lengths(angle in -10_f32..10.0, x in -5_f32..5.0, y in -5_f32..5.0) {
        let mut head = [x, y];
        vector::rotate(&mut head, &[angle.cos()], &[angle.sin()], 1.0);
        prop_assert!((head[0].hypot(head[1]) - x.hypot(y)).abs() < 1e-4);
        let wanted = x * angle.cos() - y * angle.sin();
        prop_assert!((head[0] - wanted).abs() < 1e-4);
    }
}

#[test]
fn exp_of_what_is_far_below_is_zero() {
    for x in [-87.5, -1e3, -1e30, f32::NEG_INFINITY] {
        assert_eq!(vector::exp(x).to_bits(), 0, "{x}");
    }
    assert_eq!(vector::exp(0.0).to_bits(), 1f32.to_bits());
}
