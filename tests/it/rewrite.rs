//! `attack --rewrite` as a user meets it: a model rewrites rows, another votes, and what is kept takes part in the gate.

use std::{fs, path::PathBuf, process::Output};

use serde_json::Value as Json;

use crate::support::{TaskFolder, json};

/// Reads the rows rightly.
const VERIFIER: &str = r#"{"table": {"faucet": "water", "tap": "water", "pothole": "street", "garbage": "bins"}, "default": "bins"}"#;

/// A task with a writer that says these things.
struct Rewritten {
    task: TaskFolder,
}

impl Rewritten {
    fn new(families: &str) -> Self {
        let task = TaskFolder::new();
        let (writer, verifier) = (task.path().join("writer.json"), task.path().join("verifier.json"));
        fs::write(&verifier, VERIFIER).unwrap();
        task.edit(
            "[optimizer]",
            &format!(
                "[rewriter]\nname = \"scripted:{}\"\nfamilies = {families}\n\n[rewriter.verifier]\nname = \"scripted:{}\"\n\n[optimizer]",
                writer.display(),
                verifier.display()
            ),
        );
        let rewritten = Self { task };
        rewritten.writes();
        rewritten
    }

    /// A writer that knows an answer for each row: one in six leaves the meaning, one in six adds a label word.
    fn writes(&self) {
        let rows = fs::read_to_string(self.task.path().join("rows.jsonl")).unwrap();
        let mut rules = vec![];
        for (i, row) in rows.lines().enumerate() {
            let row: Json = serde_json::from_str(row).unwrap();
            let message = row["message"].as_str().unwrap();
            let (_, noise) = message.split_once(' ').unwrap().1.split_once(' ').unwrap();
            let topic = message.split(' ').nth(1).unwrap();
            let told = match i % 6 {
                0 => format!("it is about a pothole or garbage {noise}, somewhere"),
                1 => format!("bins: {topic} {noise}, again"),
                _ => format!("somebody has to look after {noise}, it is the {topic}"),
            };
            // What turns an answer names another thing.
            for (crew, thing) in [("water", "faucet"), ("street", "pothole"), ("bins", "garbage")] {
                rules.push(serde_json::json!({
                    "when": {"last_contains": format!("Text: {message}"), "any_contains": format!("Wanted: {crew}")},
                    "then": {"reply": format!("the {thing} {noise}")},
                }));
            }
            rules.push(serde_json::json!({"when": {"last_contains": format!("Text: {message}")}, "then": {"reply": told}}));
        }
        fs::write(self.task.path().join("writer.json"), serde_json::json!({"rules": rules}).to_string())
            .unwrap();
    }

    fn rewrite(&self, arguments: &[&str]) -> Output {
        self.task.command("attack").arg("--rewrite").args(arguments).output().unwrap()
    }

