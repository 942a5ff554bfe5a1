//! `proofmark approve ARTIFACT --by NAME`: puts on record that somebody approves a prompt.

use std::path::PathBuf;

use clap::Args;
use proofmark_runtime::artifact::Approval;

use super::{Common, Failure, artifacts, say};
use crate::exit::Exit;

/// Approve a prompt that was compiled with --require-approval.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The artifact file
    artifact: PathBuf,
    /// Who approves it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What is to be remembered about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    common: Common,
}

impl Approve {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let artifact = artifacts::read(&self.artifact)?;
        match &artifact.parts().approval {
            Some(Approval::Pending) if !self.by.trim().is_empty() => {}
            Some(Approval::Pending) => return Err(Failure::new(Exit::Usage, "an approval needs a name")),
            Some(Approval::Given { by, .. }) => {
                return Err(Failure::new(Exit::Usage, format!("{by} has approved it already")));
            }
            None => return Err(Failure::new(Exit::Usage, "this prompt needs no approval")),
        }
        let given = Approval::Given { by: self.by.trim().to_owned(), note: self.note };
        artifact.with_approval(Some(given)).write(&self.artifact)?;
        if !self.common.quiet {
            say(&format!("approved by {}", self.by.trim()));
        }
        Ok(Exit::Ok)
    }
}
