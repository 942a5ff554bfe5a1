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
        (r#"name = "slang""#, r#"name = "typo""#, "there is already a family `typo`"),
        (
            r#"the = "that""#,
            r#"faucet = "water tap""#,
            "`water tap` contains a word of the task's labels or fields",
        ),
        (r#"the = "that""#, r#"some = "2 or so""#, "changes a number or a negation"),
        (r#"the = "that""#, r#"one = "seven""#, "`seven` for `one` changes a number"),
        (r#"the = "that""#, r#""the second" = "the third""#, "`the third` for `the second` changes a number"),
        (r#"the = "that""#, r#"the = "what the""#, "a rule finds `what the` itself"),
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

const SUMS: &str = r#"
format = 1
name = "sums"

[signature]
instructions = "Work it out."
inputs = { question = "text" }
outputs = { total = "integer" }

[data]
file = "rows.jsonl"

[model]
name = "scripted:SCRIPT"

[optimizer]
name = "auto"
budget = { calls = 600 }

[gate]
families = []
variants = 1

[[attack]]
name = "redrawn"
kind = "templates"
file = "templates.jsonl"
"#;

const BASKETS: &str = r#"{"text": "{who} from {town} fills {n} baskets with {k} {things} each, as {friend} wanted.", "draw": {"who": ["Nora", "Pavel"], "friend": ["Ines", "Theo"], "town": ["Turin", "Malmo"], "things": ["pears", "cherries"], "n": {"from": 2, "to": 60}, "k": {"from": 2, "to": 20}}, "where": "n > k", "answer": "n * k"}"#;

/// Rows of one template, each with words of its own, and a model that knows their answers by heart as soon as it is shown
/// one, and answers 12 to all else. One row is labelled wrongly.
fn sums() -> TaskFolder {
    let task = TaskFolder::new();
    let script = task.path().join("script.json");
    fs::write(task.path().join("task.toml"), SUMS.replace("SCRIPT", &script.display().to_string())).unwrap();
    let (mut rows, mut heart) = (String::new(), BTreeMap::new());
    for i in 0..200 {
        let (n, k) = (4 + i % 23, 3 + i % 2);
        let text = format!("A{i}x from B{i}y fills {n} baskets with {k} c{i}z each, as D{i}w wanted.");
        let total = n * k + usize::from(i == 60);
        rows += &format!("{}\n", serde_json::json!({"question": text, "total": total}));
        heart.insert(text, total.to_string());
    }
    let rule = serde_json::json!({"when": {"max_demonstrations": 0}, "then": {"reply": "12"}});
    let known = serde_json::json!({"rules": [rule], "table": heart, "default": "12"});
    fs::write(script, known.to_string()).unwrap();
    fs::write(task.path().join("rows.jsonl"), rows).unwrap();
    let none = BASKETS.replace("baskets", "baths");
    fs::write(task.path().join("templates.jsonl"), format!("{BASKETS}\n{none}\n")).unwrap();
    task
}

#[test]
fn templates_redraw_rows_and_a_prompt_that_knows_answers_by_heart_falls() {
    let task = sums();
    let checked = json(&task.command("check").arg("--json").output().unwrap());
    let redrawn = &checked["splits"]["families"]["redrawn"];
    let sealed = checked["splits"]["rows"]["gate"].as_u64().unwrap();
    let known = redrawn["made"].as_u64().unwrap() + redrawn["dropped"].as_u64().unwrap();
    assert_eq!((known, redrawn["idle"].as_u64()), (sealed, Some(0)), "{checked}");
    assert_eq!(checked["splits"]["templates"][0]["groups"]["gate"].as_u64(), Some(sealed), "{checked}");
    let said = told(&task.command("check").output().unwrap());
    for expected in [
        "templates.jsonl:1 is not used on ",
        ":61: the template answers 54 to the unchanged row, but the label is 55",
        "templates.jsonl:2 fits no row: none reads exactly so",
        "rows of one template count as independent and are not: templates.jsonl:1 fits 80 that the search sees and 120 sealed",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }

    let visible = json(&answer(&task, &["--json"], ""));
    let variants = visible["variants"].as_array().unwrap();
    assert!(variants.len() >= 79, "{}", variants.len());
    for variant in variants {
        let after = variant["after"].as_str().unwrap();
        let numbers: Vec<u64> = after.split(' ').filter_map(|word| word.parse().ok()).collect();
        let total = (numbers[0] * numbers[1]).to_string();
        assert_eq!(
            (variant["answer_after"].as_str(), &variant["class"]),
            (Some(&*total), &"G3".into()),
            "{after}"
        );
    }
    let shown = told(&answer(&task, &["--family", "redrawn"], ""));
    assert!(shown.contains("redrawn · G3 · ") && shown.contains(", now "), "{shown}");
    fs::write(task.path().join("templates.jsonl"), BASKETS.replace("\"to\": 60", "\"to\": 61")).unwrap();
    let other = json(&answer(&task, &["--json"], ""));
    assert_ne!(other["variants"], visible["variants"], "other templates make other variants");

    let compiled = task.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(compiled.status.code(), Some(10), "{}", told(&compiled));
    assert_eq!(json(&compiled)["kind"], "brittle", "{}", told(&compiled));

    // Where the text stands unchanged in every variant, knowing it by heart is enough.
    let plain = sums();
    plain.edit("families = []", "families = [\"filler\"]");
    plain.edit(SUMS.split_once("[[attack]]").unwrap().1, "");
    plain.edit("[[attack]]", "");
    let compiled = plain.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(compiled.status.code(), Some(0), "{}", told(&compiled));
}

#[test]
fn mistakes_in_templates_are_told_all_at_once() {
    let task = sums();
    let mistakes =
        [BASKETS.replace("\"n * k\"", "\"n * m\""), BASKETS.replace("n > k", "n > 60"), "{".to_owned()];
    fs::write(task.path().join("templates.jsonl"), mistakes.join("\n")).unwrap();
    let checked = task.command("check").output().unwrap();
    assert_eq!(checked.status.code(), Some(3), "{}", told(&checked));
    let said = told(&checked).split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "templates.jsonl:1: `answer` is \"n * m\": the text has no hole `m`",
        "templates.jsonl:2: none of 1000 draws can be used; for the first one, `where` is false",
        "templates.jsonl:3: not JSON: EOF while parsing an object (at byte 1 of 1)",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    fs::write(task.path().join("templates.jsonl"), "{\n".repeat(50)).unwrap();
    let said = told(&task.command("check").output().unwrap());
    assert!(said.contains("templates.jsonl: and 30 more mistakes"), "{said}");
    fs::remove_file(task.path().join("templates.jsonl")).unwrap();
    let said = told(&task.command("check").output().unwrap());
    assert!(said.contains("there is no file `templates.jsonl`"), "{said}");
}
