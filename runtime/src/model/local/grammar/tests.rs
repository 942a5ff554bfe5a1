use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::ChaCha8Rng};

use super::*;
use crate::fuzz;
use crate::model::local::{
    gguf::{Architecture, Gguf},
    testing::TinyModel,
};

fn tokenizer() -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    TinyModel { architecture: Architecture::Llama, seed: 1 }.write(&path).unwrap();
    Tokenizer::from_gguf(&Gguf::open(&path).unwrap()).unwrap()
}

fn grammars() -> Grammars {
    Grammars::new(&tokenizer()).unwrap()
}

/// A reply of random tokens, cut after 400.
fn babble(mut grammar: Grammar, seed: u64) -> (String, bool) {
    let (tokenizer, mut rng, mut ids) = (tokenizer(), ChaCha8Rng::seed_from_u64(seed), vec![]);
    while !grammar.is_done() && ids.len() < 400 {
        let allowed: Vec<u32> = grammar.mask().unwrap().iter().collect();
        let id = allowed[rng.random_range(0..allowed.len())];
        assert!(tokenizer.ends().contains(&id) || !tokenizer.is_control(id), "{}", tokenizer.name(id));
        grammar.accept(id).unwrap();
        ids.push(id);
    }
    (tokenizer.decode(&ids), grammar.is_done())
}

fn record() -> Json {
    json!({
        "type": "object",
        "properties": {
            "team": { "enum": ["billing", "shipping", "ship"] },
            "urgent": { "type": "boolean" },
            "order": { "type": "integer", "minimum": 0, "maximum": 99999 },
        },
        "required": ["team", "urgent", "order"],
        "additionalProperties": false,
    })
}

#[test]
fn any_reply_satisfies_the_schema() {
    let grammars = grammars();
    for seed in 0..20 {
        let (text, done) = babble(grammars.schema(&record()).unwrap(), seed);
        assert!(done, "{text}");
        let json: Json = serde_json::from_str(&text).unwrap();
        assert!(["billing", "shipping", "ship"].contains(&json["team"].as_str().unwrap()), "{text}");
        assert!(json["urgent"].is_boolean() && json["order"].as_u64().unwrap() <= 99_999, "{text}");
        assert_eq!(json.to_string(), text, "white space between the parts");
    }
}

#[test]
fn strings_stay_strings() {
    let schema = json!({ "type": "object", "properties": { "why": { "type": "string", "maxLength": 12 } },
        "required": ["why"], "additionalProperties": false });
    let grammars = grammars();
    for seed in 0..20 {
        let (text, done) = babble(grammars.schema(&schema).unwrap(), seed);
        assert!(done, "{text}");
        assert!(serde_json::from_str::<Json>(&text).unwrap()["why"].as_str().unwrap().chars().count() <= 12);
    }
}

#[test]
fn a_choice_that_begins_another_may_end_or_go_on() {
    let (grammars, tokenizer) = (grammars(), tokenizer());
    let mut grammar = grammars.choices(&["ship".to_owned(), "shipping (all)".to_owned()]).unwrap();
    for id in tokenizer.encode("ship") {
        assert!(grammar.mask().unwrap().contains(id) && !grammar.is_done());
        grammar.accept(id).unwrap();
    }
    let mask = grammar.mask().unwrap();
    assert!(mask.contains(tokenizer.eos()) && mask.contains(tokenizer.encode("p")[0]));
    let mut other = grammar.clone();
    other.accept(tokenizer.eos()).unwrap();
    assert!(other.is_done() && !grammar.is_done(), "a clone goes its own way");
    tokenizer.encode("ping (all)").into_iter().for_each(|id| grammar.accept(id).unwrap());
    assert!(grammar.is_done());
    assert!(grammar.mask().unwrap().iter().all(|id| tokenizer.ends().contains(&id)));
}

#[test]
fn regular_expressions_are_obeyed() {
    let (text, done) = babble(grammars().regex("[a-c]{3}-[0-9]{2}").unwrap(), 3);
    assert!(done && text.len() == 6 && text.as_bytes()[3] == b'-', "{text}");
}

#[test]
fn unsupported_schemas_are_refused() {
    let grammars = grammars();
    for message in [
        grammars.schema(&json!("string")).err().unwrap().to_string(),
        grammars.schema(&json!({ "type": "wish" })).err().unwrap().to_string(),
        grammars
            .schema(&json!({ "type": "object", "dependentRequired": {"a": ["b"]} }))
            .err()
            .unwrap()
            .to_string(),
        grammars.regex("(").err().unwrap().to_string(),
        grammars.choices(&[]).err().unwrap().to_string(),
    ] {
        assert!(message.starts_with("failed to constrain the reply: "), "{message}");
    }
}

#[test]
fn a_token_that_is_not_allowed_is_refused() {
    let mut grammar = grammars().choices(&["yes".to_owned()]).unwrap();
    let no = tokenizer().encode("n")[0];
    assert!(!grammar.mask().unwrap().contains(no) && !grammar.mask().unwrap().contains(u32::MAX));
    assert!(grammar.accept(no).is_err());
}

proptest! {
    #[test]
    fn sets_hold_what_was_put_in(tokens in prop::collection::btree_set(0..2000_u32, 0..50)) {
        let set: TokenSet = tokens.iter().copied().collect();
        prop_assert!(set.iter().eq(tokens.iter().copied()));
        prop_assert!((0..2100).all(|id| set.contains(id) == tokens.contains(&id)));
        let bits = |id: &u32| set.words()[*id as usize / 32] >> (id % 32) & 1 == 1;
        prop_assert!(tokens.iter().all(bits));
    }
}

proptest! {
    #![proptest_config(fuzz::cases(64))]

    #[test]
    fn any_schema_is_enforced_or_refused(place in any::<prop::sample::Index>(), value in fuzz::json()) {
        thread_local!(static GRAMMARS: Grammars = grammars());
        for schema in [value.clone(), fuzz::with_value(record(), place, value)] {
            if let Ok(mut grammar) = GRAMMARS.with(|grammars| grammars.schema(&schema)) {
                let _ = grammar.mask();
            }
        }
    }
}