    fn check(&self) -> Output {
        self.task.command("check").arg("--json").output().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.task.path().join("rewrites.jsonl")
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn what_all_votes_are_for_takes_part_and_what_changes_the_answer_is_dropped() {
    let rewritten = Rewritten::new(r#"["paraphrase", "contrast"]"#);
    let missing = rewritten.check();
    assert_eq!(missing.status.code(), Some(3));
    assert!(told(&missing).contains("attack TASK --rewrite"), "{}", told(&missing));

    let output = rewritten.rewrite(&["--json"]);
    let first = json(&output);
    let families = &first["families"];
    assert_eq!(first["rows"], 240);
    let paraphrase = &families["paraphrase"];
    // Of six rows one has another meaning in two of three cases and one names a label.
    assert_eq!(paraphrase["dropped"]["fault"], 40, "{first}");
    assert!(paraphrase["dropped"]["outvoted"].as_u64().unwrap() >= 20, "{first}");
    assert!(paraphrase["kept"].as_u64().unwrap() >= 160, "{first}");
    assert_eq!(families["contrast"]["kept"], 240, "{first}");
    assert!((first["verifier_knows"].as_f64().unwrap() - 1.0).abs() < 1e-12, "{first}");
    let bytes = fs::read(rewritten.file()).unwrap();
    let told_again = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told_again.contains("faucet"), "nothing of a row is shown: {told_again}");

    let again = json(&rewritten.rewrite(&["--json"]));
    assert_eq!(again["calls"]["made"], 0, "rewriting twice is free");
    assert_eq!(fs::read(rewritten.file()).unwrap(), bytes, "and gives the same bytes");

    let checked = json(&rewritten.check());
    let made = |name: &str| checked["splits"]["families"][name]["made"].as_u64().unwrap();
    assert!(made("paraphrase") > 20 && made("contrast") > 20, "{}", checked["splits"]["families"]);
    assert_eq!(checked["slices"]["contrast"], made("contrast"));
    assert_eq!(checked["splits"]["rewritings"]["stale"], 0);

    let shown =
        json(&rewritten.task.command("attack").args(["--json", "--family", "contrast"]).output().unwrap());
    for variant in shown["variants"].as_array().unwrap() {
        assert_eq!(variant["class"], "G2");
        assert_ne!(variant["answer_before"], variant["answer_after"]);
    }
    let compiled = rewritten.task.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(compiled.status.code(), Some(0), "{}", told(&compiled));
    let artifact = fs::read_to_string(json(&compiled)["artifact"].as_str().unwrap()).unwrap();
    assert!(artifact.contains("paraphrase") && artifact.contains("contrast"), "the certificate has both");
}

#[test]
fn a_budget_rewrites_some_rows_and_more_of_it_goes_on() {
    let rewritten = Rewritten::new(r#"["paraphrase"]"#);
    let some = json(&rewritten.rewrite(&["--json", "--budget-calls", "700"]));
    let rows = some["rows"].as_u64().unwrap();
    assert!(rows == 100 && some["questions"].as_u64().unwrap() <= 700, "{some}");
    let all = json(&rewritten.rewrite(&["--json"]));
    assert_eq!(all["calls"]["replayed"], some["calls"]["made"], "{all}");
    let none = rewritten.rewrite(&["--budget-calls", "3"]);
    assert_eq!(none.status.code(), Some(5), "{}", told(&none));
}

#[test]
fn lines_of_rows_that_are_gone_are_told_and_changed_ones_are_refused() {
    let rewritten = Rewritten::new(r#"["paraphrase"]"#);
    assert_eq!(rewritten.rewrite(&[]).status.code(), Some(0));
    let path = rewritten.task.path().join("rows.jsonl");
    let rows = fs::read_to_string(&path).unwrap();
    // The label of one row is corrected, another row is taken out.
    let changed: Vec<_> = rows.lines().skip(1).map(str::to_owned).collect();
    let corrected = changed[0].replace("street", "water");
    fs::write(
        &path,
        [corrected].into_iter().chain(changed.into_iter().skip(1)).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    let checked = json(&rewritten.check());
    assert_eq!(checked["splits"]["rewritings"]["stale"], 2, "{checked}");
    fs::write(&path, rows).unwrap();

    let text = fs::read_to_string(rewritten.file()).unwrap();
    let kept = text.lines().find(|line| line.contains("somebody has to")).unwrap();
    let other = kept.replace("paraphrase", "limerick");
    let bad = [
        kept.replace("somebody has to", "nobody has to"),
        other,
        kept.replace("\"votes\":3", "\"votes\":2"),
        "{\"format\": 1}".to_owned(),
        "not json".to_owned(),
        kept.to_owned(),
    ];
    fs::write(rewritten.file(), format!("{kept}\n\n{}\n", bad.join("\n"))).unwrap();
    let output = rewritten.check();
    let message = told(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    for expected in [
        "6 rows cannot be used",
        "rewrites.jsonl:3: it was changed after it was verified",
        "rewrites.jsonl:4: there is no way of rewriting `limerick`",
        "rewrites.jsonl:5: it was changed",
        "rewrites.jsonl:6: missing field `row`",
        "rewrites.jsonl:7: expected",
        "rewrites.jsonl:8: an earlier line has a `paraphrase` of the same row",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_verifier_that_cannot_tell_vouches_for_nothing() {
    let rewritten = Rewritten::new(r#"["paraphrase"]"#);
    fs::write(rewritten.task.path().join("verifier.json"), r#"{"default": "water"}"#).unwrap();
    let output = rewritten.rewrite(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("gives the right answer to 33 % of the rows"), "{}", told(&output));
    assert!(!rewritten.file().exists());
}

#[test]
fn the_model_that_is_judged_does_not_vote() {
    let rewritten = Rewritten::new(r#"["paraphrase"]"#);
    assert_eq!(rewritten.rewrite(&[]).status.code(), Some(0));
    let named = |name: &str| format!("scripted:{}", rewritten.task.path().join(name).display());
    rewritten.task.edit(&named("script.json"), &named("verifier.json"));
    for refused in [rewritten.check(), rewritten.rewrite(&[])] {
        assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
        assert!(told(&refused).contains("[rewriter.verifier]"), "{}", told(&refused));
    }
}

#[test]
fn mistakes_about_the_rewriter_are_told() {
    let task = TaskFolder::new();
    let output = task.command("attack").arg("--rewrite").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("names no model that rewrites rows"), "{}", told(&output));
    let mistakes = [
        ("families = [\"paraphrase\"]", "families = [\"parafrase\"]", "did you mean `paraphrase`?"),
        (
            "[rewriter]\n",
            "[gate]\nfamilies = [\"typo\", \"contrast\"]\n[rewriter]\n",
            "`contrast` needs a model, so it belongs in [rewriter]",
        ),
        ("families = [\"paraphrase\"]", "families = []", "`rewriter.families` is empty"),
        (
            "type = \"choice\", choices = [\"water\", \"street\", \"bins\"]",
            "type = \"text\"",
            "needs exactly one output",
        ),
    ];
    for (from, to, expected) in mistakes {
        let rewritten = Rewritten::new(r#"["paraphrase"]"#);
        if expected == "needs exactly one output" {
            rewritten.task.edit("\"paraphrase\"", "\"contrast\"");
        }
        rewritten.task.edit(from, to);
        let output = rewritten.check();
        assert_eq!(output.status.code(), Some(3), "{}", told(&output));
        assert!(told(&output).contains(expected), "{expected}: {}", told(&output));
    }
}
