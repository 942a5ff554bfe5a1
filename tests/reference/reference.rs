//! Candle's own llama, which computes every prompt alone. The embedded model is held against it, in the tests here and
//! in `decisions.rs`.
//!
//! Both get the same numbers: candle's quantized products round their activations to 8 bits, so it is given the file
//! with all weights written out in f32.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "this crate is a test")]

#[cfg(test)]
mod tests;

use std::path::Path;

use candle_core::{
    Device, Tensor,
    quantized::gguf_file::{Content, Value},
};
use candle_transformers::models::quantized_llama::ModelWeights;
use proofmark_runtime::model::local::{gguf::Gguf, testing::GgufWriter};

/// Candle's model over the numbers of a file, and what it has read. A clone goes on from there on its own.
#[derive(Clone)]
pub struct Reference {
    weights: ModelWeights,
    read: usize,
}

impl Reference {
    /// Opens a file.
    pub fn open(gguf: &Gguf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wide = folder.path().join("wide.gguf");
        widen(gguf, &wide);
        let mut reader = std::fs::File::open(&wide).unwrap();
        let mut content = Content::read(&mut reader).unwrap();
        content.metadata.values_mut().for_each(narrow);
        Self { weights: ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap(), read: 0 }
    }

    /// Reads tokens after what was read before; the natural-log probabilities of all words that may come next.
    pub fn read(&mut self, tokens: &[u32]) -> Vec<f64> {
        let input = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits = self.weights.forward(&input, self.read).unwrap();
        self.read += tokens.len();
        let logits: Vec<f32> = logits.squeeze(0).unwrap().to_vec1().unwrap();
        let top = logits.iter().copied().fold(f32::MIN, f32::max);
        let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
        logits.iter().map(|logit| f64::from(logit - top) - sum.ln()).collect()
    }
}

/// Numbers as candle wants them; our writer has the widest type of each.
fn narrow(value: &mut Value) {
    match *value {
        Value::I64(number) => *value = u32::try_from(number).map_or(Value::I64(number), Value::U32),
        #[expect(clippy::cast_possible_truncation, reason = "it was read as f32")]
        Value::F64(number) => *value = Value::F32(number as f32),
        _ => {}
    }
}

/// Writes a file again, every tensor in f32.
pub fn widen(gguf: &Gguf, path: &Path) {
    let mut out = GgufWriter::default();
    gguf.metadata().iter().for_each(|(key, value)| out.set(key, value.clone()));
    for name in gguf.tensors().keys() {
        let tensor = gguf.tensor(name).unwrap();
        out.tensor(name, tensor.shape, tensor.data);
    }
    out.write(path).unwrap();
}
