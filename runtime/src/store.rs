//! The store: one SQLite file with every answered call, every run and every look at sealed rows.
//! Its tables are a public contract: `store/schema.sql`, `store/audit.sql`.
//!
//! **Invariant:** everything acknowledged is on disk, so a process that is killed at any moment loses nothing that was
//! used. Several processes may share one file. A run resumes by replay; there is no other checkpoint.
//!
//! Here: opening, reading and writing calls. [`run`](NewRun): runs and journals. [`ledger`](Look): looks.
//! `audit`: a person's verdicts on perturbed rows. [`Cached`]: the layer that puts a store in front of a model.

mod audit;
mod cached;
mod error;
mod file;
mod flight;
mod ledger;
mod run;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, channel},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

pub use cached::Cached;
pub use error::StoreError;
pub use ledger::{Holdout, Look};
pub use run::{NewRun, Run, RunState};

use crate::{
    digest::{Digest, canonical_json},
    model::{Abilities, CallError, Identity, Reply, Request},
};
use flight::Flights;
use writer::{CallRow, Write};

/// An open store. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Store(Arc<OpenStore>);

struct OpenStore {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    writer: Option<(SyncSender<Write>, JoinHandle<()>)>,
    flights: Flights,
}

/// An answered call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The model that answered.
    pub identity: Identity,
    /// The request.
    pub request: Request,
    /// The reply.
    pub reply: Reply,
    /// The time from sending to the whole reply, retries included.
    pub latency: Duration,
}

/// A model with calls on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its identity.
    pub identity: Identity,
    /// The abilities that its recorded calls used.
    pub used: Abilities,
}

impl Store {
    /// Opens the file, and makes it and its folder if there is none.
    ///
    /// # Errors
    /// [`StoreError`]: damaged, locked, newer, of another program, not writable. The file then stays as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let connection = file::open(&path)?;
        let writer = writer::start(path.clone(), connection)
            .map_err(|error| StoreError::Unopened { path: path.clone(), problem: error.to_string() })?;
        let readers = Mutex::default();
        let flights = Flights::default();
        Ok(Self(Arc::new(OpenStore { path, readers, writer: Some(writer), flights })))
    }

    /// The reply on record for a key made by [`Request::key`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn get(&self, key: &Digest) -> Result<Option<Reply>, StoreError> {
        let text: Option<String> = self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT reply FROM call WHERE key = ?")?;
            query.query_row([key.as_bytes().as_slice()], |row| row.get(0)).optional()
        })?;
        text.map(|text| self.parse(&text)).transpose()
    }

    /// Stores a call and returns the reply on record: this one, or an earlier one for the same key. The future is ready
    /// when the call is on disk. The call is stored even if the future is dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put(&self, call: Call) -> impl Future<Output = Result<Reply, StoreError>> + Send + use<> {
        let (sender, stored) = oneshot::channel();
        self.send(Write::Call(Box::new(CallRow::from(&call)), sender));
        let store = self.clone();
        async move {
            match stored.await.map_err(|_| store.closed())?? {
                None => Ok(call.reply),
                Some(earlier) => store.parse(&earlier),
            }
        }
    }

    /// Waits until everything sent before is on disk.
    ///
    /// # Errors
    /// The error of the first event since the last flush that could not be written. Failed calls are reported by
    /// [`Store::put`].
    pub fn flush(&self) -> Result<(), StoreError> {
        let (sender, done) = channel();
        self.send(Write::Flush(sender));
        done.recv().unwrap_or_else(|_| Err(self.closed()))
    }

    /// The number of calls on record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn calls(&self) -> Result<u64, StoreError> {
        let count =
            |connection: &Connection| connection.query_row("SELECT count(*) FROM call", [], |row| row.get(0));
        self.read(count).map(i64::unsigned_abs)
    }

    /// Every model with a call on record, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recorded(&self) -> Result<Vec<Recorded>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT model, fingerprint, max(reply ->> '$.choice_logprob' IS NOT NULL), \
                       max(request -> '$.shape.schema' IS NOT NULL) \
                       FROM call GROUP BY model, fingerprint ORDER BY model, fingerprint";
            let recorded = |row: &rusqlite::Row<'_>| {
                let identity = Identity { name: row.get(0)?, fingerprint: row.get(1)? };
                let used = Abilities { scores_choices: row.get(2)?, enforces_schema: row.get(3)? };
                Ok(Recorded { identity, used })
            };
            connection.prepare(sql)?.query_map([], recorded)?.collect()
        })
    }

    fn flights(&self) -> &Flights {
        &self.0.flights
    }

    /// Sends to the writer. If its thread has ended, the dropped channel reports that to the caller who waits.
    fn send(&self, write: Write) {
        if let Some((sender, _)) = &self.0.writer {
            drop(sender.send(write));
        }
    }

    /// Reads with a connection of its own, kept for the next reader.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.0.readers().pop();
        let connection = idle.map_or_else(|| file::reader(&self.0.path), Ok)?;
        let value = read(&connection).map_err(|error| self.sqlite(&error))?;
        self.0.readers().push(connection);
        Ok(value)
    }

    /// Makes a rare change at once, in a transaction of its own.
    fn change<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = file::writer(&self.0.path)?;
        let commit = || {
            let transaction = file::immediate(&mut connection)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        commit().map_err(|error| self.sqlite(&error))
    }

    fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text)
            .map_err(|error| StoreError::Damaged { path: self.0.path.clone(), problem: error.to_string() })
    }

    fn sqlite(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.0.path, error)
    }

    fn failed(&self, problem: String) -> StoreError {
        StoreError::Failed { path: self.0.path.clone(), problem }
    }

    fn closed(&self) -> StoreError {
        self.failed("its writer has ended".into())
    }
}

impl OpenStore {
    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStore {
    /// Readers close first: the last connection folds the write-ahead log into the file, and a reader cannot write.
    fn drop(&mut self) {
        self.readers().clear();
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            drop(thread.join());
        }
    }
}

impl From<&Call> for CallRow {
    fn from(call: &Call) -> Self {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let usage = call.reply.usage;
        Self {
            key: *call.request.key(&call.identity).as_bytes(),
            model: call.identity.name.clone(),
            fingerprint: call.identity.fingerprint.clone(),
            request: canonical_json(&call.request),
            reply: canonical_json(&call.reply),
            tokens: [whole(usage.input), whole(usage.cached), whole(usage.output)],
            latency_ms: i64::try_from(call.latency.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::StoreFailed { message: error.to_string() }
    }
}

/// Milliseconds since 1970 UTC, for readers of the file. No result depends on it.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
