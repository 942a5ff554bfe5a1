//! The model through its public interface, on a tiny random file.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::{Value as Json, json};

use super::super::{LocalModel, gguf::Architecture, pull::ModelFile, testing::TinyModel};
use crate::model::{CallError, Finish, Message, Model as _, Reply, Request, Role, Sampling, Shape};

static MODEL: LazyLock<LocalModel> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    TinyModel { architecture: Architecture::Llama, seed: 5 }.write(&path).unwrap();
    LocalModel::open("local:tiny", &ModelFile { path, sha256: "abc".into() }).unwrap()
});

fn ask(text: &str, shape: Shape) -> Request {
    let sampling = Sampling { max_tokens: 40, ..Sampling::default() };
    Request { messages: vec![Message::new(Role::User, text)], sampling, shape, replicate: 0 }
}

fn choice(choices: &[&str]) -> Shape {
    Shape::Choice { choices: choices.iter().map(|&choice| choice.to_owned()).collect(), content_free: vec![] }
}

fn answer(request: &Request) -> Result<Reply, CallError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(MODEL.complete(request))
}

#[test]
fn the_identity_is_the_file_and_the_arithmetic() {
    assert_eq!(
        (MODEL.identity().name.as_str(), MODEL.identity().fingerprint.as_str()),
        ("local:tiny", "abc/2")
    );
}

#[test]
fn a_choice_may_be_the_beginning_of_another() {
    let mut chosen = BTreeSet::new();
    for row in 0..40 {
        let text = format!("row {row}");
        let reply = answer(&ask(&text, choice(&["as", "a", "assist"]))).unwrap();
        let alone = answer(&ask(&text, choice(&[&reply.text]))).unwrap();
        assert_eq!(alone.choice_logprob.map(f64::to_bits), reply.choice_logprob.map(f64::to_bits));
        for other in ["as", "a", "assist"] {
            let other = answer(&ask(&text, choice(&[other]))).unwrap();
            assert!(other.choice_logprob <= reply.choice_logprob);
        }
        assert_eq!((reply.finish, reply.logprobs), (Finish::Stop, None));
        chosen.insert(reply.text);
    }
    assert!(chosen.len() > 1, "a random model does not always say {chosen:?}");
}

#[test]
fn a_calibrated_choice_reports_its_plain_probability() {
    let choices = ["as", "a", "assist", "user"];
    for row in 0..10 {
        let text = format!("row {row}");
        let content_free = vec![String::new(), "N/A".into()];
        let calibrated = Shape::Choice { choices: choices.map(str::to_owned).to_vec(), content_free };
        let reply = answer(&ask(&text, calibrated)).unwrap();
        let alone = answer(&ask(&text, choice(&[&reply.text]))).unwrap();
        assert_eq!(alone.choice_logprob.map(f64::to_bits), reply.choice_logprob.map(f64::to_bits));
    }
}

#[test]
fn text_is_repeatable_and_counts_its_tokens() {
    for temperature in [0.0, 1.0] {
        let mut request = ask("tell me", Shape::Free);
        request.sampling.temperature = temperature;
        let reply = answer(&request).unwrap();
        assert_eq!(answer(&request).unwrap(), reply);
        let logprobs = reply.logprobs.unwrap();
        assert_eq!(reply.usage.output, logprobs.len() as u64);
        assert!(logprobs.iter().all(|logprob| *logprob <= 0.0));
        assert!(logprobs.len() == 40 || reply.finish == Finish::Stop);
        request.replicate = 1;
        assert_eq!(answer(&request).unwrap().text == reply.text, temperature == 0.0);
    }
}

#[test]
fn a_stop_text_ends_the_reply_and_is_cut_off() {
    let request = ask("tell me more", Shape::Free);
    let whole = answer(&request).unwrap().text;
    let stop: String = whole.chars().skip(5).take(3).collect();
    let mut stopped = request.clone();
    stopped.sampling.stop = vec!["no such text".into(), stop.clone(), String::new()];
    let reply = answer(&stopped).unwrap();
    assert_eq!(reply.text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(reply.finish, Finish::Stop);
}

#[test]
fn a_random_model_obeys_a_schema() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["team", "urgent"],
        "properties": { "team": { "enum": ["billing", "shipping"] }, "urgent": { "type": "boolean" } },
    });
    let mut request = ask("who?", Shape::Schema(schema));
    request.sampling.max_tokens = 200;
    let reply = answer(&request).unwrap();
    let value: Json = serde_json::from_str(&reply.text).unwrap();
    assert!(
        value["urgent"].is_boolean() && ["billing", "shipping"].contains(&value["team"].as_str().unwrap())
    );
    assert_eq!(reply.finish, Finish::Stop);
}

#[test]
fn impossible_requests_are_refused() {
    let mut nothing = ask("", Shape::Free);
    nothing.messages.clear();
    let mut no_tokens = ask("x", Shape::Free);
    no_tokens.sampling.max_tokens = 0;
    for request in [
        nothing,
        no_tokens,
        ask("x", choice(&[])),
        ask("x", choice(&["a", "b", "a"])),
        ask("x", Shape::Schema(json!("no schema"))),
    ] {
        let error = answer(&request).unwrap_err();
        assert!(matches!(error, CallError::Refused { .. }), "{error}");
    }
}

#[test]
fn a_prompt_beyond_the_context_is_refused_with_its_size() {
    let long = "x".repeat(2030);
    for shape in [Shape::Free, choice(&["a"])] {
        let error = answer(&ask(&format!("{long}{long}"), shape)).unwrap_err();
        assert!(matches!(error, CallError::TooLong { tokens, limit: 2048, .. } if tokens > 4060), "{error}");
    }
    // The prompt fits, but not together with the reply.
    let error = answer(&ask(&long[..2001], Shape::Free)).unwrap_err();
    assert!(matches!(error, CallError::TooLong { .. }), "{error}");
    assert!(answer(&ask(&long[..2001], choice(&["a"]))).is_ok());
    // So does a content that stands in for the last message.
    let calibrated = Shape::Choice { choices: vec!["a".into()], content_free: vec![long.repeat(2)] };
    assert!(matches!(answer(&ask("x", calibrated)).unwrap_err(), CallError::TooLong { .. }));
}

#[test]
fn requests_in_flight_answer_as_alone() {
    let requests: Vec<Request> = (0..12)
        .map(|row| {
            let shape = if row % 3 == 0 { Shape::Free } else { choice(&["user", "as", "system"]) };
            ask(&format!("the same beginning, then {row}"), shape)
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let together = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for (row, request) in requests.iter().cloned().enumerate() {
            tasks.spawn(async move { (row, MODEL.complete(&request).await.unwrap()) });
        }
        tasks.join_all().await
    });
    assert_eq!(together.len(), requests.len());
    for (row, reply) in together {
        assert_eq!(answer(&requests[row]).unwrap(), reply, "row {row}");
    }
}
