//! The embedded model against candle's own llama, which computes every prompt whole and alone.
//!
//! Both get the same numbers: candle's quantized products round their activations to 8 bits, so it is given the file
//! with all weights written out in f32.
#![cfg(test)]

use std::{path::Path, sync::Arc};

use candle_core::{
    Device, Tensor,
    quantized::gguf_file::{Content, Value},
};
use candle_transformers::models::quantized_llama::ModelWeights;
use proofmark_runtime::model::{
    Message, Model as _, Reply, Request, Role, Sampling, Shape,
    local::{
        LocalModel,
        chat::Chat,
        gguf::{Architecture, Gguf, Meta},
        pull::ModelFile,
        testing::{GgufWriter, TinyModel, real_model},
        tokenizer::Tokenizer,
    },
};

/// What two ways to add up the same products differ by, 30 layers deep. For files with weights of 4 bits ours rounds
/// activations to 16 bits, too.
const NOISE: f64 = 5e-3;

struct Pair {
    ours: LocalModel,
    chat: Chat,
    tokenizer: Arc<Tokenizer>,
    reference: ModelWeights,
}

impl Pair {
    fn open(file: &ModelFile) -> Self {
        let gguf = Gguf::open(&file.path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let wide = folder.path().join("wide.gguf");
        widen(&gguf, &wide);
        let mut reader = std::fs::File::open(&wide).unwrap();
        let mut content = Content::read(&mut reader).unwrap();
        content.metadata.values_mut().for_each(narrow);
        let reference = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
        let tokenizer = Arc::new(Tokenizer::from_gguf(&gguf).unwrap());
        let chat = Chat::from_gguf(&gguf, Arc::clone(&tokenizer));
        Self { ours: LocalModel::open("local:test", file).unwrap(), chat, tokenizer, reference }
    }

    /// The reference's log-probabilities of all words after the tokens.
    fn words(&mut self, tokens: &[u32]) -> Vec<f64> {
        let input = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits: Vec<f32> =
            self.reference.forward(&input, 0).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        let top = logits.iter().copied().fold(f32::MIN, f32::max);
        let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
        logits.iter().map(|logit| f64::from(logit - top) - sum.ln()).collect()
    }

    fn ask(&self, messages: &[Message], shape: Shape) -> Reply {
        let sampling = Sampling { max_tokens: 8, ..Sampling::default() };
        let request = Request { messages: messages.to_vec(), sampling, shape, replicate: 0 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.ours.complete(&request)).unwrap()
    }

    fn agree_on_labels(&mut self, messages: &[Message], labels: &[&str]) {
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
            assert!((found - score).abs() < NOISE, "{label}: {found}, not {score}");
        }
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert_eq!(self.ask(messages, choice(labels)).text, labels[best]);
    }

    fn agree_on_text(&mut self, messages: &[Message]) {
        let reply = self.ask(messages, Shape::Free);
        let prompt = self.chat.encode(messages);
        let mut tokens = prompt.clone();
        for found in reply.logprobs.unwrap() {
            let words = self.words(&tokens);
            let (token, wanted) = words.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            assert!((found - wanted).abs() < NOISE, "after {}: {found}, not {wanted}", tokens.len());
            tokens.push(token as u32);
        }
        let is_text = |token: &u32| !self.tokenizer.ends().contains(token);
        let written: Vec<u32> = tokens[prompt.len()..].iter().copied().filter(is_text).collect();
        assert_eq!(reply.text, self.tokenizer.decode(&written));
    }
}

/// Numbers as candle wants them; our writer has the widest type of each.
fn narrow(value: &mut Value) {
    match *value {
        Value::I64(number) => *value = Value::U32(number.try_into().unwrap()),
        #[expect(clippy::cast_possible_truncation, reason = "it was read as f32")]
        Value::F64(number) => *value = Value::F32(number as f32),
        _ => {}
    }
}

/// Writes what candle reads of a file, every tensor in f32.
fn widen(gguf: &Gguf, path: &Path) {
    let mut out = GgufWriter::default();
    out.set("general.architecture", Meta::Text("llama".into()));
    let sizes = ["attention.head_count", "attention.head_count_kv", "block_count", "embedding_length"];
    for name in sizes.into_iter().chain(["rope.dimension_count"]) {
        let size: u32 = gguf.get(&gguf.key(name)).unwrap();
        out.set(&format!("llama.{name}"), Meta::Integer(size.into()));
    }
    for name in ["attention.layer_norm_rms_epsilon", "rope.freq_base"] {
        let number: f32 = gguf.get(&gguf.key(name)).unwrap();
        out.set(&format!("llama.{name}"), Meta::Float(number.into()));
    }
    for name in gguf.tensors().keys() {
        let tensor = gguf.tensor(name).unwrap();
        out.tensor(name, (tensor.shape, tensor.data));
    }
    out.write(path).unwrap();
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
    let mut pair = Pair::open(&ModelFile { path, sha256: String::new() });
    for last in ["where is it", "a", "it broke and I want to send it back, please"] {
        pair.agree_on_labels(&conversation(last), &["user", "a", "assistant system"]);
        pair.agree_on_text(&conversation(last));
    }
}

#[test]
fn the_default_model_agrees_with_candle() {
    let Some(file) = real_model() else { return };
    let mut pair = Pair::open(&file);
    pair.agree_on_labels(&conversation("My parcel never came."), &["billing", "shipping", "returns"]);
    pair.agree_on_text(&conversation("What is the capital of France?"));
}
