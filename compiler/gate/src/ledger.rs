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

/// The reason why the ledger refused.
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

/// The level of a look, from the looks before it.
pub type Price<'a> = &'a dyn Fn(&[Look]) -> f64;

/// The record of looks. They are numbered without gaps, across processes.
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

/// The level of the look after these, when fresh rows get `alpha`.
pub fn next_price(alpha: f64, before: &[Look]) -> f64 {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1);
    let accepts = before.iter().filter(|look| look.accepted == Some(true)).count();
    price(alpha, count(before.len()) + 1, count(accepts))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proofmark_runtime::digest;

    use super::*;

    fn holdout(rows: std::ops::Range<u32>) -> Holdout {
        let rows: BTreeSet<_> = rows.map(|row| digest(&row)).collect();
        Holdout { fingerprint: digest(&rows), rows }
    }

    fn ask(ledger: &mut MemoryLedger, rows: &Holdout, question: &str, accepted: bool) -> Look {
        let look = ledger.take(rows, digest(question), &|before| next_price(0.05, before)).unwrap();
        ledger.answer(rows, digest(question), accepted).unwrap();
        look
    }

    #[test]
    fn prices_follow_the_formula() {
        for (t, expected) in [(1, 0.05), (2, 0.016_667), (3, 0.008_333), (5, 0.003_333), (10, 0.000_909)] {
            assert!((price(0.05, t, 0) - expected).abs() < 1e-6);
        }
        // After one accept, look 3: .025 / (12 C(2, 1)).
        assert!((price(0.05, 3, 1) - 0.025 / 24.0).abs() < 1e-12);
        assert!((price(0.05, 5, 2) - 0.0125 / (30.0 * 6.0)).abs() < 1e-12);
    }

    /// Summed over every history of accepts, all looks together stay below three times the first price.
    #[test]
    fn all_looks_together_stay_within_their_error() {
        let mut total = 0.0;
        for t in 1..=400_u32 {
            for accepts in 0..t.min(40) {
                let histories: f64 = (0..accepts).map(|i| f64::from(t - 1 - i) / f64::from(i + 1)).product();
                total += histories * price(0.05, t, accepts);
            }
        }
        assert!(total < 0.15 && total > 0.10, "{total}");
    }

    #[test]
    fn prices_stay_positive_and_finite() {
        for (t, accepts) in [(1, 0), (1, 5), (100_000, 3), (u32::MAX, 0), (5000, 4999)] {
            let price = price(0.05, t, accepts);
            assert!(price.is_finite() && price >= 0.0, "{t} {accepts}: {price}");
        }
    }

    #[test]
    fn rows_that_were_part_of_another_set_keep_their_count() {
        let mut ledger = MemoryLedger::default();
        assert_eq!(ask(&mut ledger, &holdout(0..100), "a", false).t, 1);
        assert_eq!(ask(&mut ledger, &holdout(50..150), "b", false).t, 2);
        assert_eq!(ask(&mut ledger, &holdout(0..100), "c", false).t, 3);
        assert_eq!(ask(&mut ledger, &holdout(200..300), "d", false).t, 1);
    }

    #[test]
    fn the_same_question_is_the_same_look() {
        let mut ledger = MemoryLedger::default();
        let first = ask(&mut ledger, &holdout(0..9), "a", true);
        let again = ask(&mut ledger, &holdout(0..9), "a", true);
        assert_eq!((first.t, first.alpha.to_bits()), (again.t, again.alpha.to_bits()));
        let next = ask(&mut ledger, &holdout(0..9), "b", false);
        assert!((next.alpha - 0.025 / 6.0).abs() < 1e-12, "an accept was paid for: {}", next.alpha);
        assert!(matches!(
            ledger.answer(&holdout(0..9), digest("a"), false),
            Err(LedgerError::Contradicted { .. })
        ));
        assert_eq!(ledger.unseal(&holdout(0..9), digest("never asked")), Err(LedgerError::Unknown));
    }
}
