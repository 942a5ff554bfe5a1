//! Comparing optimizers, end to end.

use std::{fs, process::Output};

use serde_json::Value as Json;

use crate::support::{TaskFolder, json};

fn compare(task: &TaskFolder, flags: &[&str]) -> (Json, Output) {
    let output = task.command("compare").args(["--seeds", "2", "--json"]).args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (json(&output), output)
}

fn line<'d>(document: &'d Json, name: &str) -> &'d Json {
    let lines = document["optimizers"].as_array().unwrap();
    lines.iter().find(|line| line["name"] == name).unwrap()
}

#[test]
fn demonstrations_beat_the_baseline_where_only_they_help() {
    let task = TaskFolder::new();
    let (document, _) = compare(&task, &["--optimizers", "baseline,labeled,edits"]);
    assert_eq!(document["optimizers"][0]["name"], "labeled");
    assert!(line(&document, "labeled")["lead"]["lower95"].as_f64().unwrap() > 0.3, "{document:#}");
    for name in ["baseline", "edits"] {
        let lead = &line(&document, name)["lead"];
        assert_eq!((&lead["lower95"], &lead["upper95"]), (&0.0.into(), &0.0.into()), "{name}");
    }
    let page = fs::read_to_string(document["page"].as_str().unwrap()).unwrap();
    assert!(page.contains("Only labeled is shown to beat") && !page.contains("http://"));
    let csv = fs::read_to_string(document["csv"].as_str().unwrap()).unwrap();
    assert_eq!(csv.lines().count(), 7);
}

#[test]
fn a_repeated_comparison_replays_and_says_the_same() {
    let task = TaskFolder::new();
    let (first, _) = compare(&task, &["--optimizers", "labeled", "--budget-calls", "200"]);
    let (second, _) = compare(&task, &["--optimizers", "labeled", "--budget-calls", "200"]);
    assert_eq!(second["calls"]["made"], 0);
    let honest = |document: &Json| (document["groups"].clone(), document["optimizers"][0]["lead"].clone());
    assert_eq!(honest(&first), honest(&second));
}

/// The sealed rows are for the prompt that is shipped: a comparison takes no look at them.
#[test]
fn the_sealed_rows_stay_sealed() {
    let task = TaskFolder::new();
    compare(&task, &["--optimizers", "labeled", "--budget-calls", "200"]);
    let check = json(&task.command("check").arg("--json").output().unwrap());
    assert_eq!(check["looks_taken"], 0);
}

#[test]
fn where_scores_are_coins_claims_are_high_and_honest_numbers_are_not() {
    let task = TaskFolder::new();
    let flags = ["--optimizers", "labeled,auto", "--phantom", "--seeds", "24"];
    let output = task.command("compare").arg("--json").args(flags).output().unwrap();
    let document = json(&output);
    assert_eq!(document["calls"]["made"], 0);
    for name in ["labeled", "auto"] {
        let line = line(&document, name);
        let (claimed, honest) = (line["claimed"].as_f64().unwrap(), line["honest"].as_f64().unwrap());
        assert!(claimed > 0.56, "{name} claims {claimed}");
        // 24 seeds of 32 held rows: 768 coins, standard error 1.8 points.
        assert!((honest - 0.5).abs() < 0.07, "{name} is worth {honest}");
        assert!(line["accepted"].as_u64().unwrap() <= 4, "{line}");
    }
}

#[test]
fn optimizers_that_are_unknown_or_named_twice_are_told() {
    let task = TaskFolder::new();
    for (names, told) in [("labeled,labelled", "no optimizer `labelled`"), ("auto,auto", "named twice")] {
        let output = task.command("compare").args(["--optimizers", names]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{names}");
    }
}
