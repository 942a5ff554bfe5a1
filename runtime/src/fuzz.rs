//! Inputs of the property tests: valid files and texts with random changes, and random JSON.
//!
//! Every property runs a few hundred cases at most; the environment variable `PROPTEST_CASES` sets another number.

use proptest::{prelude::*, sample::Index};
use serde_json::Value as Json;

/// One change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Another byte at a place.
    Replace(Index, u8),
    /// Bytes put in at a place.
    Insert(Index, Vec<u8>),
    /// Up to this many bytes taken out at a place.
    Remove(Index, usize),
    /// Nothing is left from this place on.
    Cut(Index),
}

/// The configuration of a property with this many cases, unless `PROPTEST_CASES` says otherwise.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let from_environment = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => from_environment,
        None => ProptestConfig { cases, ..from_environment },
    }
}

/// One to five changes of a file. Small numbers and quotes are likelier than other bytes: they break more.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let byte = prop_oneof![any::<u8>(), 0..4_u8, Just(0xff), prop::sample::select(&b"\"{}[],:0-e\\"[..])];
    let change = prop_oneof![
        8 => (any::<Index>(), byte.clone()).prop_map(|(place, byte)| Change::Replace(place, byte)),
        2 => (any::<Index>(), prop::collection::vec(byte, 1..9)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        2 => (any::<Index>(), 1..9_usize).prop_map(|(place, count)| Change::Remove(place, count)),
        1 => any::<Index>().prop_map(Change::Cut),
    ];
    prop::collection::vec(change, 1..6)
}

/// The bytes after some changes.
pub(crate) fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        let length = bytes.len();
        match change {
            Change::Replace(place, byte) if length > 0 => bytes[place.index(length)] = *byte,
            Change::Replace(..) => {}
            Change::Insert(place, new) => {
                let place = place.index(length + 1);
                bytes.splice(place..place, new.iter().copied());
            }
            Change::Remove(place, count) => {
                let place = place.index(length + 1);
                bytes.drain(place..length.min(place + count));
            }
            Change::Cut(place) => bytes.truncate(place.index(length + 1)),
        }
    }
    bytes
}

/// Any JSON, up to four levels deep.
pub(crate) fn json() -> impl Strategy<Value = Json> {
    let text = prop_oneof!["[a-z_.]{0,8}", any::<String>()];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// A valid JSON document in which one value, chosen by `place`, is another one.
pub(crate) fn with_value(mut document: Json, place: Index, value: Json) -> Json {
    let count = count(&document);
    replace(&mut document, &mut place.index(count), value);
    document
}

fn children(json: &mut Json) -> Vec<&mut Json> {
    match json {
        Json::Array(items) => items.iter_mut().collect(),
        Json::Object(fields) => fields.values_mut().collect(),
        _ => vec![],
    }
}

fn count(json: &Json) -> usize {
    1 + match json {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(fields) => fields.values().map(count).sum(),
        _ => 0_usize,
    }
}

/// Replaces the value that comes `left` places after this one; tells whether it did.
fn replace(json: &mut Json, left: &mut usize, value: Json) -> bool {
    if *left == 0 {
        *json = value;
        return true;
    }
    *left -= 1;
    children(json).into_iter().any(|child| replace(child, left, value.clone()))
}
