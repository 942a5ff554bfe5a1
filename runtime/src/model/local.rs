//! The embedded model: a language model inside the process, no key and no server.

pub mod gguf;
pub mod quant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokenizer;
