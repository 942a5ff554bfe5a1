//! The audit in a page: written here, decided in a browser, and read back from what the page exports.

use std::{collections::BTreeMap, path::Path};

use proofmark_runtime::Digest;
use serde::Deserialize;

use super::super::Failure;
use crate::{
    attack::audit::Case,
    exit::Exit,
    report::{self, audit::AuditPage},
    task::Task,
};

/// What the page exports.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    /// The name of the task, for people.
    #[serde(rename = "task")]
    _task: String,
    decisions: BTreeMap<Digest, Decision>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Keep,
    Drop,
}

/// Writes the page, with what was decided already.
pub(super) fn write(
    path: &Path,
    task: &Task,
    sample: &[&Case],
    said: &BTreeMap<Digest, bool>,
) -> Result<(), Failure> {
    let html = report::audit(&AuditPage::new(&task.name, sample, said))
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    std::fs::write(path, html).map_err(|error| Failure::unwritable(path, &error))
}

/// Reads what was decided; true to keep.
pub(super) fn read(path: &Path, known: &BTreeMap<Digest, &Case>) -> Result<BTreeMap<Digest, bool>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let Decisions { decisions, .. } = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Invalid, format!("{} holds no audit: {error}", path.display()))
            .hint("name the file that the page of `attack --html` exports")
    })?;
    let strangers = decisions.keys().filter(|item| !known.contains_key(*item)).count();
    if strangers > 0 {
        let message = format!(
            "{strangers} of {} decisions in {} are about variants that this task does not have",
            decisions.len(),
            path.display()
        );
        return Err(Failure::new(Exit::Invalid, message).hint(
            "rows, families or seed have changed since the page was written: write it anew with --html, nothing was recorded",
        ));
    }
    Ok(decisions.into_iter().map(|(item, decision)| (item, decision == Decision::Keep)).collect())
}
