//! The gate's ledger on the call store, so that looks at sealed rows are counted across runs and processes, and rows are
//! known again in another set.

use proofmark_runtime::{
    Digest,
    store::{self, Store},
};

use crate::gate::{Holdout, Ledger, LedgerError, Look, ledger::Price};

/// A ledger in the call store.
pub struct StoredLedger<'a> {
    store: &'a Store,
    run: &'a str,
}

impl<'a> StoredLedger<'a> {
    /// The ledger that a run asks with.
    pub fn new(store: &'a Store, run: &'a str) -> Self {
        Self { store, run }
    }
}

impl Ledger for StoredLedger<'_> {
    fn looks(&self, holdout: &Holdout) -> Result<Vec<Look>, LedgerError> {
        let looks = self.store.looks(&stored(holdout)).map_err(broken)?;
        Ok(looks.into_iter().map(look).collect())
    }

    fn take(&mut self, holdout: &Holdout, question: Digest, price: Price<'_>) -> Result<Look, LedgerError> {
        let priced = |before: &[store::Look]| {
            let before: Vec<_> = before.iter().cloned().map(look).collect();
            price(&before)
        };
        self.store.take_look(&stored(holdout), question, self.run, priced).map(look).map_err(broken)
    }

    fn answer(&mut self, holdout: &Holdout, question: Digest, accepted: bool) -> Result<(), LedgerError> {
        let first = self.store.answer_look(&holdout.fingerprint, &question, accepted).map_err(broken)?;
        let name = |bit| if bit { "accepted" } else { "not accepted" };
        if first != accepted {
            return Err(LedgerError::Contradicted { before: name(first), now: name(accepted) });
        }
        Ok(())
    }

    fn unseal(&mut self, holdout: &Holdout, question: Digest) -> Result<(), LedgerError> {
        self.store.unseal_look(&holdout.fingerprint, &question).map_err(broken)
    }
}

/// The same rows, as the store knows them.
fn stored(holdout: &Holdout) -> store::Holdout {
    store::Holdout { fingerprint: holdout.fingerprint, rows: holdout.rows.clone() }
}

fn look(look: store::Look) -> Look {
    Look {
        t: look.t,
        question: look.question,
        alpha: look.alpha,
        accepted: look.accepted,
        unsealed: look.unsealed,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn broken(error: store::StoreError) -> LedgerError {
    LedgerError::Broken { problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proofmark_runtime::digest;

    use super::*;
    use crate::gate::ledger::{next_price, price};

    fn holdout(rows: std::ops::Range<u32>) -> Holdout {
        let rows: BTreeSet<_> = rows.map(|row| digest(&row)).collect();
        Holdout { fingerprint: digest(&rows), rows }
    }

    fn ask(ledger: &mut StoredLedger<'_>, rows: &Holdout, question: &str, accepted: bool) -> Look {
        let look = ledger.take(rows, digest(question), &|before| next_price(0.05, before)).unwrap();
        ledger.answer(rows, digest(question), accepted).unwrap();
        look
    }

    /// The ledger that everybody uses, across processes: the count survives closing, is shared by sets that share a row,
    /// and what was unsealed stays so.
    #[test]
    fn acceptance_5_the_stored_ledger_keeps_its_count_and_its_marks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        let (rows, overlapping) = (holdout(0..100), holdout(90..150));
        {
            let store = Store::open(&path).unwrap();
            let mut ledger = StoredLedger::new(&store, "first");
            let first = ask(&mut ledger, &rows, "a", false);
            assert_eq!((first.t, first.alpha.to_bits()), (1, 0.05_f64.to_bits()));
            assert_eq!(ask(&mut ledger, &rows, "a", false).t, 1, "the same question is the same look");
            assert!(matches!(ledger.answer(&rows, digest("a"), true), Err(LedgerError::Contradicted { .. })));
        }
        let store = Store::open(&path).unwrap();
        let mut ledger = StoredLedger::new(&store, "second");
        let second = ask(&mut ledger, &overlapping, "b", true);
        assert_eq!(second.t, 2, "ten rows are the same");
        assert!((second.alpha - 0.10 / 6.0).abs() < 1e-12, "{}", second.alpha);
        let third = ask(&mut ledger, &overlapping, "c", false);
        assert!((third.alpha - price(0.05, 3, 1)).abs() < 1e-12, "an accept is paid for");
        assert_eq!(ask(&mut ledger, &holdout(500..600), "d", false).t, 1, "other rows are fresh");

        ledger.unseal(&overlapping, digest("c")).unwrap();
        assert!(ledger.unseal(&overlapping, digest("never asked")).is_err());
        let marks = |rows: &Holdout| ledger.looks(rows).unwrap().iter().any(|look| look.unsealed);
        assert!(marks(&overlapping));
        assert!(!marks(&holdout(500..600)));
    }
}
