use std::sync::Arc;

use proofmark_runtime::model::{
    Message, Model as _, Reply, Request, Role, Sampling, Shape,
    local::{
        LocalModel,
        chat::Chat,
        gguf::Architecture,
        pull::ModelFile,
        testing::{TinyModel, real_model},
        tokenizer::Tokenizer,
    },
};

use super::*;

/// What a score may differ by where both multiply in f32 and only add up in another order.
const F32: f64 = 1e-3;
/// The same where ours rounds activations to 16 bits, as for weights of 4 and 5 bits, 30 layers deep.
const ROUNDED: f64 = 5e-3;

struct Pair {
    ours: LocalModel,
    chat: Chat,
    tokenizer: Arc<Tokenizer>,
    reference: Reference,
    noise: f64,
}

impl Pair {
    fn open(file: &ModelFile, noise: f64) -> Self {
        let gguf = Gguf::open(&file.path).unwrap();
        let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf).unwrap());
        let chat = Chat::from_gguf(&gguf, Arc::clone(&tokenizer));
        let ours = LocalModel::open("local:test", file).unwrap();
        Self { ours, chat, tokenizer, reference: Reference::open(&gguf), noise }
    }

    /// The reference's log-probabilities of all words after the tokens.
    fn words(&self, tokens: &[u32]) -> Vec<f64> {
        self.reference.clone().read(tokens)
    }

    fn ask(&self, messages: &[Message], shape: Shape) -> Reply {
        let sampling = Sampling { max_tokens: 8, ..Sampling::default() };
        let request = Request { messages: messages.to_vec(), sampling, shape, replicate: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.ours.complete(&request)).unwrap()
    }

    fn agree_on_labels(&self, messages: &[Message], labels: &[&str]) {
        let scores = labels.iter().map(|label| {
            let mut tokens = self.chat.encode(messages);
            let mut reply = self.chat.encode_reply(messages, label);
            reply.push(self.chat.end_of_turn());
            let mut score = 0.0;
            for token in reply {
                score += self.words(&tokens)[token as usize];
                tokens.push(token);
            }
            score
        });
        let scores: Vec<f64> = scores.collect();
        let choice = |labels: &[&str]| Shape::Choice {
            choices: labels.iter().map(|&label| label.to_owned()).collect(),
            content_free: vec![],
        };
        for (label, score) in labels.iter().zip(&scores) {
            let found = self.ask(messages, choice(&[label])).choice_logprob.unwrap();
            assert!((found - score).abs() < self.noise, "{label}: {found}, not {score}");
        }
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert_eq!(self.ask(messages, choice(labels)).text, labels[best]);
    }

    fn agree_on_text(&self, messages: &[Message]) {
        let reply = self.ask(messages, Shape::Free);
        let prompt = self.chat.encode(messages);
        let mut tokens = prompt.clone();
        for found in reply.logprobs.unwrap() {
            let words = self.words(&tokens);
            let (token, wanted) = words.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            assert!((found - wanted).abs() < self.noise, "after {}: {found}, not {wanted}", tokens.len());
            tokens.push(token as u32);
        }
        let is_text = |token: &u32| !self.tokenizer.ends().contains(token);
        let written: Vec<u32> = tokens[prompt.len()..].iter().copied().filter(is_text).collect();
        assert_eq!(reply.text, self.tokenizer.decode(&written));
    }
}

fn conversation(last: &str) -> Vec<Message> {
    vec![
        Message::new(Role::System, "Which team handles the message? Answer billing, shipping or returns."),
        Message::new(Role::User, "I was charged twice!"),
        Message::new(Role::Assistant, "billing"),
        Message::new(Role::User, last),
    ]
}

#[test]
fn a_tiny_model_agrees_with_candle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    TinyModel { architecture: Architecture::Llama, seed: 11 }.write(&path).unwrap();
    let pair = Pair::open(&ModelFile { path, sha256: String::new() }, F32);
    for last in ["where is it", "a", "it broke and I want to send it back, please"] {
        pair.agree_on_labels(&conversation(last), &["user", "a", "assistant system"]);
        pair.agree_on_text(&conversation(last));
    }
}

#[test]
fn the_default_model_agrees_with_candle() {
    let Some(file) = real_model() else { return };
    let pair = Pair::open(&file, ROUNDED);
    pair.agree_on_labels(&conversation("My parcel never came."), &["billing", "shipping", "returns"]);
    pair.agree_on_text(&conversation("What is the capital of France?"));
}
