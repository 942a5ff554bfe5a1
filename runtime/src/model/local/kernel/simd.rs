//! The one place with `unsafe`: products over tiles of registers, and running a closure with the widest instructions of
//! this processor.
//!
//! **Invariant:** every element of a product is one chain of fused multiply-adds over `k = 0, 1, 2, ...`, whatever the
//! tile, the number of rows or the instruction set. Tiles are vectorized over columns, never over `k`. So the bits of
//! a row do not depend on which rows are computed with it, and all instruction sets give the same bits.
#![expect(unsafe_code, reason = "vector loads and stores through raw pointers, checked by `Product::check`")]

mod integer;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

pub(crate) use integer::{BLOCK, BlockProduct};

/// Columns in a vector of the widest instruction set, and the unit of every layout.
pub(crate) const LANES: usize = 16;

/// Columns of a panel: of packed weights and of activations.
pub(crate) const PANEL: usize = 2 * LANES;

/// Most rows of a register tile with 512-bit registers: 14 x 2 sums, 2 columns of the right operand and 1 broadcast
/// of the left one are 31 of 32 registers.
const ROWS_512: usize = 14;

/// Most rows of a register tile with 256-bit registers: 6 x 2 sums, 2 and 1 are 15 of 16 registers.
const ROWS_256: usize = 6;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// Any processor. Fused multiply-adds are exact here as well, and slow on a processor without them.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 512-bit vectors with products of 16-bit whole numbers.
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

/// `out[row, column] += sum over k of left[row, k] * right[k, column]`, for `rows` rows and one to two vectors of
/// columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a> {
    /// Rows of `left` and `out`.
    pub(crate) rows: usize,
    /// Number of `k`.
    pub(crate) depth: usize,
    /// Element `(row, k)` lies at `k / PANEL * left_panel + row * left_row + k % PANEL`.
    pub(crate) left: &'a [f32],
    /// Distance of rows of `left`.
    pub(crate) left_row: usize,
    /// Distance of panels of `left`; [`PANEL`] where rows are contiguous.
    pub(crate) left_panel: usize,
    /// Element `(k, column)` lies at `k * right_row + column`.
    pub(crate) right: &'a [f32],
    /// Distance of rows of `right`.
    pub(crate) right_row: usize,
    /// Whether sums start at zero; otherwise they continue from `out`.
    pub(crate) fresh: bool,
}

impl Isa {
    /// The widest instruction set of this processor.
    pub(crate) fn detect() -> Self {
        *Self::available().last().unwrap_or(&Self::Portable)
    }

    /// All instruction sets of this processor, the widest last.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f") {
                    all.push(Self::Avx512);
                    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni") {
                        all.push(Self::Vnni);
                    }
                }
            }
        }
        all
    }

    /// Runs a closure compiled for this instruction set, provided that it and what it calls are `#[inline(always)]`.
    #[inline]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Portable => work(),
            // SAFETY: `Isa` values beyond `Portable` come from `available`, which has seen the features.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { run_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Vnni => unsafe { run_avx512(work) },
        }
    }

    /// Computes `product` for `V` vectors of columns; element `(row, column)` of the result lies at
    /// `row * out_row + column`.
    ///
    /// # Panics
    /// If an operand is too short for the shape.
    pub(crate) fn multiply<const V: usize>(self, product: &Product<'_>, out: &mut [f32], out_row: usize) {
        product.check::<V>(out, out_row);
        let tallest = match self {
            Self::Portable => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => ROWS_256,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Vnni => ROWS_512,
        };
        let tiles = product.rows.div_ceil(tallest);
        for tile in 0..tiles {
            // Tiles of nearly equal height: 16 rows are 8 and 8, not 14 and 2.
            let start = tile * product.rows / tiles;
            let end = (tile + 1) * product.rows / tiles;
            let corner = Corner {
                // Without depth there is no left operand, and nothing is read from it.
                left: product.left.get(start * product.left_row..).unwrap_or_default().as_ptr(),
                right: product.right.as_ptr(),
                out: out[start * out_row..].as_mut_ptr(),
                out_row,
            };
            // SAFETY: `check` has seen that all elements of rows `0..product.rows` lie inside the slices, and the
            // instruction set was detected.
            unsafe { self.tile::<V>(end - start, product, corner) };
        }
    }

    /// # Safety
    /// The first `rows` rows from `corner` on lie inside the operands of `product`.
    unsafe fn tile<const V: usize>(self, rows: usize, product: &Product<'_>, corner: Corner) {
        macro_rules! of_height {
            ($kernel:ident, $($height:literal)*) => {
                match rows {
                    // Activations lie in panels: with the distance of rows known, addresses are constants.
                    // SAFETY: the caller's.
                    $($height if product.left_row == PANEL => unsafe { $kernel::<$height, V, PANEL>(product, corner) },
                      $height => unsafe { $kernel::<$height, V, 0>(product, corner) },)*
                    _ => debug_assert!(rows == 0, "tile of {rows} rows"),
                }
            };
        }
        match self {
            Self::Portable => of_height!(tile_portable, 1 2 3 4),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => of_height!(tile_avx2, 1 2 3 4 5 6),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Vnni => of_height!(tile_avx512, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        }
    }
}

