//! Arithmetic of the decoder: products with packed weights, and the functions between them. Weights of 4 and 5
//! bits are multiplied as whole numbers ([`blocks`]), all others in f32.
//!
//! **Invariant:** every number is computed by a fixed sequence of operations that depends on its own row only, and not on
//! the rows computed with it, the number of threads, or the instruction set. So a batch gives the same bits as its rows
//! alone. `tests` checks this.
//!
//! Activations lie in [`Panels`] of 32 columns: a product writes whole panels, so threads share no cache line, and
//! reads its left operand in the order in which it needs it.

pub(crate) mod blocks;
pub(crate) mod simd;
pub(crate) mod vector;
pub(crate) mod weights;

use simd::PANEL;

/// A matrix of activations, stored as panels of [`PANEL`] columns: element `(row, column)` lies at
/// `(column / PANEL * rows + row) * PANEL + column % PANEL`. Columns beyond the last are zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Panels {
    rows: usize,
    data: Vec<f32>,
}

impl Panels {
    /// Zeros; `columns` is rounded up to whole panels.
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, data: vec![0.0; columns.div_ceil(PANEL) * rows * PANEL] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of panels.
    pub(crate) fn panels(&self) -> usize {
        self.data.len().checked_div(self.rows * PANEL).unwrap_or(0)
    }

    /// Elements of one panel.
    pub(crate) fn panel_len(&self) -> usize {
        self.rows * PANEL
    }

    pub(crate) fn data(&self) -> &[f32] {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// One panel of one row.
    pub(crate) fn part(&self, panel: usize, row: usize) -> &[f32; PANEL] {
        let start = (panel * self.rows + row) * PANEL;
        self.data[start..].first_chunk().unwrap_or(&[0.0; PANEL])
    }

    /// The given rows, in the given order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let data =
            (0..self.panels()).flat_map(|panel| rows.iter().flat_map(move |&row| *self.part(panel, row)));
        Self { rows: rows.len(), data: data.collect() }
    }

    /// A row as it would lie in a row-major matrix of `columns` columns.
    pub(crate) fn row(&self, row: usize, columns: usize) -> Vec<f32> {
        let mut all: Vec<f32> = (0..self.panels()).flat_map(|panel| *self.part(panel, row)).collect();
        all.truncate(columns);
        all
    }

    /// Sets a row from a row-major slice.
    pub(crate) fn set_row(&mut self, row: usize, values: &[f32]) {
        let rows = self.rows;
        for (panel, chunk) in values.chunks(PANEL).enumerate() {
            self.data[(panel * rows + row) * PANEL..][..chunk.len()].copy_from_slice(chunk);
        }
    }
}

#[cfg(test)]
mod tests;
