//! Answers: what a program gave for a row, and when two answers are the same one.
//!
//! **Invariant:** two answers are the same if they differ in case, white space, punctuation and Unicode form alone.

use proofmark_optimizers::Outcome;
use proofmark_runtime::{Digest, Example, Program, Record, Source, digest};
use serde_json::Value as Json;

use crate::gate::text::plain;

/// What a program, with what was laid over it, gave, by output; nothing where there was no usable answer.
pub(crate) fn of(program: &Program, example: &Example, outcome: &Outcome) -> Option<Record> {
    let Outcome::Scored { trace, .. } = outcome else { return None };
    let value = |source: &Source| match source {
        Source::Input(name) => example.inputs.get(name),
        Source::Output { module, field } => {
            trace.iter().find(|step| step.module == *module).and_then(|step| step.outputs.get(field))
        }
    };
    Some(program.outputs().iter().map(|output| (output.name.clone(), output.value(value))).collect())
}

/// The hash that same answers share; all rows without a usable answer share one, too.
pub(crate) fn fingerprint(answer: Option<&Record>) -> Digest {
    digest(&("answer", answer.map(|outputs| folded(&outputs.to_json()))))
}

fn folded(json: &Json) -> Json {
    match json {
        Json::String(text) => Json::String(plain(text)),
        Json::Array(items) => items.iter().map(folded).collect(),
        Json::Object(map) => map.iter().map(|(name, value)| (name.clone(), folded(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proofmark_runtime::Value;

    use super::*;

    #[test]
    fn answers_are_the_same_whatever_their_dress() {
        let answer = |text: &str| fingerprint(Some(&Record::new().with("team", text)));
        assert_eq!(answer("Billing"), answer(" billing.\n"));
        assert_ne!(answer("billing"), answer("shipping"));
        assert_ne!(fingerprint(None), answer(""));
        let list = |text: &str| Record::new().with("tags", Value::List(vec![text.into()]));
        assert_eq!(fingerprint(Some(&list("A"))), fingerprint(Some(&list("a"))));
    }
}
