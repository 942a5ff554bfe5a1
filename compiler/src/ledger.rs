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
pub(crate) fn stored(holdout: &Holdout) -> store::Holdout {
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
