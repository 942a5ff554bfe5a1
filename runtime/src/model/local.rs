//! The embedded model: a language model inside the process, no key and no server.

pub mod chat;
pub mod gguf;
pub mod grammar;
pub mod pull;
pub mod quant;
pub mod registry;
pub mod sample;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokenizer;

#[cfg(test)]
mod tests;
