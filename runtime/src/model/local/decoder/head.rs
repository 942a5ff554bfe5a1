//! Logits of final hidden rows, and log-probabilities of a few words without keeping all logits.

use rayon::prelude::*;

use super::{
    super::kernel::{
        Panels,
        simd::PANEL,
        vector,
        weights::{Weights, WriteMode},
    },
    Decoder,
};

/// The output weights of a few words.
#[derive(Clone, Debug)]
pub(crate) struct WordWeights(Weights);

impl Decoder {
    /// The output weights of some words of the vocabulary.
    pub(crate) fn few(&self, words: &[u32]) -> WordWeights {
        WordWeights(self.head.pick(words))
    }

    /// The logits of all words, row by row.
    pub(crate) fn logits(&self, rows: &Panels) -> Vec<Vec<f32>> {
        let mut out = Panels::zeros(rows.rows(), self.words());
        self.head.apply(self.isa, rows, WriteMode::Set, &mut out);
        (0..rows.rows()).into_par_iter().map(|row| out.row(row, self.words())).collect()
    }

    /// The logits of a few words, row by row; the same bits as in [`Self::logits`].
    pub(crate) fn few_logits(&self, rows: &Panels, few: &WordWeights) -> Vec<Vec<f32>> {
        let mut out = Panels::zeros(rows.rows(), few.0.outputs());
        few.0.apply(self.isa, rows, WriteMode::Set, &mut out);
        (0..rows.rows()).map(|row| out.row(row, few.0.outputs())).collect()
    }

    /// For every row, the natural logarithm of the sum of the exponentials of all logits. A logit minus this is a
    /// log-probability.
    pub(crate) fn log_sums(&self, rows: &Panels) -> Vec<f64> {
        if rows.rows() == 0 {
            return vec![];
        }
        let input = self.head.input(self.isa, rows);
        let panels = self.words().div_ceil(PANEL);
        // Logits are used while they are in the cache, panel by panel; the parts are then summed in order.
        let mut parts = vec![(0.0, 0.0); panels * rows.rows()];
        parts.par_chunks_mut(rows.rows()).enumerate().for_each_init(
            || vec![0.0; rows.panel_len()],
            |logits, (panel, parts)| {
                self.head.panel(&input, panel, WriteMode::Set, logits);
                let words = PANEL.min(self.words() - panel * PANEL);
                let (rows, _) = logits.as_chunks_mut::<PANEL>();
                self.isa.run(
                    #[inline(always)]
                    || {
                        for (part, row) in parts.iter_mut().zip(rows) {
                            row[words..].fill(f32::NEG_INFINITY);
                            *part = vector::log_sum_parts(row);
                        }
                    },
                );
            },
        );
        let of_row = |row: usize| parts.iter().copied().skip(row).step_by(rows.rows()).collect::<Vec<_>>();
        (0..rows.rows()).map(|row| vector::log_sum(&of_row(row))).collect()
    }
}
