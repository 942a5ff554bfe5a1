//! The ledger: every look at sealed rows, in order.
//!
//! **Invariant:** looks at sets of rows that overlap are numbered 1, 2, 3, ... without a gap, across processes. The same
//! question about the same set is the same look: it gives the same bit, so it costs nothing. A look without an answer
//! (a killed run) still counts. The gate decides the price of a look.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Store, StoreError, now};
use crate::digest::Digest;

/// A set of sealed rows, identified by content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdout {
    /// The hash of the whole set.
    pub fingerprint: Digest,
    /// The hash of each row.
    pub rows: BTreeSet<Digest>,
}

/// A look at sealed rows, on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its number among the looks at sets that share a row, from 1.
    pub t: u32,
    /// The hash of everything that decides the answer: baseline, candidates in order, model, policy.
    pub question: Digest,
    /// The run that took the look first.
    pub run: String,
    /// The level it was granted, 0..=1.
    pub alpha: f64,
    /// The gate's answer, if there is one.
    pub accepted: Option<bool>,
    /// Whether details were shown. The rows then support no further claim.
    pub unsealed: bool,
    /// The time when it was taken, in milliseconds since 1970 UTC.
    pub at: i64,
}

impl Store {
    /// All looks at sets that share a row with this one, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn looks(&self, holdout: &Holdout) -> Result<Vec<Look>, StoreError> {
        self.read(|connection| looks(connection, holdout))
    }

    /// Takes the next look, or finds the one with the same question about this set. `price` gets the looks before it and
    /// returns the level of the new one. No other process can take a look in between.
    ///
    /// # Errors
    /// [`StoreError`]; a level outside 0..=1 is one.
    pub fn take_look(
        &self,
        holdout: &Holdout,
        question: Digest,
        run: &str,
        price: impl FnOnce(&[Look]) -> f64,
    ) -> Result<Look, StoreError> {
        self.change(|transaction| {
            if let Some(same) = find(transaction, &holdout.fingerprint, &question)? {
                return Ok(same);
            }
            let before = looks(transaction, holdout)?;
            let look = Look {
                t: u32::try_from(before.len()).unwrap_or(u32::MAX - 1) + 1,
                question,
                run: run.to_owned(),
                alpha: price(&before),
                accepted: None,
                unsealed: false,
                at: now(),
            };
            record(transaction, holdout, &look)?;
            Ok(look)
        })
    }

    /// Records the gate's answer and returns the answer on record: the first one stays.
    ///
    /// # Errors
    /// [`StoreError`]; a look that was never taken is one.
    pub fn answer_look(
        &self,
        fingerprint: &Digest,
        question: &Digest,
        accepted: bool,
    ) -> Result<bool, StoreError> {
        let on_record = self.change(|transaction| {
            let look = (blob(fingerprint), blob(question));
            let sql = "UPDATE look SET accepted = coalesce(accepted, ?) WHERE holdout = ? AND question = ? \
                       RETURNING accepted";
            transaction.query_row(sql, params![accepted, look.0, look.1], |row| row.get(0)).optional()
        })?;
        on_record.ok_or_else(|| self.never_taken())
    }

    /// Records that details of a look were shown. This cannot be undone.
    ///
    /// # Errors
    /// [`StoreError`]; a look that was never taken is one.
    pub fn unseal_look(&self, fingerprint: &Digest, question: &Digest) -> Result<(), StoreError> {
        let marked = self.change(|transaction| {
            let sql = "UPDATE look SET unsealed = 1 WHERE holdout = ? AND question = ?";
            transaction.execute(sql, params![blob(fingerprint), blob(question)])
        })?;
        if marked == 1 { Ok(()) } else { Err(self.never_taken()) }
    }

    fn never_taken(&self) -> StoreError {
        self.failed("this look at the sealed rows was never taken".to_owned())
    }
}

const COLUMNS: &str = "SELECT t, question, run, alpha, accepted, unsealed, at FROM look";

fn looks(connection: &Connection, holdout: &Holdout) -> rusqlite::Result<Vec<Look>> {
    let rows: Vec<_> = holdout.rows.iter().map(Digest::to_string).collect();
    let sql = format!(
        "{COLUMNS} WHERE holdout = ?1 OR holdout IN \
         (SELECT holdout FROM sealed WHERE row IN (SELECT unhex(value) FROM json_each(?2))) \
         ORDER BY t, at, question"
    );
    let parameters = params![blob(&holdout.fingerprint), serde_json::json!(rows).to_string()];
    connection.prepare_cached(&sql)?.query_map(parameters, read)?.collect()
}

