//! `proofmark model list|pull|bench`: embedded models.

mod bench;

use clap::{Args, Subcommand};
use proofmark_runtime::model::local::{
    pull::{self, Places},
    registry::{self, ModelName},
};
use serde_json::json;

use super::{Common, Failure, download, say, screen};
use crate::{exit::Exit, models, task::DEFAULT_MODEL};

/// List, fetch and measure embedded models.
#[derive(Debug, Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the embedded models and where their files are
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Fetch a model file once and verify it
    Pull {
        /// local/NAME, or hf:ORG/REPOSITORY:FILE.gguf
        #[arg(default_value = DEFAULT_MODEL)]
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Measure the speed of an embedded model on this machine
    Bench(bench::Bench),
}

impl Model {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.action {
            Action::List { common } => list(&common),
            Action::Pull { name, common } => pull(&name, &common),
            Action::Bench(bench) => bench.run(),
        }
    }
}

fn list(common: &Common) -> Result<Exit, Failure> {
    let places = Places::from_env();
    let mut models = Vec::new();
    for entry in registry::ALL {
        let found = pull::find(&ModelName::Known(entry), &places).map_err(models::EmbeddedError::from)?;
        models.push((entry, found.map(|file| file.path)));
    }
    if common.json {
        let entry = |(entry, path): &(&registry::Entry, Option<std::path::PathBuf>)| {
            json!({
                "name": entry.name(), "about": entry.about, "license": entry.license, "bytes": entry.bytes,
                "sha256": entry.sha256, "path": path,
            })
        };
        return screen::document(&json!({"models": models.iter().map(entry).collect::<Vec<_>>()}));
    }
    for (entry, path) in models {
        let state = match path {
            Some(path) => format!("here: {}", path.display()),
            None => "not fetched yet: `proofmark model pull` or the first run does".into(),
        };
        let size = entry.bytes / 1_000_000;
        screen::line(&format!(
            "{}  {size} MB, {}\n  {}\n  {state}",
            entry.name(),
            entry.license,
            entry.about
        ))?;
    }
    say("Any llama-family GGUF file works too: local:/path/to/model.gguf, or hf:ORG/REPOSITORY:FILE.gguf.");
    Ok(Exit::Ok)
}

fn pull(name: &str, common: &Common) -> Result<Exit, Failure> {
    let download = download::Download::new(common);
    let file = models::fetch(name, &|progress| download.tell(progress))?;
    drop(download);
    if common.json {
        return screen::document(&json!({"name": name, "path": file.path, "sha256": file.sha256}));
    }
    screen::line(&file.path.display().to_string())?;
    Ok(Exit::Ok)
}
