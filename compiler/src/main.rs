//! The `proofmark` binary.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use proofmark::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let stderr = std::io::stderr();
            let colour =
                stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            // A closed stderr is no reason for another error.
            let _ = stderr.lock().write_all(failure.render(colour).as_bytes());
            failure.exit().into()
        }
    }
}
