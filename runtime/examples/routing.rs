//! Measures label scoring: `routing MODEL.gguf JOB.json [calibrated]`.
//!
//! The job: `{"labels": ["a", ..], "items": [{"text": "..", "label": "a"}, ..], "variants": [{"name": "..", "messages":
//! [{"role": "system", "content": ".."}, ..]}, ..]}`. Every variant is a prompt; every item becomes its last message.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::{error::Error, path::PathBuf, sync::Arc, time::Instant};

use proofmark_runtime::model::{
    CallError, Message, Model, Reply, Request, Role, Sampling, Shape,
    local::{LocalModel, pull::ModelFile},
};
use serde::Deserialize;
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Job {
    labels: Vec<String>,
    items: Vec<Item>,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Item {
    text: String,
    label: String,
}

#[derive(Deserialize)]
struct Variant {
    name: String,
    messages: Vec<Message>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, model, job, rest @ ..] = &args[..] else { return Err("needs a model and a job".into()) };
    let start = Instant::now();
    let file = ModelFile { path: PathBuf::from(model), sha256: String::new() };
    let model = Arc::new(LocalModel::open("local:model", &file)?);
    println!("load {:.2?}", start.elapsed());
    let job: Job = serde_json::from_str(&std::fs::read_to_string(job)?)?;
    let content_free = ["N/A", "", "[MASK]"].map(|text| format!("Message: {text}"));
    let content_free = if rest.is_empty() { vec![] } else { content_free.to_vec() };
    let shape = Shape::Choice { choices: job.labels.clone(), content_free };
    for variant in &job.variants {
        let start = Instant::now();
        let replies = ask(&model, &job, variant, &shape).await?;
        let seconds = start.elapsed().as_secs_f64();
        let right = replies.iter().zip(&job.items).filter(|(reply, item)| reply.text == item.label).count();
        let logprobs: f64 = replies.iter().filter_map(|reply| reply.choice_logprob).sum();
        let rows = job.items.len() as f64;
        println!(
            "{:20} accuracy {:.3}, {:.1} rows/s ({seconds:.2} s), sum of log-probabilities {logprobs}",
            variant.name,
            right as f64 / rows,
            rows / seconds,
        );
    }
    Ok(())
}

/// All items at once, in their order.
async fn ask(
    model: &Arc<LocalModel>,
    job: &Job,
    variant: &Variant,
    shape: &Shape,
) -> Result<Vec<Reply>, CallError> {
    let mut tasks = JoinSet::new();
    for (index, item) in job.items.iter().enumerate() {
        let mut messages = variant.messages.clone();
        messages.push(Message::new(Role::User, format!("Message: {}", item.text)));
        let request = Request { messages, sampling: Sampling::default(), shape: shape.clone(), replicate: 0 };
        let model = Arc::clone(model);
        tasks.spawn(async move { (index, model.complete(&request).await) });
    }
    let mut replies = tasks.join_all().await;
    replies.sort_by_key(|(index, _)| *index);
    replies.into_iter().map(|(_, reply)| reply).collect()
}
