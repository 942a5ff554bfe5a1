//! Opening the file: connections, settings, format version.
//!
//! **Invariant:** a file that is not ours, or newer than us, is left byte for byte as it was.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::error::{PATIENCE, StoreError};

/// Marks a file as ours in SQLite's header: "PrMk".
const APPLICATION: i64 = 0x5072_4d6b;

/// Step `i` takes a file from format `i` to format `i + 1`.
const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("audit.sql")];

/// The format that this version writes.
#[expect(clippy::cast_possible_wrap, reason = "a handful of steps")]
const FORMAT: i64 = STEPS.len() as i64;

/// Between two tries to switch to the write-ahead log.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens the file for writing; makes it, or brings it to the current format, if need be.
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
        // Another process may have been faster.
        let found = format(path, &upgrade)?;
        migrate(&upgrade, found).map_err(failed)?;
        upgrade.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Asks for the write-ahead log and says which mode the file is in then.
///
/// SQLite does not wait for others here as it does everywhere else, so this does.
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

/// A transaction that holds the write lock from its start, so that what it reads stays true until it commits.
pub(super) fn immediate(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // A commit returns only when the operating system says that it is on disk.
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_sqlite(path, &error))
}

/// The format of the file, 0 if it is empty.
fn format(path: &Path, connection: &Connection) -> Result<i64, StoreError> {
    // One statement sees one state of the file, even while another process brings it up to date.
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
