//! `chain_of_thought`: reasoning before the answer (Wei et al. 2022, arXiv:2201.11903).

use super::Kind;
use crate::signature::{Field, Signature, Type};

/// The name of the added field.
pub const REASONING: &str = "reasoning";

/// Puts a text output named `reasoning` in front of the declared outputs.
pub struct ChainOfThought;

impl Kind for ChainOfThought {
    fn name(&self) -> &'static str {
        "chain_of_thought"
    }

    fn about(&self) -> &'static str {
        "asks for a line of reasoning, then for the outputs"
    }

    fn effective(&self, declared: &Signature) -> Signature {
        let mut effective = declared.clone();
        if declared.outputs.iter().all(|field| field.name != REASONING) {
            let mut reasoning = Field::new(REASONING, Type::Text);
            reasoning.about = "the steps that lead to the answer, briefly".into();
            effective.outputs.insert(0, reasoning);
        }
        effective
    }
}
