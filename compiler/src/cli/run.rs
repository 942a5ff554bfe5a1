//! `proofmark run ARTIFACT`: one record or JSON lines, in and out.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use clap::Args;
use proofmark_runtime::{
    Record, Type, Value,
    artifact::Artifact,
    run::{Run as Ran, RunError},
};
use serde_json::json;

use super::{
    Common, Failure, artifacts, say, screen,
    session::{ArtifactSession, OtherModel, is_of_provider},
};
use crate::exit::Exit;

/// Run an artifact on one record or on JSON lines.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The artifact file
    artifact: PathBuf,
    /// One record: `field=value` for each input. Without any, JSON lines are read
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// JSON lines to read instead of stdin
    #[arg(long, short)]
    input: Option<PathBuf>,
    #[command(flatten)]
    other: OtherModel,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let artifact = artifacts::read(&self.artifact)?;
        if artifact.is_pending() {
            let message = format!("{} waits for an approval", self.artifact.display());
            let approve =
                format!("`{} approve {} --by NAME` gives it", screen::program(), self.artifact.display());
            return Err(Failure::new(Exit::Invalid, message).hint(approve));
        }
        let records = if self.fields.is_empty() { self.lines()? } else { vec![self.record(&artifact)?] };
        let session = ArtifactSession::open(&artifact, &self.other, &self.common)?;
        let results = session.run_each(records)?;
        self.print(&results)
    }

    fn print(&self, results: &[Result<Ran, RunError>]) -> Result<Exit, Failure> {
        let mut failed = 0;
        let documents: Vec<_> = results
            .iter()
            .map(|result| match result {
                Ok(run) => json!({"outputs": run.outputs.to_json()}),
                Err(error) => {
                    failed += 1;
                    json!({"error": error.to_string()})
                }
            })
            .collect();
        if self.common.json {
            screen::document(&json!({"results": documents, "failures": failed}))?;
        } else {
            documents.iter().try_for_each(|document| screen::line(&document.to_string()))?;
        }
        if failed > 0 && !self.common.quiet {
            say(&format!("{failed} of {} records gave no outputs; their lines say why", results.len()));
        }
        let mut errors = results.iter().filter_map(|result| result.as_ref().err());
        let provider = errors.any(is_of_provider);
        Ok(if provider {
            Exit::Provider
        } else if failed > 0 {
            Exit::Invalid
        } else {
            Exit::Ok
        })
    }

    fn record(&self, artifact: &Artifact) -> Result<Record, Failure> {
        let inputs = artifact.parts().program.inputs();
        let mut record = Record::new();
        for pair in &self.fields {
            let usage = |message: String| {
                let names: Vec<_> = inputs.iter().map(|field| format!("{}=...", field.name)).collect();
                Failure::new(Exit::Usage, message).hint(format!("this artifact takes {}", names.join(" ")))
            };
            let (name, text) = pair
                .split_once('=')
                .ok_or_else(|| usage(format!("`{pair}` is not of the form FIELD=VALUE")))?;
            let field = inputs.iter().find(|field| field.name == name);
            let field = field.ok_or_else(|| usage(format!("there is no input `{name}`")))?;
            record.insert(name, parse(text, &field.ty));
        }
        Ok(record)
    }

    fn lines(&self) -> Result<Vec<Record>, Failure> {
        let (name, reader): (String, Box<dyn Read>) = match &self.input {
            None => ("stdin".into(), Box::new(std::io::stdin())),
            Some(path) => {
                let file = std::fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
                (path.display().to_string(), Box::new(file))
            }
        };
        let mut records = Vec::new();
        for (index, line) in BufReader::new(reader).lines().enumerate() {
            let broken = |problem: String| {
                Failure::new(Exit::Invalid, format!("{name}:{}: {problem}", index + 1))
                    .hint("every line must be one JSON object with the artifact's inputs")
            };
            let line = line.map_err(|error| broken(error.to_string()))?;
            if !line.trim().is_empty() {
                records.push(serde_json::from_str(&line).map_err(|error| broken(error.to_string()))?);
            }
        }
        Ok(records)
    }
}

/// The value of a command-line text: text and choices as they are, everything else as JSON.
fn parse(text: &str, ty: &Type) -> Value {
    match ty {
        Type::Text | Type::Choice(_) => Value::from(text),
        Type::Optional(inner) => parse(text, inner),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}
