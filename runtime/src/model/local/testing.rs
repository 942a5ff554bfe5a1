//! Models for tests: random ones that are written and run in milliseconds, and the default model.
//!
//! **Invariant:** the same [`TinyModel`] gives the same bytes on every machine.

mod writer;

use std::{io, path::Path};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

pub use self::writer::GgufWriter;
use super::{
    gguf::{Architecture, Meta},
    pull::{self, ModelFile, Places},
    registry::{self, ModelName},
};

/// A random model of 2 layers, 64 dimensions, 4 heads over 2 key-value heads, and a context of 2,048 tokens.
/// Heads have 16 dimensions, those of [`Architecture::Qwen3`] 32. Llama's output weights are its embeddings.
///
/// The vocabulary is byte-level BPE: 3 control tokens (`<|endoftext|>`, `<|im_start|>`, `<|im_end|>`), the 256 bytes,
/// and a token for each of [`MERGES`].
#[derive(Clone, Copy, Debug)]
pub struct TinyModel {
    /// The kind of decoder.
    pub architecture: Architecture,
    /// The random seed of the weights.
    pub seed: u64,
}

/// Merges of the tiny vocabulary in their order. `Ġ` stands for a space.
pub const MERGES: &[&str] = &[
    "Ġ t",
    "h e",
    "Ġ a",
    "i n",
    "r e",
    "Ġt he",
    "o n",
    "e r",
    "Ġ s",
    "a t",
    "Ġ w",
    "Ġ o",
    "e n",
    "i t",
    "o u",
    "Ġ i",
    "e s",
    "a n",
    "in g",
    "Ġ b",
    "o r",
    "Ġ c",
    "l l",
    "s t",
    "Ġ m",
    "Ġ f",
    "Ġ p",
    "e d",
    "a l",
    "Ġan d",
    "Ġ {",
    "\" :",
    "u s",
    "us er",
    "as s",
    "a s",
    "ass ist",
    "i st",
    "an t",
    "assist ant",
    "s y",
    "sy st",
    "syst em",
    "e m",
    "Ġ I",
];

const LAYERS: usize = 2;
const WIDTH: usize = 64;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const FEED_FORWARD: usize = 128;

const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + \
     message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}\
     {{ '<|im_start|>assistant\\n' }}{% endif %}";

