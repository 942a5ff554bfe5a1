//! How two prompts differ on rows: as an earlier run of the task measured it, or as is usual.

use std::fs;

use proofmark_runtime::{Artifact, Stamp};
use serde::{Deserialize, Serialize};

use crate::{
    gate::planning::{ASSUMED_DISCORDANCE, ASSUMED_ICC},
    workplace::Workplace,
};

/// How two prompts differ on rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Variation {
    /// The share of rows on which exactly one of them is right.
    pub(super) discordance: f64,
    /// How the differences of one row's variants correlate.
    pub(super) icc: f64,
    /// Whether that was measured.
    pub(super) measured: bool,
}

/// What is needed of a certificate.
#[derive(Deserialize)]
struct Measured {
    discordance: f64,
    intraclass: Option<f64>,
}

impl Variation {
    /// What the accepted run of a task with the most sealed rows measured; else what is usual.
    pub(super) fn of(place: &Workplace) -> Self {
        let folders = fs::read_dir(place.runs()).into_iter().flatten().flatten();
        let mut files: Vec<_> = folders.map(|folder| folder.path().join("artifact.json")).collect();
        files.sort();
        let accepted = files.iter().filter_map(|path| match Artifact::read(path).ok()?.stamp() {
            Stamp::Accepted(accepted) => Some((accepted.units(), accepted.certificate().clone())),
            _ => None,
        });
        let largest = accepted.max_by_key(|(seeds, _)| *seeds);
        let measured = largest.and_then(|(_, json)| serde_json::from_value::<Measured>(json).ok());
        let usual = Self { discordance: ASSUMED_DISCORDANCE, icc: ASSUMED_ICC, measured: false };
        // Prompts that never differ leave nothing to plan with.
        measured.filter(|found| found.discordance > 0.0).map_or(usual, |found| Self {
            discordance: found.discordance,
            icc: found.intraclass.unwrap_or(ASSUMED_ICC).max(0.0),
            measured: true,
        })
    }

    /// As people read it.
    pub(super) fn told(self) -> String {
        let source = if self.measured { "measured before" } else { "assumed" };
        format!("{source}: the two differ on {:.1} % of rows", 100.0 * self.discordance)
    }
}
