//! The command line: one file per command. Human text goes to stderr, results to stdout.
//!
//! **Invariant:** a command returns an [`Exit`] or a [`Failure`]; nothing here calls `exit` or panics, and with `--json`
//! stdout holds exactly one JSON document.

mod approve;
mod artifacts;
mod attack;
mod check;
mod compare;
mod compile;
mod completions;
mod download;
mod eval;
mod failure;
mod gate;
mod init;
#[cfg(feature = "local")]
mod model;
mod outcome;
mod progress;
mod run;
mod runs;
mod screen;
mod sensitivity;
mod session;
mod show;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use failure::Failure;
use progress::say;

use crate::exit::Exit;

/// Compiles prompt programs and lets nothing overfit through.
#[derive(Debug, Parser)]
#[command(name = "proofmark", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search, judge on sealed rows, emit the compiled prompt
    Compile(compile::Compile),
    /// Compare optimizers at equal budget on rows that none of them saw
    Compare(compare::Compare),
    /// Check a task without a call: types, data, splits, what gain could be detected, what it would cost
    Check(check::Check),
    /// Show how rows are attacked, and audit whether their right answers stay
    Attack(attack::Attack),
    /// Score an artifact on a data file
    Eval(eval::Eval),
    /// Run an artifact on one record or on JSON lines
    Run(run::Run),
    /// Show the exact messages of an artifact
    Show(show::Show),
    /// Ask again what was recorded with the stamp: has the model changed, and for the worse?
    Verify(verify::Verify),
    /// Change the prompt in ways that should not matter, and see what becomes of its score
    Sensitivity(sensitivity::Sensitivity),
    /// Approve a prompt that was compiled with --require-approval
    Approve(approve::Approve),
    /// Judge candidates against a baseline: artifacts, prompt files or score tables
    Gate(gate::Gate),
    /// List, fetch and measure embedded models
    #[cfg(feature = "local")]
    Model(model::Model),
    /// Write a new task to start from
    Init(init::Init),
    /// List the runs of a task
    Runs(runs::Runs),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// Flags that several commands share.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// A task: its folder or its task.toml.
#[derive(Clone, Debug, Args)]
pub(crate) struct TaskArg {
    /// Folder with a task.toml, or the file itself
    #[arg(value_name = "TASK")]
    pub(crate) task: PathBuf,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for a person.
    pub fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Compile(command) => command.run(),
            Command::Compare(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Attack(command) => command.run(),
            Command::Eval(command) => command.run(),
            Command::Run(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Sensitivity(command) => command.run(),
            Command::Approve(command) => command.run(),
            Command::Gate(command) => command.run(),
            #[cfg(feature = "local")]
            Command::Model(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::Runs(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
}
