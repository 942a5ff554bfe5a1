//! A planted memoriser and a brittle prompt on real rows, with the embedded model.
//!
//! `PROOFMARK_ROWS=rows.jsonl:text:label:a,b,c cargo test --release -p proofmark --test it planted -- --ignored` takes
//! any file of JSON lines with its columns for text and label, and three labels. Whether the search finds a brittle prompt
//! hangs on the rows: docs/gate.md says which ones it does on. `compiler/src/compile/planted.rs` plants the whole set with a
//! scripted model, every day.

use std::{fs, process::Output};

use proofmark_runtime::digest;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::{has_model, json, proofmark};

/// The part of the rows of a label, in percent: to learn from, to rank on, to be judged on.
const SPLITS: [(&str, usize); 3] = [("train", 30), ("val", 15), ("gate", 50)];
/// Rows of a label that are used at most.
const MOST: usize = 100;

/// Texts by label, in an order that depends on the texts alone.
fn texts() -> Vec<(String, Vec<String>)> {
    let named = std::env::var("PROOFMARK_ROWS").unwrap_or_default();
    assert!(
        named.matches(':').count() > 2,
        "PROOFMARK_ROWS=FILE:TEXT COLUMN:LABEL COLUMN:THREE,LABELS,THERE is not set"
    );
    let [labels, label, text, path] = named.rsplitn(4, ':').collect::<Vec<_>>().try_into().unwrap();
    let rows = fs::read_to_string(path).unwrap();
    let rows: Vec<Json> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_label = |wanted: &str| {
        let rows = rows.iter().filter(|row| row[label].as_str().unwrap().to_lowercase() == wanted);
        let mut texts: Vec<_> = rows.map(|row| row[text].as_str().unwrap().to_owned()).collect();
        texts.sort_by_cached_key(|text| digest(text.as_str()));
        (wanted.to_owned(), texts)
    };
    labels.split(',').map(of_label).collect()
}

/// A task with rows of each split for each label, which are labelled as if it were so many labels further.
fn task(gate: &str, further: impl Fn(&str) -> usize) -> TempDir {
    let texts = texts();
    let labels: Vec<_> = texts.iter().map(|(label, _)| label.as_str()).collect();
    let folder = tempfile::tempdir().unwrap();
    let shown = texts
        .iter()
        .map(|(label, texts)| format!("[[demos]]\ntext = {}\nlabel = \"{label}\"\n", json!(texts[0])));
    let shown: String = shown.collect();
    let mut used = 1;
    for (split, share) in SPLITS {
        let fewest = texts.iter().map(|(_, texts)| texts.len()).min().unwrap();
        let rows = (share * fewest.min(MOST)).div_ceil(100) - 1;
        let lines = texts.iter().enumerate().flat_map(|(i, (_, texts))| {
            let label = labels[(i + further(split)) % labels.len()];
            let row = move |text: &String| json!({"text": text, "label": label});
            texts.iter().skip(used).take(rows).map(row).collect::<Vec<_>>()
        });
        let mut lines: Vec<_> = lines.map(|row| format!("{row}\n")).collect();
        lines.sort_by_cached_key(|line| digest(line.as_str()));
        fs::write(folder.path().join(format!("{split}.jsonl")), lines.concat()).unwrap();
        used += rows;
    }
    let text = format!(
        "format = 1\nname = \"planted\"\n[signature]\ninstructions = \"Sort the message into the category it belongs to.\"\n\
         inputs = {{ text = \"text\" }}\n[signature.outputs]\nlabel = {{ type = \"choice\", choices = {labels:?} }}\n{shown}\
         [data]\ntrain = \"train.jsonl\"\nval = \"val.jsonl\"\ngate = \"gate.jsonl\"\n\
         [model]\nname = \"local/smollm2-135m-instruct\"\n[optimizer]\nname = \"auto\"\nbudget = {{ calls = 600 }}\n\
         [gate]\ncase_insensitive = true\n{gate}\n"
    );
    fs::write(folder.path().join("task.toml"), text).unwrap();
    folder
}

fn compile(folder: &TempDir) -> (Option<i32>, Json) {
    let output: Output =
        proofmark().arg("compile").arg(folder.path()).args(["--json", "--quiet"]).output().unwrap();
    let compiled = json(&output);
    (output.status.code(), compiled)
}

fn kinds(compiled: &Json) -> Vec<String> {
    let finalists = compiled["finalists"].as_array().unwrap();
    finalists.iter().map(|finalist| finalist["kind"].as_str().unwrap_or("accepted").to_owned()).collect()
}

/// Sealed rows are labelled by another rule than those that the search sees, so what it learns is true there and gone here.
#[test]
#[ignore = "needs rows that are not part of this project, and asks the embedded model a thousand times"]
fn planted_memorisers_on_real_rows_are_refused_by_name() {
    assert!(has_model());
    let folder = task("variants = 1", |split| usize::from(split == "gate"));
    let (code, compiled) = compile(&folder);
    assert_eq!(kinds(&compiled)[0], "memorised", "{compiled}");
    assert_eq!(code, Some(10), "{compiled}");
}

/// Nothing is planted in the rows: this model follows orders in its input, and more so the better its prompt.
#[test]
#[ignore = "needs rows that are not part of this project, and asks the embedded model a thousand times"]
fn prompts_that_are_brittle_on_real_rows_are_refused_by_name() {
    assert!(has_model());
    let folder = task("families = [\"injection\"]\nvariants = 1", |_| 0);
    let (code, compiled) = compile(&folder);
    assert_eq!(kinds(&compiled)[0], "brittle", "{compiled}");
    assert!(matches!(code, Some(10 | 11)), "{compiled}");
}
