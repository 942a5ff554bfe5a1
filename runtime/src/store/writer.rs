//! The writer: one thread that owns the only long-lived writing connection.
//!
//! **Invariant:** a write is acknowledged after its commit is on disk. Writes are committed in the order in which they were
//! sent. All writes that arrive during one commit go into the next (group commit), so a caller waits for at most two
//! commits.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, Sender, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::oneshot;

use super::{error::StoreError, file, now};

/// The largest number of rows of one commit, and of writes that may wait before senders block.
const GROUP: usize = 256;

/// An answered call as it is stored.
pub(super) struct CallRow {
    pub(super) key: [u8; 32],
    pub(super) model: String,
    pub(super) fingerprint: String,
    pub(super) request: String,
    pub(super) reply: String,
    /// Input, cached and output tokens.
    pub(super) tokens: [i64; 3],
    pub(super) latency_ms: i64,
}

/// The channel for the reply on record: `None` if it is the one that was sent.
pub(super) type Stored = oneshot::Sender<Result<Option<String>, StoreError>>;

pub(super) enum Write {
    Call(Box<CallRow>, Stored),
    Event { run: String, json: String },
    Flush(Sender<Result<(), StoreError>>),
}

/// Starts the thread, which ends when the sender is dropped.
pub(super) fn start(
    path: PathBuf,
    connection: Connection,
) -> std::io::Result<(SyncSender<Write>, JoinHandle<()>)> {
    let (sender, receiver) = sync_channel(GROUP);
    let work = move || StoreWriter { path, connection, lost: None }.work(&receiver);
    Ok((sender, thread::Builder::new().name("proofmark-store".into()).spawn(work)?))
}

struct StoreWriter {
    path: PathBuf,
    connection: Connection,
    /// The first event that could not be written since the last flush.
    lost: Option<StoreError>,
}

impl StoreWriter {
    fn work(mut self, receiver: &Receiver<Write>) {
        while let Ok(first) = receiver.recv() {
            let group: Vec<Write> =
                std::iter::once(first).chain(receiver.try_iter().take(GROUP - 1)).collect();
            let result = self.commit(&group).map_err(|error| StoreError::from_sqlite(&self.path, &error));
            self.acknowledge(group, result);
        }
    }

    /// Commits a group and returns the reply that was on record before, for each write.
    fn commit(&mut self, group: &[Write]) -> rusqlite::Result<Vec<Option<String>>> {
        let transaction = file::immediate(&mut self.connection)?;
        let earlier = group.iter().map(|write| apply(&transaction, write)).collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(earlier)
    }

    fn acknowledge(&mut self, group: Vec<Write>, result: Result<Vec<Option<String>>, StoreError>) {
        let mut earlier = result.as_ref().map(|earlier| earlier.iter().cloned()).map_err(Clone::clone);
        for write in group {
            let outcome = earlier.as_mut().map(|it| it.next().flatten()).map_err(|error| error.clone());
            // A caller without a receiver was cancelled; its write is stored all the same.
            match write {
                Write::Call(_, stored) => drop(stored.send(outcome)),
                Write::Event { .. } => self.lost = self.lost.take().or(outcome.err()),
                Write::Flush(done) => drop(done.send(self.lost.take().map_or(Ok(()), Err))),
            }
        }
    }
}

fn apply(transaction: &Transaction<'_>, write: &Write) -> rusqlite::Result<Option<String>> {
    match write {
        Write::Call(row, _) => insert_call(transaction, row),
        Write::Event { run, json } => {
            let sql = "INSERT INTO event (run, seq, at, json) \
                       VALUES (?1, (SELECT coalesce(max(seq) + 1, 0) FROM event WHERE run = ?1), ?2, ?3)";
            transaction.prepare_cached(sql)?.execute(params![run, now(), json])?;
            Ok(None)
        }
        Write::Flush(_) => Ok(None),
    }
}

/// Stores a call. If its key has a reply already, that one stays and is returned.
fn insert_call(transaction: &Transaction<'_>, row: &CallRow) -> rusqlite::Result<Option<String>> {
    let sql = "INSERT INTO call (key, model, fingerprint, request, reply, \
               input_tokens, cached_tokens, output_tokens, latency_ms, at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING";
    let [input, cached, output] = row.tokens;
    let key = row.key.as_slice();
    let latency = row.latency_ms;
    let inserted = transaction.prepare_cached(sql)?.execute(params![
        key,
        row.model,
        row.fingerprint,
        row.request,
        row.reply,
        input,
        cached,
        output,
        latency,
        now()
    ])?;
    if inserted > 0 {
        return Ok(None);
    }
    transaction
        .prepare_cached("SELECT reply FROM call WHERE key = ?")?
        .query_row([key], |row| row.get(0))
        .optional()
}
