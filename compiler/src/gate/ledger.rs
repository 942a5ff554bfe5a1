//! The ledger: how often these rows were asked before, and what the next look costs.
//!
//! One bit leaves the gate per look: accepted or not. As long as nothing was accepted, the t-th question does not depend on
//! the sealed rows at all, so plain alpha spending holds the error over all looks together. After B accepted looks the
//! history is one of C(t - 1, B) strings, and the union over them is paid for.
//!
//! **Invariant:** rows are known by content, so a renamed or reordered file, or a set that shares rows with an earlier one,
//! keeps its count. The same question is the same look and costs nothing. Rows whose details were shown support no claim
//! any more.

use proofmark_runtime::Digest;

use super::sealed::Holdout;

/// A look at sealed rows, on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its number among the looks at these rows, from 1.
    pub t: u32,
    /// The hash of everything that decides the answer.
    pub question: Digest,
    /// The level it was granted.
    pub alpha: f64,
    /// The bit that left the gate, if it answered.
    pub accepted: Option<bool>,
    /// Whether details were shown.
    pub unsealed: bool,
}

/// Why the ledger refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The record cannot be read or written.
    #[error("the ledger of looks at sealed rows failed: {problem}")]
    Broken {
        /// What happened.
        problem: String,
    },
    /// Asked again, the same question gave another answer.
    #[error(
        "this question was asked before and the answer was {before}, not {now}: the recorded measurements changed. \
         The first answer stands"
    )]
    Contradicted {
        /// The answer on record.
        before: &'static str,
        /// The answer now.
        now: &'static str,
    },
    /// No such look.
    #[error("this look at the sealed rows was never taken")]
    Unknown,
}

/// The level that a look gets, told the looks before it.
pub type Price<'a> = &'a dyn Fn(&[Look]) -> f64;

/// Who keeps the record. Looks are numbered without gaps, across processes.
pub trait Ledger {
    /// All earlier looks at sets that share a row with this one.
    ///
    /// # Errors
    /// If the record cannot be read.
    fn looks(&self, holdout: &Holdout) -> Result<Vec<Look>, LedgerError>;

    /// Takes the next look, or finds the one that asked the same question. A look counts from here on, answered or not.
    ///
    /// # Errors
    /// If the record cannot be written.
    fn take(&mut self, holdout: &Holdout, question: Digest, price: Price<'_>) -> Result<Look, LedgerError>;

    /// Records the bit. The first answer stays.
    ///
    /// # Errors
    /// If the look was never taken or was answered otherwise.
    fn answer(&mut self, holdout: &Holdout, question: Digest, accepted: bool) -> Result<(), LedgerError>;

    /// Records that details were shown: for ever.
    ///
    /// # Errors
    /// If the look was never taken.
    fn unseal(&mut self, holdout: &Holdout, question: Digest) -> Result<(), LedgerError>;
}

/// The level of the t-th look (t from 1) after `accepts` accepted ones, when fresh rows get `alpha`:
/// 2 alpha / (t (t + 1)) before the first accept, alpha 2^-B / (t (t + 1) C(t - 1, B)) after B. Summed over all looks
/// and histories: at most 3 alpha.
pub fn price(alpha: f64, t: u32, accepts: u32) -> f64 {
    let turns = f64::from(t) * (f64::from(t) + 1.0);
    if accepts == 0 {
        return 2.0 * alpha / turns;
    }
    // C(t - 1, B), built up so that nothing overflows.
    let histories = (0..accepts).map(|i| f64::from(t - 1 - i.min(t - 1)) / f64::from(i + 1)).product::<f64>();
    alpha * 0.5_f64.powi(accepts.cast_signed()) / (turns * histories.max(1.0))
}

/// A record in memory: for score tables that are judged once, and for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    looks: Vec<(Holdout, Look)>,
}

impl MemoryLedger {
    fn find(&mut self, holdout: &Holdout, question: Digest) -> Result<&mut Look, LedgerError> {
        let same = |(rows, look): &&mut (Holdout, Look)| {
            look.question == question && rows.fingerprint == holdout.fingerprint
        };
        let found = self.looks.iter_mut().find(same);
        found.map(|(_, look)| look).ok_or(LedgerError::Unknown)
    }
}

impl Ledger for MemoryLedger {
    fn looks(&self, holdout: &Holdout) -> Result<Vec<Look>, LedgerError> {
        let shares = |rows: &Holdout| !rows.rows.is_disjoint(&holdout.rows);
        Ok(self.looks.iter().filter(|(rows, _)| shares(rows)).map(|(_, look)| look.clone()).collect())
    }

    fn take(&mut self, holdout: &Holdout, question: Digest, price: Price<'_>) -> Result<Look, LedgerError> {
        if let Ok(same) = self.find(holdout, question) {
            return Ok(same.clone());
        }
        let before = self.looks(holdout)?;
        let t = u32::try_from(before.len()).unwrap_or(u32::MAX - 1) + 1;
        let look = Look { t, question, alpha: price(&before), accepted: None, unsealed: false };
        self.looks.push((holdout.clone(), look.clone()));
        Ok(look)
    }

    fn answer(&mut self, holdout: &Holdout, question: Digest, accepted: bool) -> Result<(), LedgerError> {
        let look = self.find(holdout, question)?;
        match look.accepted {
            Some(before) if before != accepted => {
                Err(LedgerError::Contradicted { before: word(before), now: word(accepted) })
            }
            _ => {
                look.accepted = Some(accepted);
                Ok(())
            }
        }
    }

    fn unseal(&mut self, holdout: &Holdout, question: Digest) -> Result<(), LedgerError> {
        self.find(holdout, question)?.unsealed = true;
        Ok(())
    }
}

fn word(accepted: bool) -> &'static str {
    if accepted { "accepted" } else { "not accepted" }
}