fn find(connection: &Connection, fingerprint: &Digest, question: &Digest) -> rusqlite::Result<Option<Look>> {
    let sql = format!("{COLUMNS} WHERE holdout = ? AND question = ?");
    connection.query_row(&sql, params![blob(fingerprint), blob(question)], read).optional()
}

fn record(transaction: &Transaction<'_>, holdout: &Holdout, look: &Look) -> rusqlite::Result<()> {
    let Look { t, question, run, alpha, at, .. } = look;
    let fingerprint = blob(&holdout.fingerprint);
    let sql = "INSERT INTO look (holdout, question, t, run, alpha, accepted, unsealed, at) \
               VALUES (?, ?, ?, ?, ?, NULL, 0, ?)";
    transaction.execute(sql, params![fingerprint, blob(question), t, run, alpha, at])?;
    let sql = "INSERT INTO sealed (row, holdout) VALUES (?, ?) ON CONFLICT DO NOTHING";
    let mut insert = transaction.prepare_cached(sql)?;
    holdout.rows.iter().try_for_each(|row| insert.execute(params![blob(row), fingerprint]).map(drop))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Look> {
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

fn blob(digest: &Digest) -> &[u8] {
    digest.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of_bytes(text.as_bytes())
    }

    fn holdout(rows: &[&str]) -> Holdout {
        Holdout { fingerprint: digest(&rows.join(" ")), rows: rows.iter().map(|row| digest(row)).collect() }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("calls.db")).unwrap();
        (folder, store)
    }

    fn price(before: &[Look]) -> f64 {
        if before.is_empty() { 0.05 } else { 0.01 }
    }

    #[test]
    fn the_same_question_is_one_look_and_the_first_answer_stays() {
        let (_folder, store) = store();
        let rows = holdout(&["a", "b"]);
        let (one, two) = (digest("one"), digest("two"));
        let first = store.take_look(&rows, one, "r1", price).unwrap();
        let second = store.take_look(&rows, two, "r2", price).unwrap();
        assert_eq!((first.t, second.t), (1, 2));
        assert!(first.alpha > 0.04 && second.alpha < 0.02);
        assert!(!store.answer_look(&rows.fingerprint, &one, false).unwrap());
        assert!(!store.answer_look(&rows.fingerprint, &one, true).unwrap());
        store.unseal_look(&rows.fingerprint, &two).unwrap();

        let again = store.take_look(&rows, one, "r3", |_| panic!("a known question is free")).unwrap();
        assert_eq!(again, Look { accepted: Some(false), ..first });
        assert_eq!(store.looks(&rows).unwrap(), [again, Look { unsealed: true, ..second }]);

        store.answer_look(&rows.fingerprint, &digest("three"), true).unwrap_err();
        store.unseal_look(&rows.fingerprint, &digest("three")).unwrap_err();
        store.take_look(&rows, digest("three"), "r", |_| f64::NAN).unwrap_err();
        assert_eq!(store.looks(&rows).unwrap().len(), 2, "a refused look leaves no trace");
    }

    #[test]
    fn sets_that_share_a_row_share_their_count() {
        let (_folder, store) = store();
        let take = |rows: &[&str]| store.take_look(&holdout(rows), digest("q"), "r", price).unwrap().t;
        assert_eq!(take(&["a", "b"]), 1);
        assert_eq!(take(&["c", "d"]), 1);
        assert_eq!(take(&["b", "c"]), 3);
        assert_eq!(store.looks(&holdout(&["a"])).unwrap().len(), 1);
        assert_eq!(store.looks(&holdout(&["d", "x"])).unwrap().len(), 1);
        assert_eq!(store.looks(&holdout(&["b", "c"])).unwrap().len(), 3);
        assert_eq!(store.looks(&holdout(&["x"])).unwrap(), []);
    }

    #[test]
    fn two_processes_never_take_the_same_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        std::thread::scope(|scope| {
            for who in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let store = Store::open(path).unwrap();
                    for i in 0..25 {
                        let share = |before: &[Look]| 1.0 / f64::from(before.len() as u32 + 1);
                        store.take_look(&holdout(&["a"]), digest(&format!("{who} {i}")), "r", share).unwrap();
                    }
                });
            }
        });
        let looks = Store::open(&path).unwrap().looks(&holdout(&["a"])).unwrap();
        assert_eq!(looks.iter().map(|look| look.t).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
        assert!(looks.iter().all(|look| (look.alpha * f64::from(look.t) - 1.0).abs() < 1e-9));
    }
}
