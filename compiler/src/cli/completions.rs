//! `proofmark completions SHELL`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure};
use crate::exit::Exit;

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        clap_complete::generate(self.shell, &mut Cli::command(), "proofmark", &mut std::io::stdout());
        Ok(Exit::Ok)
    }
}
