//! Number formats of GGUF files, and their conversion to `f32`.
//!
//! The block layouts are those published with ggml (`ggml-common.h`): a row is cut into blocks of 32 or 256 numbers,
//! each with its own scale `d` (and offset `m`), and small integers `q` in between.
//!
//! **Invariant:** [`Quant::dequantize`] and [`Quant::groups`] agree on every number, and depend on nothing but their
//! input, block by block; how the blocks are spread over threads cannot change a bit. The expected numbers in the tests come
//! from ggml's own Python package.

use half::{bf16, f16};
use rayon::prelude::*;

/// A number format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, non_camel_case_types, reason = "these are the format's own names")]
pub enum Quant {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

/// The number of numbers that share a scale in [`Groups`].
pub const GROUP: usize = 32;

/// Numbers in groups: a number of a group is `scale * integer + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// One per number.
    pub integers: Vec<i8>,
    /// One per group.
    pub scales: Vec<f32>,
    /// One per group.
    pub offsets: Vec<f32>,
}

/// Reads the integers of one group of a block, given its index, and returns its scale and offset.
type ReadGroup = fn(&[u8], usize, &mut [i8]) -> (f32, f32);

/// The number of blocks that one thread takes at a time.
const BLOCKS_PER_TASK: usize = 1024;

impl Quant {
    /// Every kind that can be read.
    pub const ALL: &[Self] = &[
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
    ];

