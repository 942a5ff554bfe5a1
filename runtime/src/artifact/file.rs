//! The file of an artifact, formats 1 and 2. They differ only in the certificate of an accepted stamp: format 2 names the
//! baseline.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Ancestor, Approval, Artifact, ArtifactError, Cost, FORMAT, ModulePrompt, Parts, Split};
use crate::{
    candidate::Candidate,
    digest::{Digest, digest},
    model::{Identity, Sampling},
    program::Program,
};

/// The fields in the order of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    tool: String,
    name: String,
    /// The hash of everything else.
    digest: Option<Digest>,
    /// A [`Stamp`](crate::stamp::Stamp), read after the digest was checked: reading one compares it with its certificate.
    stamp: Json,
    model: Identity,
    sampling: Sampling,
    prompts: Vec<ModulePrompt>,
    program: Program,
    candidate: Candidate,
    lineage: Vec<Ancestor>,
    data: Vec<Split>,
    cost: Cost,
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edits: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
}

/// The field that every version has.
#[derive(Deserialize)]
struct Version {
    format: Option<u64>,
}

pub(super) fn to_json(artifact: &Artifact) -> String {
    let Artifact { parts, model, prompts, stamp, tool, format } = artifact.clone();
    let Parts { name, program, candidate, sampling, data, lineage, cost, seed, edits, recorded, approval } =
        parts;
    let mut file = File {
        format,
        tool,
        name,
        digest: None,
        stamp: serde_json::to_value(stamp).unwrap_or_default(),
        model,
        sampling,
        prompts,
        program,
        candidate,
        lineage,
        data,
        cost,
        seed,
        edits,
        recorded,
        approval,
    };
    file.digest = Some(digest(&file));
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn parse(text: &str) -> Result<Artifact, ArtifactError> {
    let syntax = |error| ArtifactError::Syntax { error };
    match serde_json::from_str::<Version>(text).map_err(syntax)?.format {
        Some(1..=FORMAT) => {}
        Some(found) => return Err(ArtifactError::Newer { found }),
        None => return Err(ArtifactError::NoFormat),
    }
    let mut file: File = serde_json::from_str(text).map_err(syntax)?;
    let stated = file.digest.take();
    if stated != Some(digest(&file)) {
        return Err(ArtifactError::Altered);
    }
    let stamp = serde_json::from_value(file.stamp).map_err(|error| ArtifactError::BadStamp { error })?;
    let File { format, tool, name, model, sampling, prompts, program, candidate, .. } = file;
    let File { lineage, data, cost, seed, edits, recorded, approval, .. } = file;
    let parts =
        Parts { name, program, candidate, sampling, data, lineage, cost, seed, edits, recorded, approval };
    Ok(Artifact { parts, model, prompts, stamp, tool, format })
}
