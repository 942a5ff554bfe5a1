//! The ledger: every look at sealed rows, in order.
//!
//! **Invariant:** looks at one holdout are numbered 1, 2, 3, ... without a gap, across processes. Asking the same question
//! again is the same look: it gives the same bit, so it costs nothing. A look without an answer (a killed run) still
//! counts. What a look may cost is the gate's business.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, now};
use crate::digest::Digest;

/// A look that is about to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLook {
    /// The content hash of the sealed rows.
    pub holdout: Digest,
    /// The hash of everything that decides the answer: baseline, candidates in order, model, policy.
    pub question: Digest,
    /// The run that asks.
    pub run: String,
}

/// A look on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its number among the looks at these rows, from 1.
    pub t: u32,
    /// What was asked.
    pub question: Digest,
    /// The run that asked first.
    pub run: String,
    /// The level it was granted, 0..=1.
    pub alpha: f64,
    /// The bit that left the gate, if it answered.
    pub accepted: Option<bool>,
    /// Whether details were shown, after which the rows support no further claim.
    pub unsealed: bool,
    /// When it was taken, in milliseconds since 1970 UTC.
    pub at: i64,
}

impl Store {
    /// All looks at these rows, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn looks(&self, holdout: &Digest) -> Result<Vec<Look>, StoreError> {
        self.read(|connection| looks(connection, holdout))
    }

    /// Takes the next look, or finds the one that asked the same question. `price` is told the looks before it and says
    /// which level the new one gets; no other process can take a look in between.
    ///
    /// # Errors
    /// [`StoreError`]; a level outside 0..=1 is one.
    pub fn take_look(&self, new: &NewLook, price: impl FnOnce(&[Look]) -> f64) -> Result<Look, StoreError> {
        self.change(|transaction| {
            let before = looks(transaction, &new.holdout)?;
            if let Some(same) = before.iter().find(|look| look.question == new.question) {
                return Ok(same.clone());
            }
            let look = Look {
                t: before.last().map_or(1, |last| last.t + 1),
                question: new.question,
                run: new.run.clone(),
                alpha: price(&before),
                accepted: None,
                unsealed: false,
                at: now(),
            };
            let sql = "INSERT INTO look (holdout, t, question, run, alpha, accepted, unsealed, at) \
                       VALUES (?, ?, ?, ?, ?, NULL, 0, ?)";
            let (holdout, question) = (new.holdout.as_bytes().as_slice(), new.question.as_bytes().as_slice());
            transaction.execute(sql, params![holdout, look.t, question, look.run, look.alpha, look.at])?;
            Ok(look)
        })
    }

    /// Records the one bit that leaves the gate. The first answer stays.
    ///
    /// # Errors
    /// [`StoreError`]; a look that was never taken, or was answered otherwise, is one.
    pub fn answer_look(&self, holdout: &Digest, t: u32, accepted: bool) -> Result<(), StoreError> {
        let on_record = self.change(|transaction| {
            let holdout = holdout.as_bytes().as_slice();
            let sql = "UPDATE look SET accepted = ? WHERE holdout = ? AND t = ? AND accepted IS NULL";
            transaction.execute(sql, params![accepted, holdout, t])?;
            let sql = "SELECT accepted FROM look WHERE holdout = ? AND t = ?";
            transaction.query_row(sql, params![holdout, t], |row| row.get::<_, bool>(0)).optional()
        })?;
        match on_record {
            Some(bit) if bit == accepted => Ok(()),
            Some(_) => Err(self.failed(format!("look {t} was answered otherwise before"))),
            None => Err(self.failed(format!("look {t} was never taken"))),
        }
    }

    /// Records that details of a look were shown.
    ///
    /// # Errors
    /// [`StoreError`]; a look that was never taken is one.
    pub fn unseal_look(&self, holdout: &Digest, t: u32) -> Result<(), StoreError> {
        let marked = self.change(|transaction| {
            let sql = "UPDATE look SET unsealed = 1 WHERE holdout = ? AND t = ?";
            transaction.execute(sql, params![holdout.as_bytes().as_slice(), t])
        })?;
        if marked == 1 { Ok(()) } else { Err(self.failed(format!("look {t} was never taken"))) }
    }
}

fn looks(connection: &Connection, holdout: &Digest) -> rusqlite::Result<Vec<Look>> {
    let sql = "SELECT t, question, run, alpha, accepted, unsealed, at FROM look WHERE holdout = ? ORDER BY t";
    connection.prepare_cached(sql)?.query_map([holdout.as_bytes().as_slice()], read_look)?.collect()
}

fn read_look(row: &Row<'_>) -> rusqlite::Result<Look> {
    Ok(Look {
        t: row.get("t")?,
        question: row.get::<_, [u8; 32]>("question")?.into(),
        run: row.get("run")?,
        alpha: row.get("alpha")?,
        accepted: row.get("accepted")?,
        unsealed: row.get("unsealed")?,
        at: row.get("at")?,
    })
}
