//! Errors of a store file, each with the advice what to do.
//!
//! **Invariant:** no error path deletes, truncates or renames the user's file.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The reason why a store operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder cannot be opened or made.
    #[error("cannot open {}: {problem}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The file was written by a later version.
    #[error(
        "{} has format {found}, but this version of Proofmark reads up to {known}; use a newer Proofmark \
         or another folder",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest format that can be read.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is a database of another program; Proofmark will not touch it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged or no database.
    #[error(
        "{0} is damaged ({problem}); nothing was changed. To save what can be saved: sqlite3 {0} .recover. \
         To start afresh, move the file away. Its calls will then be made again, and the record of looks at sealed rows is \
         lost, so judge on fresh rows then",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// Another process keeps the file locked.
    #[error(
        "{} has been locked by another process for {seconds} s; wait for it to end, or stop it, and try again",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// The length of the wait.
        seconds: u64,
    },
    /// No space is left.
    #[error(
        "no space is left to write {}; make room and run the same command again, nothing is lost",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("{} cannot be written: {problem}", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
    /// Anything else that SQLite reports.
    #[error("{} failed: {problem}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
}

/// The time that a writer waits for another process.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

impl StoreError {
    pub(super) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let problem = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, problem },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path, seconds: PATIENCE.as_secs() }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path, problem },
            Some(ErrorCode::CannotOpen) => Self::Unopened { path, problem },
            _ => Self::Failed { path, problem },
        }
    }
}
