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
