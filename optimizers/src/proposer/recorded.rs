//! Replies of real proposers: the texts that are read from each form, and from dialogues that were recorded.

use std::{collections::BTreeMap, fs};

use proofmark_runtime::{Example, ExampleId, Record};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{copying::RowText, reading::texts};
use crate::landscape::Landscape;

/// A reply of some form.
#[derive(Deserialize)]
struct Shaped {
    shape: String,
    /// The number of texts that were requested.
    most: usize,
    reply: String,
    becomes: Vec<String>,
}

#[test]
fn every_shape_is_read() {
    for line in include_str!("dialogues.jsonl").lines() {
        let Shaped { shape, most, reply, becomes } = serde_json::from_str(line).unwrap();
        assert_eq!(texts(&reply, most), becomes, "{shape}");
    }
}

/// A question and its reply, as GEPA logs them.
#[derive(Deserialize)]
struct Logged {
    request: Json,
    response: String,
}

/// Reads reflections from a file of recorded dialogues: `PROOFMARK_DIALOGUES=FILE cargo test ... -- --ignored`.
#[test]
#[ignore = "needs recorded dialogues"]
fn recorded_reflections_are_read() {
    let path = std::env::var("PROOFMARK_DIALOGUES").unwrap();
    let program = Landscape::flat(0).unwrap().program;
    let (mut read, mut quoting) = (0, 0);
    for line in fs::read_to_string(path).unwrap().lines() {
        let Logged { request, response } = serde_json::from_str(line).unwrap();
        let Some(rows) = request.as_str().filter(|asked| asked.contains("new instruction")).map(rows) else {
            continue;
        };
        let found = texts(&response, 1);
        let [text] = found.as_slice() else { panic!("not read: {response}") };
        read += 1;
        if RowText::new(&program, rows.iter()).quoted_in(text) {
            quoting += 1;
            println!("quotes a row: {text}\n");
        }
    }
    println!("{read} reflections read, {quoting} of them dropped since they quote a row");
    assert!(read > 0);
}

/// The rows that a reflection was shown: the text below each heading of inputs.
fn rows(asked: &str) -> Vec<Example> {
    let parts = asked.split("## Inputs\n").skip(1).filter_map(|part| part.split("\n## ").next());
    let rows = parts.enumerate().map(|(i, text)| Example {
        id: ExampleId(i.to_string()),
        inputs: Record::new().with("message", text),
        outputs: Record::new(),
        slices: BTreeMap::new(),
    });
    rows.collect()
}
