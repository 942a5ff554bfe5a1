//! The gate's ledger on the call store, so that looks at sealed rows are counted across runs and processes.

use proofmark_runtime::{
    Digest,
    store::{self, NewLook, Store},
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

    fn find(&self, holdout: &Holdout, question: Digest) -> Result<u32, LedgerError> {
        let looks = self.store.looks(&holdout.fingerprint).map_err(broken)?;
        looks.iter().find(|look| look.question == question).map(|look| look.t).ok_or(LedgerError::Unknown)
    }
}

impl Ledger for StoredLedger<'_> {
    fn looks(&self, holdout: &Holdout) -> Result<Vec<Look>, LedgerError> {
        let looks = self.store.looks(&holdout.fingerprint).map_err(broken)?;
        Ok(looks.into_iter().map(look).collect())
    }

    fn take(&mut self, holdout: &Holdout, question: Digest, price: Price<'_>) -> Result<Look, LedgerError> {
        let new = NewLook { holdout: holdout.fingerprint, question, run: self.run.to_owned() };
        let priced = |before: &[store::Look]| {
            let before: Vec<_> = before.iter().cloned().map(look).collect();
            price(&before)
        };
        self.store.take_look(&new, priced).map(look).map_err(broken)
    }

    fn answer(&mut self, holdout: &Holdout, question: Digest, accepted: bool) -> Result<(), LedgerError> {
        let t = self.find(holdout, question)?;
        let looks = self.store.looks(&holdout.fingerprint).map_err(broken)?;
        let before = looks.iter().find(|look| look.t == t).and_then(|look| look.accepted);
        let name = |bit| if bit { "accepted" } else { "not accepted" };
        match before {
            Some(bit) if bit != accepted => {
                Err(LedgerError::Contradicted { before: name(bit), now: name(accepted) })
            }
            _ => self.store.answer_look(&holdout.fingerprint, t, accepted).map_err(broken),
        }
    }

    fn unseal(&mut self, holdout: &Holdout, question: Digest) -> Result<(), LedgerError> {
        let t = self.find(holdout, question)?;
        self.store.unseal_look(&holdout.fingerprint, t).map_err(broken)
    }
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
