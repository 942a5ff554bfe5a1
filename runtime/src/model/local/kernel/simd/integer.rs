//! Products of whole numbers: activations rounded to 16 bits with weights of at most 8, in blocks of [`PANEL`] inputs.
//!
//! **Invariant:** inside a block, sums of products are exact, in any order: 32 * 32,767 * 128 fits 32 bits. Across
//! blocks, every element is one chain of fused multiply-adds in ascending order. So the bits of a row depend on that row
//! alone, and all instruction sets give the same ones.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_storeu_ps, _mm512_cvtepi8_epi16,
    _mm512_cvtepi32_ps, _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mul_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps,
};

use std::ops::Range;

use super::{Isa, PANEL, ROWS_256, ROWS_512};

/// Inputs that share a scale.
pub(crate) const BLOCK: usize = PANEL;

/// `out[row, column] = start + sum over blocks b of (units[row, b] * scales[b, column] * dot + totals[row, b] *
/// offsets[b, column])`, with `dot` the sum over the inputs `k` of the block of `left[row, k] * right[k, column]`, for all
/// rows and one panel of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockProduct<'a> {
    /// Rows of `left` and `out`.
    pub(crate) rows: usize,
    /// Number of blocks.
    pub(crate) blocks: usize,
    /// Element `(row, k)` lies at `(k / BLOCK * rows + row) * BLOCK + k % BLOCK`.
    pub(crate) left: &'a [i16],
    /// Element `(row, b)` lies at `b * rows + row`.
    pub(crate) units: &'a [f32],
    /// As `units`.
    pub(crate) totals: &'a [f32],
    /// Element `(k, column)` lies at `(k / 2 * PANEL + column) * 2 + k % 2`.
    pub(crate) right: &'a [i8],
    /// Element `(b, column)` lies at `b * PANEL + column`.
    pub(crate) scales: &'a [f32],
    /// As `scales`.
    pub(crate) offsets: &'a [f32],
    /// Whether sums start at zero; otherwise they continue from `out`.
    pub(crate) fresh: bool,
}

impl Isa {
    /// Computes `product`, [`PANEL`] columns per row.
    ///
    /// # Panics
    /// If an operand is too short for the shape.
    pub(crate) fn multiply_blocks(self, product: &BlockProduct<'_>, out: &mut [f32]) {
        product.check(out);
        let tallest = match self {
            Self::Portable => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx512 => ROWS_256,
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => ROWS_512,
        };
        let tiles = product.rows.div_ceil(tallest);
        for tile in 0..tiles {
            let start = tile * product.rows / tiles;
            let end = (tile + 1) * product.rows / tiles;
            let out = out[start * PANEL..].as_mut_ptr();
            // SAFETY: `check` has seen that all elements of rows `0..product.rows` lie inside the slices, and the
            // instruction set was detected.
            unsafe { self.block_tile(start..end, product, out) };
        }
    }

    /// # Safety
    /// The rows lie inside the operands of `product`, and `out` has as many.
    unsafe fn block_tile(self, rows: Range<usize>, product: &BlockProduct<'_>, out: *mut f32) {
        macro_rules! of_height {
            ($kernel:ident, $($height:literal)*) => {
                match rows.len() {
                    // SAFETY: the caller's.
                    $($height => unsafe { $kernel::<$height>(rows.start, product, out) },)*
                    _ => debug_assert!(rows.is_empty(), "tile of {} rows", rows.len()),
                }
            };
        }
        match self {
            Self::Portable => of_height!(tile_portable, 1 2 3 4),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx512 => of_height!(tile_avx2, 1 2 3 4 5 6),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => of_height!(tile_vnni, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        }
    }
}

impl BlockProduct<'_> {
    /// Panics unless every element that the product touches lies inside its slice.
    fn check(&self, out: &[f32]) {
        let parts = self.rows * self.blocks;
        assert!(out.len() >= self.rows * PANEL, "result too short");
        assert!(
            self.left.len() >= parts * BLOCK && self.units.len() >= parts && self.totals.len() >= parts,
            "left operand too short"
        );
        let columns = self.blocks * PANEL;
        assert!(
            self.right.len() >= columns * BLOCK
                && self.scales.len() >= columns
                && self.offsets.len() >= columns,
            "right operand too short"
        );
    }
}

/// Adds the products of 16 pairs of whole numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn dot_vnni(sums: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_dpwssd_epi32(sums, a, b)
}

/// Adds the products of 8 pairs of whole numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline]
fn dot_avx2(sums: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(a, b))
}

