//! The embedded engine against llama.cpp: one job, first here, then by `proofmark model bench`, and the ratios.
//!
//! usage: `proofmark-llama PROOFMARK MODEL.gguf JOB.json`

#[path = "../../../compiler/src/cli/model/bench/format.rs"]
#[expect(dead_code, reason = "llama.cpp is given whole prompts, not messages")]
mod format;
mod llama;

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value as Json;

use format::Job;
use llama::{Done, Llama};

/// How many texts llama.cpp writes side by side; the fastest counts.
const WIDTHS: [usize; 3] = [8, 32, 120];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [proofmark, model, job] = &arguments[..] else {
        anyhow::bail!("usage: proofmark-llama PROOFMARK MODEL.gguf JOB.json");
    };
    let text = std::fs::read_to_string(job).with_context(|| format!("failed to read {job}"))?;
    let theirs = theirs(Path::new(model), &serde_json::from_str(&text)?)?;
    let ours =
        ours(&[proofmark, "model", "bench", "--json", "--job", job, "--model", &format!("local:{model}")])?;

    println!("{:32} {:>12} {:>12} {:>7}   same answers", "", "llama.cpp", "proofmark", "ratio");
    for Line { name, unit, rate, answers } in &theirs {
        let found = of(&ours, name).with_context(|| format!("`model bench` has no {name}"))?;
        let own = found[if *unit == "rows/s" { "rows_per_second" } else { "tokens_per_second" }].as_f64();
        let own = own.with_context(|| format!("`model bench` has no rate for {name}"))?;
        println!(
            "{name:32} {rate:>12.1} {own:>12.1} {:>7.2}   {} ({unit})",
            own / rate,
            same(answers, found)
        );
    }
    let figure = |name: &str| ours[name].as_f64().unwrap_or(f64::NAN);
    println!(
        "proofmark: loaded in {:.2} s, at most {:.0} MB",
        figure("load_seconds"),
        figure("peak_bytes") / 1e6
    );
    differences(&theirs, &ours);
    Ok(())
}

/// A measured part of the job.
struct Line {
    name: String,
    unit: &'static str,
    rate: f64,
    answers: Vec<String>,
}

impl Line {
    fn rows(name: &str, done: Done) -> Self {
        let rate = done.answers.len() as f64 / done.seconds;
        Self { name: name.to_owned(), unit: "rows/s", rate, answers: done.answers }
    }

    fn tokens(name: &str, done: Done) -> Self {
        let rate = done.tokens as f64 / done.seconds;
        Self { name: name.to_owned(), unit: "tokens/s", rate, answers: done.answers }
    }
}

fn theirs(model: &Path, job: &Job) -> Result<Vec<Line>> {
    let backend = llama::backend()?;
    let model = llama::load(&backend, model)?;
    let mut llama = Llama::new(&backend, &model)?;
    let mut lines = vec![];
    if !job.prefill.is_empty() {
        llama.prefill(&job.prefill[..1])?;
        lines.push(Line::tokens("prefill", llama.prefill(&job.prefill)?));
    }
    for variant in &job.variants {
        lines.push(Line::rows(&variant.name, llama.route(job, &variant.frame)?));
    }
    if !job.texts.is_empty() {
        lines.push(Line::tokens("texts", fastest(&mut llama, (&job.texts, None))?));
    }
    if let Some(records) = &job.records {
        let prompts: Vec<String> = job.items.iter().map(|item| records.frame.text(&item.text)).collect();
        lines.push(Line::rows("records", fastest(&mut llama, (&prompts, Some(&records.grammar)))?));
    }
    Ok(lines)
}

fn fastest(llama: &mut Llama<'_>, (prompts, grammar): (&[String], Option<&str>)) -> Result<Done> {
    let done = WIDTHS.iter().map(|width| llama.write(prompts, grammar, *width));
    let done = done.collect::<Result<Vec<_>>>()?;
    done.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)).context("there are widths")
}

fn ours(command: &[&str]) -> Result<Json> {
    let output =
        Command::new(command[0]).args(&command[1..]).output().context("failed to start proofmark")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn of<'j>(ours: &'j Json, name: &str) -> Option<&'j Json> {
    let routing = ours["routing"].as_array().into_iter().flatten();
    let mut routing = routing.filter(|variant| variant["name"] == name);
    routing.next().or_else(|| ours.get(name))
}

/// How many answers are the same.
fn same(theirs: &[String], found: &Json) -> String {
    let ours = found["answers"].as_array().into_iter().flatten();
    let same = theirs.iter().zip(ours).filter(|(theirs, ours)| ours.as_str() == Some(theirs)).count();
    if theirs.is_empty() { "-".to_owned() } else { format!("{same} of {}", theirs.len()) }
}

/// Where texts part, for whoever wants to know why.
fn differences(theirs: &[Line], ours: &Json) {
    for line in theirs.iter().filter(|line| line.name == "texts" || line.name == "records") {
        let found = ours[&line.name]["answers"].as_array().into_iter().flatten();
        let different = line.answers.iter().zip(found).enumerate();
        for (index, (theirs, ours)) in different.filter(|(_, (theirs, ours))| ours.as_str() != Some(theirs)) {
            let ours = ours.as_str().unwrap_or_default();
            let common = theirs.chars().zip(ours.chars()).take_while(|(a, b)| a == b).count();
            println!("{} {index}: the same for {common} characters", line.name);
            println!("  llama.cpp  {theirs:?}\n  proofmark  {ours:?}");
        }
    }
}
