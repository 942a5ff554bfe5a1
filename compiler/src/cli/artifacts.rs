//! Reading artifacts.

use std::path::Path;

use proofmark_runtime::artifact::{Artifact, ArtifactError};

use super::Failure;
use crate::exit::Exit;

/// Reads an artifact.
pub(crate) fn read(path: &Path) -> Result<Artifact, Failure> {
    Artifact::read(path).map_err(|error| match error {
        ArtifactError::Io { .. } => Failure::from(error),
        error => Failure::new(Exit::Invalid, format!("{}: {error}", path.display())),
    })
}
