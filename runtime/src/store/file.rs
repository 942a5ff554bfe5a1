//! Opening the file: connections, settings, format version.
//!
//! **Invariant:** a file of another program or of a newer version stays as it is, byte for byte.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::{PATIENCE, StoreError};

/// The application id in SQLite's header of a store: "PrMk".
const APPLICATION: i64 = 0x5072_4d6b;

/// Step `i` takes a file from format `i` to format `i + 1`.
const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("audit.sql")];

/// The format that this version writes.
#[expect(clippy::cast_possible_wrap, reason = "a handful of steps")]
const FORMAT: i64 = STEPS.len() as i64;

/// The pause between two tries to switch to the write-ahead log.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens the file for writing. Makes it if there is none, and upgrades an older format.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| StoreError::Unopened { path: path.to_owned(), problem: error.to_string() })?;
    }
    let mut connection = writer(path)?;
    let failed = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
    let found = format(path, &connection)?;
    if found < FORMAT {
        let mode = write_ahead(&connection).map_err(failed)?;
        if mode != "wal" {
            let problem = format!("it must allow SQLite's write-ahead log, but stays in mode `{mode}`");
            return Err(StoreError::Unopened { path: path.to_owned(), problem });
        }
        let upgrade = immediate(&mut connection).map_err(failed)?;
        // Another process may have upgraded the file meanwhile.
        let found = format(path, &upgrade)?;
        migrate(&upgrade, found).map_err(failed)?;
        upgrade.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Switches to the write-ahead log and returns the mode that the file is then in.
///
/// SQLite does not wait for other processes here as it does elsewhere, so this function does.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    let switch = || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    let busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        match switch() {
            Err(error) if busy(&error) => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
    switch()
}

/// A connection that writes an existing file.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    connect(path, flags)
}

/// A connection that only reads an existing file.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A transaction that holds the write lock from its start, so that nothing it reads changes before it commits.
pub(super) fn immediate(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // A commit returns only after the operating system reported that it is on disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_sqlite(path, &error))
}

/// The format of the file, 0 if it is empty.
fn format(path: &Path, connection: &Connection) -> Result<i64, StoreError> {
    // One statement sees one state of the file, even while another process upgrades it.
    let header = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    );
    match header.map_err(|error| StoreError::from_sqlite(path, &error))? {
        (0, 0, 0) => Ok(0),
        (APPLICATION, found @ 1..=FORMAT, _) => Ok(found),
        (APPLICATION, found, _) => Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT }),
        _ => Err(StoreError::Foreign { path: path.to_owned() }),
    }
}

fn migrate(upgrade: &Transaction<'_>, found: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(found).unwrap_or(0);
    STEPS.iter().skip(done).try_for_each(|step| upgrade.execute_batch(step))?;
    upgrade.pragma_update(None, "application_id", APPLICATION)?;
    upgrade.pragma_update(None, "user_version", FORMAT)
}
