//! Row-wise functions: normalization, rotation, softmax, SwiGLU.
//!
//! **Invariant:** sums over a row go into [`LANES`] partial sums by column modulo [`LANES`], which are then added in a
//! fixed tree; so a result depends on its row alone. Fused multiply-adds are explicit, so the result does
//! not depend on the compiler.

use rayon::prelude::*;

use super::{
    Panels,
    simd::{Isa, LANES, PANEL},
};

/// The exponential for `x <= 88`, to within 2 units in the last place; 0 below -87.
///
/// `exp(x) = 2^n * exp(r)` with `n` the integer nearest to `x / ln 2`, and the Taylor polynomial of degree 7 for
/// `|r| <= ln 2 / 2` (Muller, Elementary Functions, chapter 11: Cody and Waite's reduction in two steps).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: added to a small number, it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x.max(-88.0).mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = r.mul_add(sum, coefficient);
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    if x < -87.0 { 0.0 } else { sum * f32::from_bits(exponent) }
}

/// Adds lanes in a fixed tree.
#[inline(always)]
fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn add_squares(lanes: &mut [f32; LANES], values: &[f32]) {
    for chunk in values.chunks(LANES) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = value.mul_add(*value, *lane);
        }
    }
}

/// `out = input / sqrt(mean(input^2) + epsilon) * weight` for every row (RMSNorm, Zhang and Sennrich 2019,
/// arXiv:1910.07467, equation 4).
pub(crate) fn rms_norm(isa: Isa, input: &Panels, weight: &[f32], epsilon: f32, out: &mut Panels) {
    if input.rows() == 0 {
        return;
    }
    let mut factors = vec![0.0; input.rows()];
    factors.par_iter_mut().with_min_len(32).enumerate().for_each(|(row, factor)| {
        *factor = isa.run(
            #[inline(always)]
            || {
                let mut lanes = [0.0; LANES];
                for panel in 0..input.panels() {
                    add_squares(&mut lanes, input.part(panel, row));
                }
                inverse_rms(sum_lanes(lanes), weight.len(), epsilon)
            },
        );
    });
    let len = out.panel_len();
    out.data_mut().par_chunks_mut(len).with_min_len(4).enumerate().for_each(|(panel, chunk)| {
        let mut scale = [0.0; PANEL];
        let weights = &weight[panel * PANEL..weight.len().min((panel + 1) * PANEL)];
        scale[..weights.len()].copy_from_slice(weights);
        isa.run(
            #[inline(always)]
            || {
                for (row, out) in chunk.chunks_exact_mut(PANEL).enumerate() {
                    for ((out, value), scale) in out.iter_mut().zip(input.part(panel, row)).zip(scale) {
                        *out = value * factors[row] * scale;
                    }
                }
            },
        );
    });
}

/// The same for one contiguous row, in place.
#[inline(always)]
pub(crate) fn rms_norm_row(row: &mut [f32], weight: &[f32], epsilon: f32) {
    let mut lanes = [0.0; LANES];
    add_squares(&mut lanes, row);
    let factor = inverse_rms(sum_lanes(lanes), row.len(), epsilon);
    for (value, weight) in row.iter_mut().zip(weight) {
        *value = *value * factor * weight;
    }
}

#[inline(always)]
fn inverse_rms(squares: f32, len: usize, epsilon: f32) -> f32 {
    1.0 / (squares / len as f32 + epsilon).sqrt()
}

/// Rotates the pairs `(i, i + half)` of a head by the angles of its position (RoPE, Su et al. 2021,
/// arXiv:2104.09864, equation 34), and scales them.
#[inline(always)]
pub(crate) fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32], scale: f32) {
    let (first, second) = head.split_at_mut(cos.len());
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        let x = *a * scale;
        let y = *b * scale;
        *a = x.mul_add(*cos, -(y * sin));
        *b = x.mul_add(*sin, y * cos);
    }
}

/// Softmax in place over the first `len` scores of a row; the rest up to a multiple of [`LANES`] becomes zero.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32], len: usize) {
    let padded = len.next_multiple_of(LANES);
    row[len..padded].fill(f32::NEG_INFINITY);
    let row = &mut row[..padded];
    let mut tops = [f32::NEG_INFINITY; LANES];
    for chunk in row.chunks_exact(LANES) {
        for (top, score) in tops.iter_mut().zip(chunk) {
            *top = if *score > *top { *score } else { *top };
        }
    }
    let top = tops.iter().fold(f32::NEG_INFINITY, |top, &score| top.max(score));
    let mut lanes = [0.0; LANES];
    for chunk in row.chunks_exact_mut(LANES) {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *score = exp(*score - top);
            *lane += *score;
        }
    }
    let factor = 1.0 / sum_lanes(lanes);
    row.iter_mut().for_each(|share| *share *= factor);
}

/// `gate = silu(gate) * up`.
pub(crate) fn silu_times(isa: Isa, gate: &mut [f32], up: &[f32]) {
    isa.run(
        #[inline(always)]
        || {
            for (gate, up) in gate.iter_mut().zip(up) {
                // exp of at most 88: silu(-88) is -0 to f32 anyway.
                *gate = *gate / (1.0 + exp((-*gate).min(88.0))) * up;
            }
        },
    );
}

/// The greatest of some values and the sum of their exponentials over it. Minus infinity stands for no value.
#[inline(always)]
pub(crate) fn log_sum_parts(values: &[f32; PANEL]) -> (f32, f32) {
    let mut tops = [f32::NEG_INFINITY; LANES];
    for chunk in values.chunks_exact(LANES) {
        for (top, value) in tops.iter_mut().zip(chunk) {
            *top = if *value > *top { *value } else { *top };
        }
    }
    let top = tops.iter().fold(f32::NEG_INFINITY, |top, &value| top.max(value));
    let mut lanes = [0.0; LANES];
    for chunk in values.chunks_exact(LANES) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += exp(value - top);
        }
    }
    (top, sum_lanes(lanes))
}

/// The natural logarithm of a sum of exponentials, from its parts as [`log_sum_parts`] gives them.
pub(crate) fn log_sum(parts: &[(f32, f32)]) -> f64 {
    let top = parts.iter().fold(f32::NEG_INFINITY, |top, part| top.max(part.0));
    // A part without values has no sum.
    let there = parts.iter().filter(|(most, _)| *most > f32::NEG_INFINITY);
    let sum: f64 = there.map(|&(most, sum)| f64::from(sum) * (f64::from(most) - f64::from(top)).exp()).sum();
    f64::from(top) + sum.ln()
}
