//! The audit of perturbed rows: a person's verdict on each.
//!
//! **Invariant:** a verdict belongs to the content of row and variant, so it counts wherever they occur again.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Store, StoreError, now};
use crate::digest::Digest;

impl Store {
    /// The verdict on every audited row, by content: true where the right answer stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audited(&self) -> Result<BTreeMap<Digest, bool>, StoreError> {
        self.read(|connection| {
            let said = |row: &rusqlite::Row<'_>| Ok((row.get::<_, [u8; 32]>(0)?.into(), row.get(1)?));
            connection.prepare_cached("SELECT item, keep FROM audit")?.query_map([], said)?.collect()
        })
    }

    /// Records verdicts on perturbed rows of a task with these sealed rows. A later verdict replaces an earlier one.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is recorded.
    pub fn audit(&self, said: &BTreeMap<Digest, bool>, holdout: &Digest) -> Result<(), StoreError> {
        self.change(|transaction| {
            let sql = "INSERT INTO audit (item, keep, holdout, at) VALUES (?, ?, ?, ?) ON CONFLICT (item) DO UPDATE \
                       SET keep = excluded.keep, holdout = excluded.holdout, at = excluded.at";
            let mut insert = transaction.prepare_cached(sql)?;
            let holdout = holdout.as_bytes().as_slice();
            said.iter().try_for_each(|(item, keep)| {
                insert.execute(params![item.as_bytes().as_slice(), keep, holdout, now()]).map(drop)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_verdict_counts_and_survives_closing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        let [a, b, rows] = ["a", "b", "rows"].map(|text| Digest::of_bytes(text.as_bytes()));
        let store = Store::open(&path).unwrap();
        assert_eq!(store.audited().unwrap(), [].into());
        store.audit(&[(a, true), (b, true)].into(), &rows).unwrap();
        store.audit(&[(b, false)].into(), &rows).unwrap();
        drop(store);
        assert_eq!(Store::open(&path).unwrap().audited().unwrap(), [(a, true), (b, false)].into());
    }

    #[test]
    fn an_older_file_is_upgraded_with_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(include_str!("schema.sql")).unwrap();
        old.execute_batch("PRAGMA application_id = 0x50724d6b; PRAGMA user_version = 1;").unwrap();
        let run = "INSERT INTO run VALUES ('r', 'task', '', '1', zeroblob(32), 'done', 'kept', 1, 2)";
        old.execute(run, []).unwrap();
        drop(old);
        let store = Store::open(&path).unwrap();
        store.audit(&[(Digest::of_bytes(b"a"), true)].into(), &Digest::of_bytes(b"rows")).unwrap();
        assert_eq!((store.runs().unwrap()[0].summary.as_str(), store.audited().unwrap().len()), ("kept", 1));
    }
}
