//! `proofmark model bench`: how fast an embedded model is on this machine, at what prompt search asks of it.
//!
//! **Invariant:** the text is made here from fixed words, so two machines measure the same tokens. Every measurement
//! begins with text that no earlier one used: nothing is there from before.

mod job;
mod measure;

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Args;
use proofmark_runtime::model::{
    CallError,
    local::{LocalModel, pull::ModelFile},
};
use serde_json::{Value as Json, json};

use self::{job::Job, measure::Measured};
use crate::{
    cli::{Common, Failure, artifacts, opening, screen},
    exit::Exit,
    models::{self, ModelError},
    task::DEFAULT_MODEL,
};

/// Candidates whose prompts share parts, in one measurement each.
const CANDIDATES: [usize; 3] = [1, 10, 100];

/// Measure the speed of an embedded model on this machine
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// local/NAME, local:PATH.gguf, or hf:ORG/REPOSITORY:FILE.gguf
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,
    /// Measure only this routing job: JSON with `labels`, `items` and `variants` (docs/engine.md)
    #[arg(long, value_name = "FILE")]
    job: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Bench {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let job = self.job.as_deref().map(Job::read).transpose()?;
        let download = opening::Download::new(&self.common);
        let file = models::fetch(&self.model, &|progress| download.tell(progress))?;
        drop(download);
        let runtime = artifacts::runtime()?;
        let start = Instant::now();
        let model = Arc::new(LocalModel::open(&self.model, &file).map_err(ModelError::from)?);
        let mut found = json!({
            "model": self.model, "sha256": file.sha256, "load_seconds": start.elapsed().as_secs_f64(),
        });
        let measured = runtime.block_on(async {
            match &job {
                Some(job) => Ok(json!({ "routing": routing(&model, job).await? })),
                None => everything(&model).await,
            }
        });
        let measured = measured.map_err(|error| Failure::new(Exit::Provider, error.to_string()))?;
        for (name, value) in measured.as_object().into_iter().flatten() {
            found[name] = value.clone();
        }
        found["resident_bytes"] = resident("VmRSS:").into();
        found["peak_bytes"] = resident("VmHWM:").into();
        if self.common.json { screen::document(&found) } else { table(&file, &found) }
    }
}

async fn everything(model: &Arc<LocalModel>) -> Result<Json, CallError> {
    let prefill = measure::prefill(model).await?;
    let decode = measure::decode(model).await?;
    let mut candidates = vec![];
    for count in CANDIDATES {
        let measured = measure::candidates(model, count).await?;
        candidates.push(json!({
            "candidates": count, "calls": measured.calls, "prompt_tokens": measured.prompt_tokens,
            "computed_tokens": measured.computed, "saved": measured.saved(), "seconds": measured.seconds,
            "seconds_per_candidate": measured.seconds / count as f64,
        }));
    }
    Ok(json!({
        "routing": routing(model, &Job::generated()).await?,
        "prefill": speed(prefill.prompt_tokens, &prefill),
        "decode": speed(decode.output_tokens, &decode),
        "candidates": candidates,
    }))
}

fn speed(tokens: u64, measured: &Measured) -> Json {
    json!({ "tokens": tokens, "seconds": measured.seconds, "tokens_per_second": tokens as f64 / measured.seconds })
}

async fn routing(model: &Arc<LocalModel>, job: &Job) -> Result<Json, CallError> {
    let mut all = vec![];
    for variant in &job.variants {
        let (measured, right) = measure::routing(model, job, variant).await?;
        all.push(json!({
            "name": variant.name, "rows": measured.calls, "seconds": measured.seconds,
            "rows_per_second": measured.calls as f64 / measured.seconds,
            "accuracy": right as f64 / measured.calls as f64, "prompt_tokens": measured.prompt_tokens,
            "computed_tokens": measured.computed, "saved": measured.saved(),
        }));
    }
    Ok(all.into())
}

/// A figure that Linux keeps of this process, in bytes; none elsewhere.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn table(file: &ModelFile, found: &Json) -> Result<Exit, Failure> {
    let number = |value: &Json, name: &str| value[name].as_f64().unwrap_or(0.0);
    screen::line(&format!("{}, loaded in {:.2} s", file.path.display(), number(found, "load_seconds")))?;
    for name in ["prefill", "decode"] {
        if let Some(speed) = found.get(name) {
            screen::line(&format!("{name}  {:.0} tokens/s", number(speed, "tokens_per_second")))?;
        }
    }
    for variant in found["routing"].as_array().into_iter().flatten() {
        screen::line(&format!(
            "routing {}  {:.1} rows/s ({} rows in {:.2} s, {} of the prompt's tokens saved)",
            variant["name"].as_str().unwrap_or_default(),
            number(variant, "rows_per_second"),
            variant["rows"],
            number(variant, "seconds"),
            screen::percent(number(variant, "saved")),
        ))?;
    }
    for row in found["candidates"].as_array().into_iter().flatten() {
        screen::line(&format!(
            "{} candidates  {} prompt tokens, {} computed, {:.2} s each",
            row["candidates"],
            row["prompt_tokens"],
            row["computed_tokens"],
            number(row, "seconds_per_candidate"),
        ))?;
    }
    if let (Some(now), Some(most)) = (found["resident_bytes"].as_u64(), found["peak_bytes"].as_u64()) {
        screen::line(&format!("memory  {} MB, at most {} MB", now / 1_000_000, most / 1_000_000))?;
    }
    Ok(Exit::Ok)
}
