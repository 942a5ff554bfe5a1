//! The audit on a terminal: one variant after the other, keep or drop. Every word is on disk before the next question, so it
//! can be stopped at any time.

use std::{
    collections::BTreeMap,
    io::{BufRead, stdin},
};

use proofmark_runtime::{Digest, store::Store};

use super::{super::Failure, marks, say};
use crate::{attack::audit::Case, exit::Exit};

/// Asks about everything that was not decided yet, until the person quits or the input ends.
pub(super) fn all(sample: &[&Case], store: &Store, holdout: &Digest) -> Result<(), Failure> {
    let said = store.audited()?;
    let done = sample.iter().filter(|case| said.contains_key(&case.item)).count();
    let open: Vec<_> = sample.iter().filter(|case| !said.contains_key(&case.item)).collect();
    if !open.is_empty() {
        say("Does the right answer of the row stay the right answer of what was made of it?");
        say(
            "k: keep, it stays.  d: drop, it changed or nobody could tell.  q: quit, and go on another time.",
        );
    }
    let mut lines = stdin().lock().lines();
    for (i, case) in open.into_iter().enumerate() {
        say("");
        say(&format!("{} of {}", done + i + 1, sample.len()));
        marks::lines(case).iter().for_each(|line| say(line));
        let Some(keep) = decision(&mut lines)? else { break };
        store.audit(&BTreeMap::from([(case.item, keep)]), holdout)?;
    }
    say("");
    Ok(())
}

/// True to keep, false to drop, nothing to quit.
fn decision(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Result<Option<bool>, Failure> {
    loop {
        let line = lines.next().transpose();
        let line = line.map_err(|error| Failure::new(Exit::Internal, format!("cannot read: {error}")))?;
        match line.as_deref().map(|line| line.trim().to_lowercase()).as_deref() {
            None | Some("q" | "quit") => return Ok(None),
            Some("k" | "keep") => return Ok(Some(true)),
            Some("d" | "drop") => return Ok(Some(false)),
            Some(_) => say("k, d or q?"),
        }
    }
}
