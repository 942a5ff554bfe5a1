//! Tokens: what a row costs with the old prompt and with the new one, and when a run has paid for itself.
//!
//! **Invariant:** both means are over the same sealed rows, so they differ by the prompts alone: they are the gate's.

use crate::{
    engine::Spent,
    gate::{Certificate, RowTokens},
};

/// Tokens per row, prompt and reply together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// With the old prompt.
    pub old: f64,
    /// With the accepted one.
    pub new: f64,
    /// What the run took, the gate included.
    pub spent: u64,
}

impl Tokens {
    /// On the rows that an accepted candidate was judged on; none if the model does not count.
    pub(super) fn of(certificate: &Certificate, spent: Spent) -> Option<Self> {
        let RowTokens { baseline, finalist, .. } = certificate.look()?.tokens?;
        Some(Self { old: baseline, new: finalist, spent: spent.usage.input + spent.usage.output })
    }

    /// The share that the new prompt saves; below 0 if it takes more.
    pub fn saved(&self) -> f64 {
        1.0 - self.new / self.old
    }

    /// Rows after which the run has paid for itself (SAMMO's break-even: Schnabel and Neville 2024, arXiv:2404.02319);
    /// never if the new prompt takes more.
    pub fn break_even(&self) -> Option<u64> {
        let each = self.old - self.new;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of tokens"
        )]
        let rows = (self.spent as f64 / each).ceil() as u64;
        (each > 0.0).then_some(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_per_row_pays_for_the_run() {
        let tokens = Tokens { old: 400.0, new: 150.0, spent: 100_001 };
        assert!((tokens.saved() - 0.625).abs() < 1e-12);
        assert_eq!(tokens.break_even(), Some(401));
        assert_eq!(Tokens { new: 400.0, ..tokens }.break_even(), None);
    }
}