    /// Its number in a file (`ggml_type`).
    pub fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4_K => 12,
            Self::Q5_K => 13,
            Self::Q6_K => 14,
            Self::BF16 => 30,
        }
    }

    /// The kind with that number.
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }

    /// Numbers in a block.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }

    /// The numbers in `bytes`. An incomplete last block is left out.
    pub fn dequantize(self, bytes: &[u8]) -> Vec<f32> {
        if let Some(groups) = self.groups(bytes) {
            return groups.numbers();
        }
        let len = self.block_len();
        let size = self.block_bytes();
        let block: fn(&[u8], &mut [f32]) = match self {
            Self::F32 => |b, out| out[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            Self::F16 => |b, out| out[0] = half(b, 0),
            Self::BF16 => |b, out| out[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32(),
            Self::Q8_0 => |b, out| {
                for (out, q) in out.iter_mut().zip(&b[2..]) {
                    *out = half(b, 0) * f32::from(q.cast_signed());
                }
            },
            _ => k6,
        };
        let mut numbers = vec![0.0; bytes.len() / size * len];
        numbers.par_chunks_mut(len * BLOCKS_PER_TASK).zip(bytes.par_chunks(size * BLOCKS_PER_TASK)).for_each(
            |(numbers, bytes)| {
                for (out, input) in numbers.chunks_exact_mut(len).zip(bytes.chunks_exact(size)) {
                    block(input, out);
                }
            },
        );
        numbers
    }

    /// Whether numbers are integers of 4 or 5 bits in groups of [`GROUP`] with a common scale.
    pub fn has_groups(self) -> bool {
        self.group().is_some()
    }

    /// The numbers in `bytes` in groups as stored; none unless [`Self::has_groups`].
    pub fn groups(self, bytes: &[u8]) -> Option<Groups> {
        let group = self.group()?;
        let size = self.block_bytes();
        let parts = self.block_len() / GROUP;
        let count = bytes.len() / size * parts;
        let mut groups =
            Groups { integers: vec![0; count * GROUP], scales: vec![0.0; count], offsets: vec![0.0; count] };
        (groups.integers.par_chunks_mut(GROUP * parts))
            .zip(groups.scales.par_chunks_mut(parts).zip(groups.offsets.par_chunks_mut(parts)))
            .zip(bytes.par_chunks_exact(size))
            .with_min_len(BLOCKS_PER_TASK)
            .for_each(|((integers, (scales, offsets)), block)| {
                for (index, integers) in integers.chunks_exact_mut(GROUP).enumerate() {
                    (scales[index], offsets[index]) = group(block, index, integers);
                }
            });
        Some(groups)
    }

    /// The function that reads one group of a block.
    fn group(self) -> Option<ReadGroup> {
        let group: ReadGroup = match self {
            Self::F32 | Self::F16 | Self::BF16 | Self::Q8_0 | Self::Q6_K => return None,
            Self::Q4_0 => |b, _, out| {
                nibbles(&b[2..], out, |q, _| q.cast_signed() - 8);
                (half(b, 0), 0.0)
            },
            Self::Q4_1 => |b, _, out| {
                nibbles(&b[4..], out, |q, _| q.cast_signed());
                (half(b, 0), half(b, 2))
            },
            Self::Q5_0 => |b, _, out| {
                let high = word(b, 2);
                nibbles(&b[6..], out, |q, i| (q | fifth(high, i)).cast_signed() - 16);
                (half(b, 0), 0.0)
            },
            Self::Q5_1 => |b, _, out| {
                let high = word(b, 4);
                nibbles(&b[8..], out, |q, i| (q | fifth(high, i)).cast_signed());
                (half(b, 0), half(b, 2))
            },
            Self::Q4_K => |b, index, out| k45(b, &b[16..], None, index, out),
            Self::Q5_K => |b, index, out| k45(b, &b[48..], Some(&b[16..48]), index, out),
        };
        Some(group)
    }
}

impl Groups {
    /// The numbers as `f32`.
    pub fn numbers(&self) -> Vec<f32> {
        let scaled = self.scales.par_iter().zip(&self.offsets);
        let parts = self.integers.par_chunks_exact(GROUP).zip(scaled);
        parts
            .flat_map_iter(|(integers, (scale, offset))| {
                integers.iter().map(move |&integer| scale * f32::from(integer) + offset)
            })
            .collect()
    }
}

fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The fifth bit of number `i`, in its place.
fn fifth(high: u32, i: usize) -> u8 {
    u8::from(high >> i & 1 == 1) << 4
}

/// 32 numbers of 4 bits: the low halves of 16 bytes are the first 16 numbers, the high halves the rest.
fn nibbles(bytes: &[u8], out: &mut [i8], number: impl Fn(u8, usize) -> i8) {
    for i in 0..16 {
        out[i] = number(bytes[i] & 15, i);
        out[i + 16] = number(bytes[i] >> 4, i + 16);
    }
}

/// `Q4_K` and `Q5_K`: 8 groups of 32 numbers `d * scale * q - dmin * offset`; scales and offsets have 6 bits.
/// Bit `group` of byte `i` in `high` is the fifth bit of number `i` of the group.
fn k45(block: &[u8], low: &[u8], high: Option<&[u8]>, group: usize, out: &mut [i8]) -> (f32, f32) {
    let low = &low[group / 2 * 32..][..32];
    for (i, out) in out.iter_mut().enumerate() {
        let nibble = if group.is_multiple_of(2) { low[i] & 15 } else { low[i] >> 4 };
        let fifth = high.map_or(0, |high| (high[i] >> group & 1) << 4);
        *out = (nibble | fifth).cast_signed();
    }
    let (scale, offset) = scale_and_offset(&block[4..16], group);
    (half(block, 0) * f32::from(scale), -(half(block, 2) * f32::from(offset)))
}

/// The 6-bit scale and offset of a group out of 8, packed in 12 bytes.
fn scale_and_offset(packed: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        return (packed[group] & 63, packed[group + 4] & 63);
    }
    let both = packed[group + 4];
    let scale = packed[group - 4];
    let offset = packed[group];
    (both & 15 | scale >> 6 << 4, both >> 4 | offset >> 6 << 4)
}

/// `Q6_K`: 16 groups of 16 numbers `d * scale * (q - 32)`. Of each half of the block, 64 bytes hold the low 4 bits and
/// 32 bytes the high 2 bits of 128 numbers.
fn k6(block: &[u8], out: &mut [f32]) {
    let low = &block[..128];
    let high = &block[128..192];
    let scales = &block[192..208];
    let d = half(block, 208);
    for (i, out) in out.iter_mut().enumerate() {
        let part = i / 128;
        let quarter = i % 128 / 32;
        let lane = i % 32;
        let byte = low[part * 64 + quarter % 2 * 32 + lane];
        let nibble = if quarter < 2 { byte & 15 } else { byte >> 4 };
        let two = high[part * 32 + lane] >> (quarter * 2) & 3;
        let scale = f32::from(scales[i / 16].cast_signed());
        *out = d * scale * (f32::from(nibble | two << 4) - 32.0);
    }
}

#[cfg(test)]
mod tests;
