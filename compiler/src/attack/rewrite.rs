//! Families whose variants a language model writes: paraphrase, style, translation, code-switch, contrast rows. Class G2.
//!
//! Writing is a command of its own (`attack TASK --rewrite`) and not part of loading data, because it costs calls and needs a
//! model. Its result is a file that is read like data. So loading stays offline and free, a run depends on the file and
//! not on a provider, and users can read the rewritings.
//!
//! `ways` holds the instructions to the writer, `guard` the rules that need no model, `vote` the questions to the verifier.
//! `job` puts them together, with `draft` for one rewriting, `rows` for the rows and `service` for the calls. `file` is read when
//! rows are perturbed; `config` reads `[rewriter]`.
//!
//! **Invariant:** a rewriting becomes a variant only if its row is unchanged, all votes accepted it, and the rules hold
//! now. No rewriting is selected by the answers of a prompt under test.

mod config;
mod draft;
mod file;
mod guard;
mod job;
mod rows;
mod service;
#[cfg(test)]
mod tests;
mod vote;
mod ways;

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

pub use self::{
    config::RewriterConfig,
    file::{DropReason, RewriteLine, Rewritings, RewritingsError},
    guard::Fault,
    ways::{ALL, Rewriting, find, names},
};
pub(crate) use self::{
    config::{REWRITER, read},
    job::{RewriteError, RewriteJob, RewriteOutcome},
    rows::RewritableRows,
    service::{RewriteModel, RewriteService, RunBatch},
};
pub(super) use guard::check;
use proofmark_runtime::Example;

/// Writes the lines of a job into the file. It keeps the lines of other rows and families in `old`, and removes those that
/// belong to no row of the task. Returns the number of removed lines.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn save(
    job: &RewriteJob<'_>,
    old: Option<Rewritings>,
    lines: Vec<RewriteLine>,
) -> io::Result<usize> {
    let file = &job.config.file;
    let mut all = old.unwrap_or_default();
    let rows: BTreeSet<_> = job.rows.rows.iter().map(Example::content).collect();
    let removed = all.retain(&rows);
    all.put(lines);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(std::path::Path::new(".")))?;
    new.write_all(all.text()?.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(removed)
}