impl Product<'_> {
    /// Panics unless every element that the product touches lies inside its slice.
    fn check<const V: usize>(&self, out: &[f32], out_row: usize) {
        if self.rows == 0 {
            return;
        }
        let last_row = self.rows - 1;
        assert!(last_row * out_row + V * LANES <= out.len(), "result too short");
        if self.depth == 0 {
            return;
        }
        let panels = (self.depth - 1) / PANEL;
        let rest = (self.depth - 1) % PANEL;
        let row = last_row * self.left_row;
        assert!(panels * self.left_panel + row + rest < self.left.len(), "left operand too short");
        assert!(
            panels == 0 || (panels - 1) * self.left_panel + row + PANEL <= self.left.len(),
            "left operand too short"
        );
        assert!((self.depth - 1) * self.right_row + V * LANES <= self.right.len(), "right operand too short");
    }
}

/// Where a tile starts in its operands.
#[derive(Clone, Copy)]
struct Corner {
    left: *const f32,
    right: *const f32,
    out: *mut f32,
    out_row: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// One tile, written out for one instruction set: `$load`, `$store`, `$splat`, `$zero` and `$fma` on vectors of
/// `$width` columns.
macro_rules! tile {
    ($name:ident, $width:literal, $features:literal, $load:ident, $store:ident, $splat:ident, $zero:ident, $fma:ident) => {
        /// # Safety
        /// The processor has the features, and the first `R` rows from `corner` on lie inside the operands.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize, const V: usize, const ROW: usize>(
            product: &Product<'_>,
            corner: Corner,
        ) {
            const PARTS: usize = LANES / $width;
            let left_row = if ROW == 0 { product.left_row } else { ROW };
            // Narrow vectors take the columns in several passes, so that the sums stay in registers.
            for part in 0..PARTS {
                let (right, out) = (
                    corner.right.wrapping_add(part * V * $width),
                    corner.out.wrapping_add(part * V * $width),
                );
                let mut sums = [[$zero(); V]; R];
                // SAFETY: the caller's, for every load and store below.
                unsafe {
                    if !product.fresh {
                        for row in 0..R {
                            for v in 0..V {
                                sums[row][v] = $load(out.add(row * corner.out_row + v * $width));
                            }
                        }
                    }
                    let mut k = 0;
                    let mut left = corner.left;
                    while k < product.depth {
                        let end = product.depth.min(k + PANEL);
                        for inner in 0..end - k {
                            let mut columns = [$zero(); V];
                            for v in 0..V {
                                columns[v] = $load(right.add((k + inner) * product.right_row + v * $width));
                            }
                            for row in 0..R {
                                let factor = $splat(*left.add(row * left_row + inner));
                                for v in 0..V {
                                    sums[row][v] = $fma(factor, columns[v], sums[row][v]);
                                }
                            }
                        }
                        k = end;
                        left = left.wrapping_add(product.left_panel);
                    }
                    for row in 0..R {
                        for v in 0..V {
                            $store(out.add(row * corner.out_row + v * $width), sums[row][v]);
                        }
                    }
                }
            }
        }
    };
}

tile!(
    tile_avx512,
    16,
    "avx512f",
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_setzero_ps,
    _mm512_fmadd_ps
);
tile!(
    tile_avx2,
    8,
    "avx2,fma",
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_setzero_ps,
    _mm256_fmadd_ps
);

/// # Safety
/// The first `R` rows from `corner` on lie inside the operands.
unsafe fn tile_portable<const R: usize, const V: usize, const ROW: usize>(
    product: &Product<'_>,
    corner: Corner,
) {
    let left_row = if ROW == 0 { product.left_row } else { ROW };
    for v in 0..V {
        let mut sums = [[0f32; LANES]; R];
        // SAFETY: the caller's, for every access below.
        unsafe {
            let right = corner.right.add(v * LANES);
            let out = corner.out.add(v * LANES);
            for (row, sums) in sums.iter_mut().enumerate().filter(|_| !product.fresh) {
                *sums = *out.add(row * corner.out_row).cast::<[f32; LANES]>();
            }
            for k in 0..product.depth {
                let columns = *right.add(k * product.right_row).cast::<[f32; LANES]>();
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor =
                        *corner.left.add(k / PANEL * product.left_panel + row * left_row + k % PANEL);
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = factor.mul_add(column, *sum);
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                *out.add(row * corner.out_row).cast::<[f32; LANES]>() = *sums;
            }
        }
    }
}
