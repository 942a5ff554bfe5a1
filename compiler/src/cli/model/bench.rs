//! `proofmark model bench`: how fast an embedded model is on this machine, at what prompt search asks of it.
//!
//! **Invariant:** the text is made here from fixed words, so two machines measure the same tokens. Every measurement
//! begins with text that no earlier one used: nothing is there from before.

mod format;
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
    cli::{Common, Failure, download, screen, session},
    exit::Exit,
    models::{self, EmbeddedError},
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
    /// Measure only this job, a JSON file such as `--print-job` prints (docs/engine.md)
    #[arg(long, value_name = "FILE")]
    job: Option<PathBuf>,
    /// Print the job that is measured where none is given, and measure nothing
    #[arg(long, conflicts_with = "job")]
    print_job: bool,
    #[command(flatten)]
    common: Common,
}

impl Bench {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        if self.print_job {
            return screen::document(&json!(Job::generated()));
        }
        let job = self.job.as_deref().map(Job::read).transpose()?;
        let download = download::Download::new(&self.common);
        let file = models::fetch(&self.model, &|progress| download.tell(progress))?;
        drop(download);
        let runtime = session::threads()?;
        let start = Instant::now();
        let model = Arc::new(LocalModel::open(&self.model, &file).map_err(EmbeddedError::from)?);
        let mut found = json!({
            "model": self.model, "sha256": file.sha256, "load_seconds": start.elapsed().as_secs_f64(),
        });
        let measured = runtime.block_on(async {
            match &job {
                Some(job) => measured(&model, job).await,
                None => {
                    let mut found = measured(&model, &Job::generated()).await?;
                    found["candidates"] = candidates(&model).await?;
                    Ok(found)
                }
            }
        });
        let measured =
            measured.map_err(|error: CallError| Failure::new(Exit::Provider, error.to_string()))?;
        for (name, value) in measured.as_object().into_iter().flatten() {
            found[name] = value.clone();
        }
        found["resident_bytes"] = resident("VmRSS:").into();
        found["peak_bytes"] = resident("VmHWM:").into();
        if self.common.json { screen::document(&found) } else { table(&file, &found) }
    }
}

/// What a job asks for. The first part pays for what is done once: threads, pages, a table of kernels.
async fn measured(model: &Arc<LocalModel>, job: &Job) -> Result<Json, CallError> {
    let mut found = json!({});
    if !job.prefill.is_empty() {
        let measured = measure::prefill(model, &job.prefill).await?;
        found["prefill"] = speed(measured.prompt_tokens, &measured);
    }
    if !job.variants.is_empty() {
        found["routing"] = routing(model, job).await?;
    }
    if !job.texts.is_empty() {
        let (measured, texts) = measure::texts(model, &job.texts).await?;
        found["texts"] = speed(measured.output_tokens, &measured);
        found["texts"]["answers"] = texts.into();
    }
    if let Some(records) = &job.records {
        let (measured, texts) = measure::records(model, job, records).await?;
        found["records"] = rows(&measured);
        found["records"]["answers"] = texts.into();
    }
    Ok(found)
}

async fn candidates(model: &Arc<LocalModel>) -> Result<Json, CallError> {
    let mut all = vec![];
    for count in CANDIDATES {
        let measured = measure::candidates(model, count).await?;
        let mut found = rows(&measured);
        found["candidates"] = count.into();
        found["seconds_per_candidate"] = (measured.seconds / count as f64).into();
        all.push(found);
    }
    Ok(all.into())
}

async fn routing(model: &Arc<LocalModel>, job: &Job) -> Result<Json, CallError> {
    let mut all = vec![];
    for variant in &job.variants {
        let (measured, answers) = measure::routing(model, job, &variant.frame).await?;
        let right = answers.iter().zip(&job.items).filter(|(answer, item)| **answer == item.label).count();
        let mut found = rows(&measured);
        found["name"] = variant.name.as_str().into();
        found["right"] = right.into();
        found["answers"] = answers.into();
        all.push(found);
    }
    Ok(all.into())
}

fn speed(tokens: u64, measured: &Measured) -> Json {
    json!({ "tokens": tokens, "seconds": measured.seconds, "tokens_per_second": tokens as f64 / measured.seconds })
}

fn rows(measured: &Measured) -> Json {
    json!({
        "rows": measured.calls, "seconds": measured.seconds,
        "rows_per_second": measured.calls as f64 / measured.seconds,
        "prompt_tokens": measured.prompt_tokens, "computed_tokens": measured.computed, "saved": measured.saved(),
    })
}

/// A figure that Linux keeps of this process, in bytes; none elsewhere.
fn resident(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn table(file: &ModelFile, found: &Json) -> Result<Exit, Failure> {
    let number = |value: &Json, name: &str| value[name].as_f64().unwrap_or(0.0);
    let rate = |of: &Json| {
        let (rate, seconds) = (number(of, "rows_per_second"), number(of, "seconds"));
        let saved = screen::percent(number(of, "saved"));
        format!(
            "{rate:.1} rows/s ({} rows in {seconds:.2} s, {saved} of the prompts' tokens saved)",
            of["rows"]
        )
    };
    screen::line(&format!("{}, loaded in {:.2} s", file.path.display(), number(found, "load_seconds")))?;
    for (name, what) in [("prefill", "reading"), ("texts", "writing")] {
        if let Some(speed) = found.get(name) {
            screen::line(&format!("{what}  {:.0} tokens/s", number(speed, "tokens_per_second")))?;
        }
    }
    for variant in found["routing"].as_array().into_iter().flatten() {
        let name = variant["name"].as_str().unwrap_or_default();
        screen::line(&format!("routing, {name}  {}, {} right", rate(variant), variant["right"]))?;
    }
    if let Some(records) = found.get("records") {
        screen::line(&format!("records  {}", rate(records)))?;
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
