//! The development commands of the repository. CONTRIBUTING.md explains them.

mod house;
mod recipes;
mod source;

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
};

const USAGE: &str = "usage: cargo xtask COMMAND

  check [CRATE]          compile everything, tests and benches too, without linking
  test CRATE [FILTER]    run the tests of one crate, or those whose names contain FILTER
  lint                   formatting and clippy, as CI runs them
  bless [FILTER]         write the snapshots and the task schema anew; look at `git diff` afterwards
  house [--write|--check]  measure the source and print the table of CONTRIBUTING.md; write it there; or fail
                         where the table is old or a limit is passed
  recipes                follow the recipes of CONTRIBUTING.md in a copy of the repository, and try them there";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // The manifest's folder is known when this is built, and the repository is around it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Err(error) = env::set_current_dir(&root) {
        eprintln!("failed to enter {}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    let done = match arguments.as_slice() {
        ["check"] => cargo(&["check", "--workspace", "--all-targets", "--all-features"]),
        ["check", krate] => cargo(&["check", "-p", krate, "--all-targets", "--all-features"]),
        ["test", krate, filter @ ..] => {
            cargo(&[&["test", "-p", krate, "--all-features", "--"], filter].concat())
        }
        ["lint"] => {
            cargo(&["fmt", "--all", "--", "--check"])
                && cargo(&[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--all-features",
                    "--",
                    "-D",
                    "warnings",
                ])
        }
        ["bless", filter @ ..] => {
            // Both snapshots and the schema are written by the tests that compare them.
            cargo_with(
                &[&["test", "-p", "proofmark", "--all-features", "--"], filter].concat(),
                &[("INSTA_UPDATE", "always"), ("PROOFMARK_BLESS", "1")],
            )
        }
        ["house", options @ ..] => house::run(options),
        ["recipes"] => recipes::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cargo(arguments: &[&str]) -> bool {
    cargo_with(arguments, &[])
}

/// Runs cargo and returns whether it succeeded.
fn cargo_with(arguments: &[&str], environment: &[(&str, &str)]) -> bool {
    eprintln!("cargo {}", arguments.join(" "));
    match Command::new("cargo").args(arguments).envs(environment.iter().copied()).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("failed to run cargo: {error}");
            false
        }
    }
}