/// One tile, written out for one instruction set: `$widen` reads the weights of `$width` columns and one pair of inputs.
macro_rules! tile {
    (
        $name:ident, $width:literal, $features:literal, $narrow:ident, $widen:ident, $splat:ident, $zero:ident, $dot:ident,
        $float:ident, $load:ident, $store:ident, $splat_float:ident, $times:ident, $fma:ident
    ) => {
        /// # Safety
        /// The processor has the features, and rows `first..first + R` lie inside the operands.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize>(first: usize, product: &BlockProduct<'_>, out: *mut f32) {
            // Narrow vectors take the columns in several passes, so that the sums stay in registers.
            for part in 0..PANEL / (2 * $width) {
                let shift = part * 2 * $width;
                for block in 0..product.blocks {
                    let row = block * product.rows + first;
                    // SAFETY: the caller's, for every load and store below.
                    unsafe {
                        let left = product.left.as_ptr().add(row * BLOCK).cast::<i32>();
                        let right = product.right.as_ptr().add(block * BLOCK * PANEL + shift * 2);
                        let mut dots = [[$zero(); 2]; R];
                        for pair in 0..BLOCK / 2 {
                            let right = right.add(pair * PANEL * 2);
                            let columns = [
                                $widen($narrow(right.cast())),
                                $widen($narrow(right.add(2 * $width).cast())),
                            ];
                            for row in 0..R {
                                let factors = $splat(left.add(row * (BLOCK / 2) + pair).read_unaligned());
                                for v in 0..2 {
                                    dots[row][v] = $dot(dots[row][v], factors, columns[v]);
                                }
                            }
                        }
                        let (scales, offsets) = (
                            product.scales.as_ptr().add(block * PANEL + shift),
                            product.offsets.as_ptr().add(block * PANEL + shift),
                        );
                        let begins = product.fresh && block == 0;
                        for (index, dots) in dots.into_iter().enumerate() {
                            let unit = $splat_float(*product.units.as_ptr().add(row + index));
                            let total = $splat_float(*product.totals.as_ptr().add(row + index));
                            for (v, dots) in dots.into_iter().enumerate() {
                                let (column, out) = (v * $width, out.add(index * PANEL + shift + v * $width));
                                let dots = $times($float(dots), unit);
                                let before = if begins { $splat_float(0.0) } else { $load(out) };
                                let sum = $fma(dots, $load(scales.add(column)), before);
                                $store(out, $fma(total, $load(offsets.add(column)), sum));
                            }
                        }
                    }
                }
            }
        }
    };
}

tile!(
    tile_vnni,
    16,
    "avx512f,avx512bw,avx512vnni",
    _mm256_loadu_si256,
    _mm512_cvtepi8_epi16,
    _mm512_set1_epi32,
    _mm512_setzero_si512,
    dot_vnni,
    _mm512_cvtepi32_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps
);
tile!(
    tile_avx2,
    8,
    "avx2,fma",
    _mm_loadu_si128,
    _mm256_cvtepi8_epi16,
    _mm256_set1_epi32,
    _mm256_setzero_si256,
    dot_avx2,
    _mm256_cvtepi32_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps
);

/// # Safety
/// Rows `first..first + R` lie inside the operands, and `out` has as many.
unsafe fn tile_portable<const R: usize>(first: usize, product: &BlockProduct<'_>, out: *mut f32) {
    // SAFETY: the caller's.
    let out = unsafe { std::slice::from_raw_parts_mut(out, R * PANEL) };
    if product.fresh {
        out.fill(0.0);
    }
    for block in 0..product.blocks {
        let right = &product.right[block * BLOCK * PANEL..][..BLOCK * PANEL];
        let (scales, offsets) =
            (&product.scales[block * PANEL..][..PANEL], &product.offsets[block * PANEL..][..PANEL]);
        for (index, out) in out.chunks_exact_mut(PANEL).enumerate() {
            let row = block * product.rows + first + index;
            let left = &product.left[row * BLOCK..][..BLOCK];
            let mut dots = [0_i32; PANEL];
            for (pair, columns) in left.chunks_exact(2).zip(right.chunks_exact(2 * PANEL)) {
                let [a, b] = [i32::from(pair[0]), i32::from(pair[1])];
                for (dot, column) in dots.iter_mut().zip(columns.chunks_exact(2)) {
                    *dot += a * i32::from(column[0]) + b * i32::from(column[1]);
                }
            }
            let unit = product.units[row];
            let total = product.totals[row];
            for (column, (out, dot)) in out.iter_mut().zip(dots).enumerate() {
                let sum = (dot as f32 * unit).mul_add(scales[column], *out);
                *out = total.mul_add(offsets[column], sum);
            }
        }
    }
}
