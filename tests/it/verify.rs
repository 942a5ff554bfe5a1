//! Verifying a stamped prompt: the model as it was, and after updates.

use std::fs;

use crate::support::{TaskFolder, artifact, json, proofmark};

/// Compiles, puts another script in the model's place and verifies.
fn after(update: impl Fn(&str) -> String) -> (Option<i32>, serde_json::Value) {
    let task = TaskFolder::new();
    let compiled = json(&task.command("compile").args(["--json", "--quiet"]).output().unwrap());
    assert_eq!(compiled["verdict"], "accept", "{compiled}");
    let script = task.path().join("script.json");
    let text = fs::read_to_string(&script).unwrap();
    fs::write(&script, update(&text)).unwrap();
    let output = proofmark().args(["verify", "--json"]).arg(artifact(&compiled)).output().unwrap();
    (output.status.code(), json(&output))
}

#[test]
fn acceptance_8_a_model_that_did_not_change_is_not_called_changed() {
    let (code, found) = after(str::to_owned);
    let (found, own) = (&found["verification"], &found["own_changes"]);
    assert_eq!((found["changed"].as_u64(), own["changed"].as_u64()), (Some(0), Some(0)), "{found}");
    assert!(own["rows"].as_u64().unwrap() > 30 && found["noticed_after"].is_null(), "{found} {own}");
    // 90 visible rows or so notice one changed answer in ten often enough to say so, or it is said that they do not.
    let stable = found["power"].as_f64().unwrap() >= 0.8;
    assert_eq!(code, Some(if stable { 0 } else { 11 }), "{found}");
}

#[test]
fn acceptance_8_an_update_that_breaks_answers_is_told() {
    let (code, found) = after(|script| script.replace("\"garbage\": \"bins\"", "\"garbage\": \"street\""));
    let found = &found["verification"];
    assert_eq!((code, &found["conclusion"]), (Some(12), &"regressed".into()), "{found}");
    assert!(found["noticed_after"].as_u64().unwrap() < 60, "{found}");
    let all = &found["slices"][0];
    assert_eq!(all["broken"].as_u64().map(|n| n as usize), found["broken"].as_array().map(Vec::len));
    assert_eq!(all["fixed"], 0);
}

#[test]
fn an_artifact_without_a_record_is_told_what_to_do() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/golden/artifact-v1.json");
    let output = proofmark().args(["verify", golden]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("compile again"));
}

#[test]
fn what_needs_an_approval_does_not_run_before_it_has_one() {
    let task = TaskFolder::new();
    let compile = task.command("compile").args(["--json", "--quiet", "--require-approval"]).output().unwrap();
    let path = artifact(&json(&compile));
    let run = || proofmark().arg("run").arg(&path).arg("message=a new pothole").output().unwrap();
    let refused = run();
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("waits for an approval"));
    let approve =
        || proofmark().args(["approve", "--by", "Ada", "--note", "read it"]).arg(&path).output().unwrap();
    assert_eq!(approve().status.code(), Some(0));
    assert_eq!(run().status.code(), Some(0));
    assert_eq!(approve().status.code(), Some(2), "once is enough");
    let shown = proofmark().args(["show", "--json"]).arg(&path).output().unwrap();
    assert_eq!(json(&shown)["approval"]["given"]["by"], "Ada");
}

#[test]
fn why_tells_what_each_part_does() {
    let task = TaskFolder::new();
    task.edit("calls = 600", "calls = 600, pruning = 400");
    let compiled = json(&task.command("compile").args(["--json", "--quiet"]).output().unwrap());
    let why = proofmark().args(["show", "--why"]).arg(artifact(&compiled)).output().unwrap();
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("effect on the score") || why.contains("too few parts"), "{why}");
}
