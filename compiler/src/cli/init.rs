//! `proofmark init FOLDER`: a small task that checks, to start from.

use std::{fs, path::PathBuf};

use clap::Args;

use super::{Failure, progress::say, screen};
use crate::exit::Exit;

const TASK: &str = include_str!("init/task.toml");
const ROWS: &str = include_str!("init/rows.jsonl");

/// Write a new task to start from.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder; made if it does not exist
    folder: PathBuf,
}

impl Init {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        fs::create_dir_all(&self.folder).map_err(|error| Failure::file(&self.folder, &error))?;
        for (name, text) in [("task.toml", TASK), ("rows.jsonl", ROWS)] {
            let path = self.folder.join(name);
            let file = fs::File::create_new(&path);
            let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
            written.map_err(|error| {
                Failure::file(&path, &error).hint("init never overwrites a file: name an empty folder")
            })?;
        }
        let folder = self.folder.display();
        say(&format!("Wrote {folder}/task.toml and {folder}/rows.jsonl."));
        say("Replace the rows with your own (200 or more make a claim possible), then:");
        let program = screen::program();
        say(&format!("  {program} check {folder}"));
        say(&format!("  {program} compile {folder}"));
        Ok(Exit::Ok)
    }
}
