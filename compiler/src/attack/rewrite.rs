//! Families whose variants a language model writes: paraphrase, style, translation, code-switch, contrast rows. Class G2.
//!
//! Writing is work of its own (`attack TASK --rewrite`), not part of loading data: it costs calls and needs a model, and what
//! it gives is a file that is read like data. So loading stays pure, offline and free; a run depends on what stands in the
//! file, not on whether a provider still answers as it did; and whoever likes can read what was written.
//!
//! `ways` says what the writer is told, `guard` what can be checked without asking, `vote` who vouches for a rewriting,
//! `author` puts it together, draft by `draft`, and `desk` asks; `file` is what is read when rows are perturbed.
//!
//! **Invariant:** a rewriting becomes a variant only if its row is unchanged since, all votes were for it, and the rules hold
//! now. None was picked by what a prompt that is judged answers (gate.md, section 5.4).

mod author;
mod desk;
mod draft;
mod file;
mod guard;
#[cfg(test)]
mod tests;
mod vote;
mod ways;

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

pub(crate) use self::{
    author::{AuthorError, Order, Written},
    desk::{Clerk, Desk},
};
pub use self::{
    file::{Dropped, Line, Rewritings, RewritingsError},
    guard::Fault,
    ways::{ALL, Rewriting, find, names},
};
pub(super) use guard::check;

use crate::{task::RewriterConfig, verify::record::content};

/// Puts what was written into the file, beside what it holds of other rows and families, and takes out what belongs to no row
/// any more; how many lines those were.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn save(order: &Order<'_>, old: Option<Rewritings>, lines: Vec<Line>) -> io::Result<usize> {
    let RewriterConfig { file, .. } = order.config;
    let mut all = old.unwrap_or_default();
    let rows: BTreeSet<_> = order.rows.rows.iter().map(content).collect();
    let gone = all.retain(&rows);
    all.put(lines);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(std::path::Path::new(".")))?;
    new.write_all(all.text()?.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(gone)
}
