//! The measurements: requests in flight together, the time until the last is answered, and what was computed for them.

use std::{sync::Arc, time::Instant};

use proofmark_runtime::model::{
    CallError, Message, Model as _, Reply, Request, Role, Sampling, Shape,
    local::{Computed, LocalModel},
};
use tokio::task::JoinSet;

use super::job::{self, Frame, Job, Records};

/// What some requests took.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) calls: usize,
    pub(super) seconds: f64,
    /// Tokens of all prompts.
    pub(super) prompt_tokens: u64,
    /// Tokens of all answers, their ends included.
    pub(super) output_tokens: u64,
    /// Tokens that went through the decoder.
    pub(super) computed: u64,
    /// Of those: tokens of prompts without their last ones.
    computed_of_prompts: u64,
}

impl Measured {
    /// The share of the prompts' tokens that did not have to be computed. The last token of a prompt always is.
    pub(super) fn saved(&self) -> f64 {
        let asked = (self.prompt_tokens - self.calls as u64).max(1);
        1.0 - self.computed_of_prompts as f64 / asked as f64
    }
}

/// All rows of a job under one of its prompts; also the labels that they were routed to.
pub(super) async fn routing(
    model: &Arc<LocalModel>,
    job: &Job,
    frame: &Frame,
) -> Result<(Measured, Vec<String>), CallError> {
    let shape = Shape::Choice { choices: job.labels.clone(), content_free: vec![] };
    let rows = job.items.iter().map(|item| request(frame.messages(&item.text), &shape));
    ask(model, rows.collect()).await
}

/// All rows of a job turned into records.
pub(super) async fn records(
    model: &Arc<LocalModel>,
    job: &Job,
    records: &Records,
) -> Result<(Measured, Vec<String>), CallError> {
    let shape = Shape::Schema(records.schema.clone());
    let rows = job.items.iter().map(|item| request(records.frame.messages(&item.text), &shape));
    ask(model, rows.collect()).await
}

/// Prompts that are read and not answered.
pub(super) async fn prefill(model: &Arc<LocalModel>, prompts: &[String]) -> Result<Measured, CallError> {
    // A choice without alternative: its single token is all that is computed beyond the prompt.
    let shape = Shape::Choice { choices: vec!["yes".to_owned()], content_free: vec![] };
    let prompts = prompts.iter().map(|prompt| request(job::conversation(prompt), &shape));
    Ok(ask(model, prompts.collect()).await?.0)
}

/// Prompts that are answered freely, in up to 32 tokens each.
pub(super) async fn texts(
    model: &Arc<LocalModel>,
    prompts: &[String],
) -> Result<(Measured, Vec<String>), CallError> {
    let prompts = prompts.iter().map(|prompt| request(job::conversation(prompt), &Shape::Free));
    ask(model, prompts.collect()).await
}

/// Candidates that share their instruction and four demonstrations and have two of their own, on the same four rows.
pub(super) async fn candidates(model: &Arc<LocalModel>, count: usize) -> Result<Measured, CallError> {
    let shape = Shape::Choice { choices: job::labels(), content_free: vec![] };
    let instruction = format!("Decide which of the teams answers, out of {count} plans.");
    let requests = (0..count).flat_map(|candidate| {
        let shared = 40_000..40_004;
        let own = 50_000 + 2 * candidate..50_002 + 2 * candidate;
        let prefix = job::prefix(&instruction, shared.chain(own));
        let shape = &shape;
        (0..4).map(move |row| {
            let mut messages = job::conversation(&prefix);
            messages.push(Message::new(Role::User, job::item(60_000 + row).text));
            request(messages, shape)
        })
    });
    Ok(ask(model, requests.collect()).await?.0)
}

fn request(messages: Vec<Message>, shape: &Shape) -> Request {
    let sampling = Sampling { max_tokens: 32, ..Sampling::default() };
    Request { messages, sampling, shape: shape.clone(), replicate: 0 }
}

/// Sends all requests at once; the texts of the replies come in the requests' order.
async fn ask(model: &Arc<LocalModel>, requests: Vec<Request>) -> Result<(Measured, Vec<String>), CallError> {
    let (calls, before, start) = (requests.len(), model.computed(), Instant::now());
    let mut pending = JoinSet::new();
    for (index, request) in requests.into_iter().enumerate() {
        let model = Arc::clone(model);
        pending.spawn(async move { (index, model.complete(&request).await) });
    }
    let mut replies = pending.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    replies.sort_by_key(|(index, _)| *index);
    let replies = replies.into_iter().map(|(_, reply)| reply).collect::<Result<Vec<_>, _>>()?;
    let Computed { prompts, own } = model.computed();
    let sum = |part: fn(&Reply) -> u64| replies.iter().map(part).sum();
    let measured = Measured {
        calls,
        seconds,
        prompt_tokens: sum(|reply| reply.usage.input),
        output_tokens: sum(|reply| reply.usage.output),
        computed: prompts - before.prompts + own - before.own,
        computed_of_prompts: prompts - before.prompts,
    };
    Ok((measured, replies.into_iter().map(|reply| reply.text).collect()))
}
