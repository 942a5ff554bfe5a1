//! Where a task keeps its state: `.proofmark/` beside the task file.
//!
//! `calls.db` is the call store with journal and ledger; `runs/<id>/` holds what a run made.

use std::path::{Path, PathBuf};

/// The state folder of a task.
#[derive(Clone, Debug)]
pub struct Workplace {
    folder: PathBuf,
}

impl Workplace {
    /// The state folder of a task folder or task file.
    pub fn of(task: &Path) -> Self {
        let folder = if task.is_dir() { task } else { task.parent().unwrap_or(Path::new(".")) };
        Self { folder: folder.join(".proofmark") }
    }

    /// The call store.
    pub fn calls(&self) -> PathBuf {
        self.folder.join("calls.db")
    }

    /// The folders of all runs.
    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// The folder of a run.
    pub fn run(&self, id: &str) -> PathBuf {
        self.runs().join(id)
    }
}
