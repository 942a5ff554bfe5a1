//! Runs and their journals.
//!
//! **Invariant:** a journal holds one attempt. A run that begins again empties it, because replay writes the same events.

use rusqlite::{Row, params, types::Type};

use super::{Store, StoreError, now, writer::Write};
use crate::digest::Digest;

/// The identity of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its name, which is also the name of its folder.
    pub id: String,
    /// The name of the task.
    pub task: String,
    /// The command line, for display.
    pub command: String,
    /// The random seed of all its streams.
    pub seed: u64,
    /// The hash of everything that decides its results.
    pub config: Digest,
}

/// A run on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its identity.
    pub about: NewRun,
    /// Its state.
    pub state: RunState,
    /// Its end in one line; empty while it runs.
    pub summary: String,
    /// The time when it began, in milliseconds since 1970 UTC.
    pub started: i64,
    /// The time when it ended.
    pub ended: Option<i64>,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It is running, or was killed.
    Running,
    /// It finished.
    Done,
    /// It stopped with an error.
    Failed,
    /// The user stopped it.
    Interrupted,
}

impl Store {
    /// Records that a run begins, or begins again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_run(&self, run: &NewRun) -> Result<(), StoreError> {
        self.change(|transaction| {
            transaction.execute("DELETE FROM event WHERE run = ?", [&run.id])?;
            let sql = "INSERT INTO run (id, task, command, seed, config, state, summary, started, ended) \
                       VALUES (?, ?, ?, ?, ?, 'running', '', ?, NULL) \
                       ON CONFLICT (id) DO UPDATE SET task = excluded.task, command = excluded.command, \
                       seed = excluded.seed, config = excluded.config, state = 'running', summary = '', ended = NULL";
            let seed = run.seed.to_string();
            let config = run.config.as_bytes().as_slice();
            transaction.execute(sql, params![run.id, run.task, run.command, seed, config, now()]).map(drop)
        })
    }

    /// Records that a run ended, after everything in its journal is on disk.
    ///
    /// # Errors
    /// [`StoreError`], also for an event of the journal that could not be written.
    pub fn end_run(&self, id: &str, state: RunState, summary: &str) -> Result<(), StoreError> {
        self.flush()?;
        self.change(|transaction| {
            let sql = "UPDATE run SET state = ?, summary = ?, ended = ? WHERE id = ?";
            transaction.execute(sql, params![state.name(), summary, now(), id]).map(drop)
        })
    }

    /// All runs, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT id, task, command, seed, config, state, summary, started, ended \
                       FROM run ORDER BY started DESC, id";
            connection.prepare_cached(sql)?.query_map([], read_run)?.collect()
        })
    }

    /// Adds an event to the journal of a run without waiting for the disk. [`Store::flush`] reports whether it was written.
    pub fn note(&self, run: &str, event: &serde_json::Value) {
        self.send(Write::Event { run: run.to_owned(), json: event.to_string() });
    }

    /// The journal of a run, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn journal(&self, run: &str) -> Result<Vec<serde_json::Value>, StoreError> {
        let texts: Vec<String> = self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT json FROM event WHERE run = ? ORDER BY seq")?;
            query.query_map([run], |row| row.get(0))?.collect()
        })?;
        texts.iter().map(|text| self.parse(text)).collect()
    }
}

impl RunState {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Interrupted];

    /// The word used in the file and in `proofmark runs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let seed: String = row.get("seed")?;
    let state: String = row.get("state")?;
    let unreadable = |column, text: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unexpected `{text}`").into())
    };
    Ok(Run {
        about: NewRun {
            id: row.get("id")?,
            task: row.get("task")?,
            command: row.get("command")?,
            seed: seed.parse().map_err(|_| unreadable(3, &seed))?,
            config: row.get::<_, [u8; 32]>("config")?.into(),
        },
        state: RunState::ALL
            .into_iter()
            .find(|known| known.name() == state)
            .ok_or_else(|| unreadable(5, &state))?,
        summary: row.get("summary")?,
        started: row.get("started")?,
        ended: row.get("ended")?,
    })
}