impl TinyModel {
    /// Writes the model to a new file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        self.writer().write(path)
    }

    /// The model as a file that is not yet written, for tests that change it.
    pub fn writer(&self) -> GgufWriter {
        let mut file = GgufWriter::default();
        self.describe(&mut file);
        self.weigh(&mut file);
        file
    }

    fn name(&self) -> &'static str {
        match self.architecture {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
        }
    }

    fn head_width(&self) -> usize {
        if self.architecture == Architecture::Qwen3 { 32 } else { WIDTH / HEADS }
    }

    fn describe(&self, file: &mut GgufWriter) {
        file.set("general.architecture", Meta::Text(self.name().to_owned()));
        let sizes = [
            ("block_count", LAYERS),
            ("context_length", 2048),
            ("embedding_length", WIDTH),
            ("feed_forward_length", FEED_FORWARD),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("attention.key_length", self.head_width()),
            ("attention.value_length", self.head_width()),
            ("rope.dimension_count", self.head_width()),
            ("vocab_size", tokens().len()),
        ];
        for (key, size) in sizes {
            file.set(&format!("{}.{key}", self.name()), Meta::Integer(size as i128));
        }
        for (key, number) in [("rope.freq_base", 10_000.0), ("attention.layer_norm_rms_epsilon", 1e-5)] {
            file.set(&format!("{}.{key}", self.name()), Meta::Float(number));
        }
        let kinds = (0..tokens().len()).map(|id| if id < CONTROLS.len() { 3 } else { 1 });
        file.set("tokenizer.ggml.model", Meta::Text("gpt2".to_owned()));
        file.set("tokenizer.ggml.pre", Meta::Text("smollm".to_owned()));
        file.set("tokenizer.ggml.tokens", Meta::Texts(tokens()));
        file.set("tokenizer.ggml.token_type", Meta::Integers(kinds.collect()));
        file.set(
            "tokenizer.ggml.merges",
            Meta::Texts(MERGES.iter().map(|&merge| merge.to_owned()).collect()),
        );
        file.set("tokenizer.ggml.bos_token_id", Meta::Integer(1));
        file.set("tokenizer.ggml.eos_token_id", Meta::Integer(2));
        file.set("tokenizer.chat_template", Meta::Text(TEMPLATE.to_owned()));
    }

    fn weigh(&self, file: &mut GgufWriter) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut matrix = |rows: usize, columns: usize| {
            let spread = (3.0 / columns as f32).sqrt();
            numbers(&mut rng, rows * columns, spread)
        };
        let queries = HEADS * self.head_width();
        let keys = KV_HEADS * self.head_width();
        for layer in 0..LAYERS {
            for (name, rows, columns) in [
                ("attn_q", queries, WIDTH),
                ("attn_k", keys, WIDTH),
                ("attn_v", keys, WIDTH),
                ("attn_output", WIDTH, queries),
                ("ffn_gate", FEED_FORWARD, WIDTH),
                ("ffn_up", FEED_FORWARD, WIDTH),
                ("ffn_down", WIDTH, FEED_FORWARD),
            ] {
                let name = format!("blk.{layer}.{name}.weight");
                file.tensor(&name, vec![rows, columns], matrix(rows, columns));
            }
        }
        let words = tokens().len();
        let embeddings = matrix(words, WIDTH).into_iter().map(|number| number * 4.0).collect();
        file.tensor("token_embd.weight", vec![words, WIDTH], embeddings);
        if self.architecture != Architecture::Llama {
            file.tensor("output.weight", vec![words, WIDTH], matrix(words, WIDTH));
        }
        self.weigh_vectors(file, &mut rng);
    }

    fn weigh_vectors(&self, file: &mut GgufWriter, rng: &mut ChaCha8Rng) {
        let mut norm = |file: &mut GgufWriter, name: &str, size: usize| {
            let around_one = numbers(rng, size, 0.25).into_iter().map(|number| 1.0 + number).collect();
            file.tensor(name, vec![size], around_one);
        };
        norm(file, "output_norm.weight", WIDTH);
        for layer in 0..LAYERS {
            norm(file, &format!("blk.{layer}.attn_norm.weight"), WIDTH);
            norm(file, &format!("blk.{layer}.ffn_norm.weight"), WIDTH);
            match self.architecture {
                Architecture::Llama => {}
                Architecture::Qwen2 => {
                    for (name, heads) in [("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)] {
                        norm(file, &format!("blk.{layer}.attn_{name}.bias"), heads * self.head_width());
                    }
                }
                Architecture::Qwen3 => {
                    norm(file, &format!("blk.{layer}.attn_q_norm.weight"), self.head_width());
                    norm(file, &format!("blk.{layer}.attn_k_norm.weight"), self.head_width());
                }
            }
        }
    }
}

/// The default model, downloaded if it is not on this machine. None, with a message, if it cannot be downloaded; a test
/// then returns early.
///
/// # Panics
/// It cannot be downloaded and `PROOFMARK_REQUIRE_MODEL=1` forbids skipping.
pub fn real_model() -> Option<ModelFile> {
    let name = ModelName::Known(&registry::ALL[0]);
    match pull::pull(&name, &Places::from_env(), &|_| {}) {
        Ok(file) => Some(file),
        Err(error) => {
            assert!(!model_is_required(), "PROOFMARK_REQUIRE_MODEL=1, but: {error}");
            skip(&error.to_string());
            None
        }
    }
}

/// Whether `PROOFMARK_REQUIRE_MODEL=1` forbids skipping tests of the real model.
pub fn model_is_required() -> bool {
    std::env::var("PROOFMARK_REQUIRE_MODEL").is_ok_and(|value| value == "1")
}

/// Reports a skipped test. Writes past the test harness, which would capture the message.
pub fn skip(reason: &str) {
    let message = format!("\n*** SKIPPED, the real model was NOT tested: {reason}\n\n");
    io::Write::write_all(&mut io::stderr(), message.as_bytes()).ok();
}

const CONTROLS: &[&str] = &["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// The tiny vocabulary.
fn tokens() -> Vec<String> {
    let controls = CONTROLS.iter().map(|&token| token.to_owned());
    let bytes = (0..=255).map(|byte| super::tokenizer::letter(byte).to_string());
    let merged = MERGES.iter().map(|merge| merge.replacen(' ', "", 1));
    controls.chain(bytes).chain(merged).collect()
}

/// Uniform in `-spread..spread`.
fn numbers(rng: &mut ChaCha8Rng, count: usize, spread: f32) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-spread..spread)).collect()
}
