//! `ensemble`: several prompts that vote, from the search to the shipped file.

use std::{fs, path::Path, process::Output};

use proofmark_runtime::artifact::Artifact;
use serde_json::{Value as Json, json};

use crate::support::{TaskFolder, artifact, json, proofmark};

/// A model that needs demonstrations, and is wrong about some messages of another ward with one, a few and many of them.
const SCRIPT: &str = r#"{
  "rules": [
    {"when": {"max_demonstrations": 0}, "then": {"reply": "water"}},
    {"when": {"max_demonstrations": 1, "last_contains": "ward one"}, "then": {"reply": "water"}},
    {"when": {"min_demonstrations": 2, "max_demonstrations": 5, "last_contains": "ward two"}, "then": {"reply": "street"}},
    {"when": {"min_demonstrations": 6, "last_contains": "ward three"}, "then": {"reply": "bins"}}
  ],
  "table": {"faucet": "water", "pothole": "street", "garbage": "bins"},
  "default": "water"
}"#;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn task() -> TaskFolder {
    let task = TaskFolder::new();
    fs::write(task.path().join("script.json"), SCRIPT).unwrap();
    let path = task.path().join("rows.jsonl");
    let rows = fs::read_to_string(&path).unwrap();
    let row = |(place, line): (usize, &str)| {
        let mut row: Json = serde_json::from_str(line).unwrap();
        let ward = ["one", "two", "three"][place / 3 % 3];
        row["message"] = format!("{} in ward {ward}", row["message"].as_str().unwrap()).into();
        format!("{row}\n")
    };
    fs::write(&path, rows.lines().enumerate().map(row).collect::<String>()).unwrap();
    task.edit("\"auto\"", "\"ensemble\"");
    task.edit("calls = 600", "calls = 1500");
    task
}

/// What a command prints about a vote, as JSON.
fn told(command: &str, flags: &[&str], path: &Path) -> Json {
    let output = proofmark().arg(command).arg("--json").args(flags).arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
    json(&output)
}

#[test]
fn prompts_that_err_on_different_rows_vote_and_ship_as_one() {
    let task = task();
    let check = json(&task.command("check").arg("--json").output().unwrap());
    assert_eq!(check["calls"]["votes"], 5, "that many may vote");
    let output = task.command("compile").arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let compiled = json(&output);
    assert_eq!(compiled["calls_per_row"], json!({"old": 1, "new": 3}));
    assert!(
        compiled["finalists"][0]["name"].as_str().unwrap().starts_with("a vote of 3: (1) "),
        "{compiled}"
    );
    let report = fs::read_to_string(compiled["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("<b>1 → 3</b>") && report.contains("<h3>main_3</h3>"));

    let path = artifact(&compiled);
    let shipped = Artifact::read(&path).unwrap();
    assert_eq!((shipped.parts().candidate.votes(), shipped.prompts().len()), (3, 3));
    let shown = proofmark().arg("show").arg(&path).arg("--diff").output().unwrap();
    assert!(stderr(&shown).contains("a vote of 3"), "{}", stderr(&shown));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("+ === module main_3"));
    for ward in ["one", "two", "three"] {
        let message = format!("message=a faucet in ward {ward}");
        let run = proofmark().arg("run").arg(&path).arg(message).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), r#"{"outputs":{"crew":"water"}}"#);
    }
    let rows = task.path().join("rows.jsonl");
    let scored = told("eval", &["--target", "0.9", path.to_str().unwrap()], &rows);
    assert_eq!((&scored["verdict"], &scored["calls"]), (&"pass".into(), &720.into()));
    let verified = proofmark().args(["verify", "--json"]).arg(&path).output().unwrap();
    assert_eq!(json(&verified)["verification"]["changed"], 0, "{}", stderr(&verified));
    let folder = task.path().to_str().unwrap();
    assert_eq!(told("gate", &["--task", folder, "--candidate"], &path)["verdict"], "accept");
}

/// A vote is a program like any other, so it can be what is to be beaten.
#[test]
fn a_vote_can_be_the_baseline() {
    let task = task();
    let path = artifact(&json(&task.command("compile").arg("--json").output().unwrap()));
    let mut again = task.command("compile");
    let again =
        again.args(["--json", "--optimizer", "edits", "--budget-calls", "400", "--baseline"]).arg(&path);
    let output = again.output().unwrap();
    assert_eq!(json(&output)["calls_per_row"], json!({"old": 3, "new": 3}), "{}", stderr(&output));
}

#[test]
fn a_comparison_tells_that_prompts_vote() {
    let task = task();
    let mut compare = task.command("compare");
    compare.args(["--optimizers", "ensemble", "--seeds", "1", "--budget-calls", "1500"]);
    let output = compare.output().unwrap();
    assert!(stderr(&output).contains("ensemble: a row takes 3.0 times the calls"), "{}", stderr(&output));
    let document = json(&compare.arg("--json").output().unwrap());
    assert_eq!(document["trials"][0]["votes"], 3);
}
