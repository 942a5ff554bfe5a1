//! `attack` as a user meets it: families of one's own, variants shown, and an audit that gets into the certificate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use crate::support::{TaskFolder, json};

const OWN: &str = r#"[[attack]]
name = "slang"
replace = { the = "that", "such words" = "such talk" }

[[attack]]
name = "shout"
kind = "command"
command = ["sh", "-c", """
while read -r line; do
    printf '%s\\n' "$line" | sed 's/","seed".*/, hear me"}/; s/^.*"text"/{"text"/'
done"""]

[optimizer]"#;

/// `attack` with something on its standard input.
fn answer(task: &TaskFolder, arguments: &[&str], input: &str) -> Output {
    let mut command = task.command("attack");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn families_of_ones_own_take_part_and_are_held_to_their_guarantee() {
    let task = TaskFolder::new();
    task.edit("[optimizer]", OWN);
    let checked = json(&task.command("check").arg("--json").output().unwrap());
    let families = &checked["splits"]["families"];
    for name in ["slang", "shout"] {
        assert!(families[name]["made"].as_u64() > Some(10), "{families}");
    }
    let sealed = checked["splits"]["rows"]["gate"].as_u64().unwrap();
    assert_eq!(checked["slices"]["slang"], families["slang"]["made"], "of {sealed} sealed rows");

    let slang = told(&answer(&task, &["--family", "slang"], ""));
    assert!(slang.contains("slang · G1") && slang.contains("[-the-]{+that+} "), "{slang}");
    let shout = told(&answer(&task, &["--family", "shout"], ""));
    assert!(shout.contains(", hear me+}"), "{shout}");
    let visible = json(&answer(&task, &["--json"], ""));
    let rows: BTreeSet<_> =
        visible["variants"].as_array().unwrap().iter().map(|v| v["row"].as_str()).collect();
    let counts = &checked["splits"]["rows"];
    let can_be_seen = counts["train"].as_u64().unwrap() + counts["val"].as_u64().unwrap();
    assert_eq!(rows.len() as u64, can_be_seen, "variants of visible rows, and of all of them");
}

/// Right only where the choices are listed as the task lists them.
const LEARNED_THE_LIST: &str = r#"{
  "rules": [
    {"when": {"max_demonstrations": 0}, "then": {"reply": "water"}},
    {"when": {"any_lacks": "water, street, bins"}, "then": {"reply": "water"}}
  ],
  "table": {"faucet": "water", "pothole": "street", "garbage": "bins"}
}"#;

#[test]
fn a_prompt_that_learned_the_order_of_the_choices_falls_on_another_listing() {
    let task = TaskFolder::new();
    fs::write(task.path().join("script.json"), LEARNED_THE_LIST).unwrap();
    task.edit("[optimizer]", "[gate]\nfamilies = [\"listing\"]\nvariants = 1\n\n[optimizer]");
    let checked = json(&task.command("check").arg("--json").output().unwrap());
    let sealed = checked["splits"]["rows"]["gate"].as_u64();
    assert_eq!(checked["slices"]["listing"].as_u64(), sealed, "{checked}");
    let shown = told(&answer(&task, &["--family", "listing"], ""));
    assert!(shown.contains("{+listed: ") && shown.contains("listing · G0 · 0 % edited"), "{shown}");
    let compiled = task.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(compiled.status.code(), Some(10), "{}", told(&compiled));
    assert_eq!(json(&compiled)["kind"], "brittle", "{}", told(&compiled));
}

#[test]
fn mistakes_in_families_of_ones_own_are_told() {
    let mistakes = [
        (r#"name = "slang""#, r#"name = "typo""#, "there is a family `typo` already"),
        (
            r#"the = "that""#,
            r#"faucet = "water tap""#,
            "`water tap` holds a word of the task's labels or fields",
        ),
        (r#"the = "that""#, r#"two = "2 or so""#, "changes a number or a negation"),
        (r#"the = "that""#, r#"the = "what the""#, "`what the` is itself found by a rule"),
        (r#"kind = "command""#, r#"kind = "comand""#, "there is no kind of family `comand`"),
        (
            r#""sh", "-c""#,
            r#""sh", "-c", "echo why >&2; exit 3""#,
            "family `shout`, the command `sh -c echo why",
        ),
    ];
    for (from, to, expected) in mistakes {
        let task = TaskFolder::new();
        task.edit("[optimizer]", OWN);
        task.edit(from, to);
        let checked = task.command("check").output().unwrap();
        let message = told(&checked);
        assert_eq!(checked.status.code(), Some(3), "{message}");
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_person_audits_variants_and_the_certificate_says_so() {
    let task = TaskFolder::new();
    let first = told(&answer(&task, &["--audit"], "k\nwhat?\nk\nd\nq\n"));
    assert!(first.contains("3 variants: 1 has another right answer"), "{first}");
    assert!(first.contains("k, d or q?") && first.contains("57 of 60 are left"), "{first}");
    let second = told(&answer(&task, &["--audit"], "keep\n"));
    assert!(second.contains("4 of 60") && second.contains("4 variants"), "it goes on: {second}");

    let page = task.path().join("audit.html");
    let written = answer(&task, &["--html", page.to_str().unwrap()], "");
    assert_eq!(written.status.code(), Some(0), "{}", told(&written));
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains("http"), "it asks for nothing from outside");
    let items: Vec<_> = html.split("data-item=\"").skip(1).map(|part| part[..64].to_owned()).collect();
    assert_eq!((items.len(), html.matches("data-said=\"drop\"").count()), (60, 1));

    let decisions: BTreeMap<_, _> = items.iter().map(|item| (item.clone(), "keep")).collect();
    let exported = |decisions: &BTreeMap<String, &str>| {
        let path = task.path().join("audit.json");
        let text = serde_json::json!({ "task": "crews", "decisions": decisions }).to_string();
        fs::write(&path, text).unwrap();
        answer(&task, &["--json", "--audit", path.to_str().unwrap()], "")
    };
    let stranger = exported(&[("0".repeat(64), "keep")].into());
    assert_eq!(stranger.status.code(), Some(3));
    assert!(told(&stranger).contains("about variants that this task does not have"), "{}", told(&stranger));
    let all = json(&exported(&decisions));
    assert_eq!((&all["audited"]["read"], &all["audited"]["invalid"]), (&60.into(), &0.into()), "{all}");

    let compiled = task.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(compiled.status.code(), Some(0), "{}", told(&compiled));
    let compiled = json(&compiled);
    let upper = compiled["audited"]["upper95"].as_f64().unwrap();
    assert!((upper - 0.0487).abs() < 1e-4, "{compiled}");
    let artifact = fs::read_to_string(compiled["artifact"].as_str().unwrap()).unwrap();
    assert!(artifact.contains("\"audited\""), "the certificate has it");
    let report = fs::read_to_string(compiled["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("a person read 60 variants"), "the report has it");
}
