//! Whether the embedded model decides as candle's llama in f32 does, row by row, and which of the two reads faster.
//!
//! usage: `decisions JOB.json [MODEL.gguf]`; `proofmark model bench --print-job` prints a job. Its `variants` are compared.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "this crate is a test")]

#[path = "../../compiler/src/cli/model/bench/format.rs"]
mod format;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use proofmark_reference::{Reference, widen};
use proofmark_runtime::model::{
    Message, Model as _, Reply, Request, Role, Sampling, Shape,
    local::{LocalModel, chat::Chat, gguf::Gguf, pull::ModelFile, testing::real_model, tokenizer::Tokenizer},
};

use format::Job;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let job = arguments.next().expect("usage: decisions JOB.json [MODEL.gguf]");
    let job: Job = serde_json::from_str(&std::fs::read_to_string(job).unwrap()).unwrap();
    let file = match arguments.next() {
        Some(path) => ModelFile { path: path.into(), sha256: String::new() },
        None => real_model().expect("the default model cannot be fetched"),
    };
    let gguf = Gguf::open(&file.path).unwrap();
    let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf).unwrap());
    let chat = Chat::from_gguf(&gguf, tokenizer);
    let folder = tempfile::tempdir().unwrap();
    let wide = ModelFile { path: folder.path().join("wide.gguf"), sha256: String::new() };
    widen(&gguf, &wide.path);

    let reference = Reference::open(&gguf);
    let labels: Vec<&str> = job.labels.iter().map(String::as_str).collect();
    let replies: Vec<Vec<u32>> = labels.iter().map(|label| reply(&chat, label)).collect();
    for variant in &job.variants {
        let prompts: Vec<Vec<Message>> =
            job.items.iter().map(|item| conversation(&variant.frame.text(&item.text))).collect();
        let scores = scores(&reference, &chat, &prompts, &replies);
        for (name, file) in [("as it is", &file), ("in f32", &wide)] {
            let found = ask(&LocalModel::open("local:test", file).unwrap(), &prompts, &labels);
            tell(&format!("{}, {name}", variant.name), &labels, &scores, &found);
        }
    }
    speed(&reference, &chat, &job.prefill);
}

fn reply(chat: &Chat, label: &str) -> Vec<u32> {
    let asked = [Message::new(Role::User, "a")];
    [chat.encode_reply(&asked, label), vec![chat.end_of_turn()]].concat()
}

fn conversation(prompt: &str) -> Vec<Message> {
    let message = |(role, content)| match role {
        "system" => Message::new(Role::System, content),
        "user" => Message::new(Role::User, content),
        _ => Message::new(Role::Assistant, content),
    };
    format::messages(prompt).map(message).collect()
}

/// The reference's score of every label for every row.
fn scores(
    reference: &Reference,
    chat: &Chat,
    prompts: &[Vec<Message>],
    replies: &[Vec<u32>],
) -> Vec<Vec<f64>> {
    let prompts: Vec<Vec<u32>> = prompts.iter().map(|prompt| chat.encode(prompt)).collect();
    let agree = |other: &Vec<u32>| prompts[0].iter().zip(other).take_while(|(a, b)| a == b).count();
    let shared = prompts.iter().map(agree).min().unwrap().min(prompts[0].len() - 1);
    let mut beginning = reference.clone();
    beginning.read(&prompts[0][..shared]);
    let score = |prompt: &Vec<u32>| {
        let mut row = beginning.clone();
        let first = row.read(&prompt[shared..]);
        let label = |reply: &Vec<u32>| {
            let (mut row, mut score) = (row.clone(), first[reply[0] as usize]);
            for pair in reply.windows(2) {
                score += row.read(&pair[..1])[pair[1] as usize];
            }
            score
        };
        replies.iter().map(label).collect()
    };
    prompts.iter().map(score).collect()
}

fn ask(model: &LocalModel, prompts: &[Vec<Message>], labels: &[&str]) -> Vec<Reply> {
    let choices = labels.iter().map(|&label| label.to_owned()).collect();
    let shape = Shape::Choice { choices, content_free: vec![] };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ask = |messages: &Vec<Message>| {
        let (messages, shape) = (messages.clone(), shape.clone());
        let request = Request { messages, sampling: Sampling::default(), shape, replicate: 0 };
        runtime.block_on(model.complete(&request)).unwrap()
    };
    prompts.iter().map(ask).collect()
}

fn tell(name: &str, labels: &[&str], scores: &[Vec<f64>], found: &[Reply]) {
    let (mut same, mut errors) = (0, vec![]);
    for (scores, reply) in scores.iter().zip(found) {
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        let chosen = labels.iter().position(|&label| label == reply.text).unwrap();
        errors.push((reply.choice_logprob.unwrap() - scores[chosen]).abs());
        same += usize::from(best == chosen);
        if best != chosen {
            println!(
                "  {} instead of {}, behind by {:.1e}",
                labels[chosen],
                labels[best],
                scores[best] - scores[chosen]
            );
        }
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let most = errors.iter().copied().fold(0.0, f64::max);
    println!(
        "{name}: {same} of {} decisions are the same; scores differ by {mean:.1e}, at most {most:.1e}",
        found.len()
    );
}

/// How fast candle reads prompts. `proofmark model bench --job` says how fast ours are read.
fn speed(reference: &Reference, chat: &Chat, prompts: &[String]) {
    if prompts.is_empty() {
        return;
    }
    let prompts: Vec<Vec<u32>> = prompts.iter().map(|prompt| chat.encode(&conversation(prompt))).collect();
    let start = Instant::now();
    for prompt in &prompts {
        reference.clone().read(prompt);
    }
    let tokens: usize = prompts.iter().map(Vec::len).sum();
    let seconds = start.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
    println!("candle reads {:.0} tokens/s", tokens as f64 / seconds);
}
