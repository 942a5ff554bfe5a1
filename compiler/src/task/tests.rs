//! Sound task files, and the reports on unsound ones.

mod mistakes;

use proptest::prelude::*;

use super::*;

/// A folder with a data file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), "{\"message\": \"hi\", \"team\": \"a\"}\n").unwrap();
    folder
}

const MINIMAL: &str = r#"format = 1

[signature]
instructions = "Route."
inputs = { message = "text" }
outputs = { team = { type = "choice", choices = ["a", "b"] } }

[data]
file = "rows.jsonl"
"#;

const WIRED: &str = r#"format = 1
name = "two steps"

[inputs]
document = "text"
question = { type = "text", about = "what is asked" }

[[module]]
name = "extract"
instructions = "Sum up."
inputs = { document = "document" }
outputs = { summary = "text" }

[[module]]
name = "answer"
kind = "chain_of_thought"
instructions = "Answer."
[module.inputs]
facts = { from = "extract.summary", about = "what is known" }
question = "question"
[module.outputs]
answer = "text"
score = { type = "number", min = 0, max = 1, optional = true }
[[module.demos]]
facts = "It rained."
question = "Was it wet?"
reasoning = "Rain is wet."
answer = "yes"

[data]
file = "rows.jsonl"
inputs = { document = "message" }

[metric]
kind = "f1"
pass = 0.8
[metric.outputs]
score = { kind = "number", tolerance = 0.1, weight = 2 }
"#;

fn parse(text: &str) -> Result<Task, TaskErrors> {
    let folder = folder();
    Task::parse(text.to_owned(), &folder.path().join(TASK_FILE))
}

#[test]
fn a_signature_and_a_file_are_enough() {
    let task = parse(MINIMAL).unwrap();
    assert_eq!(task.program.modules()[0].name, SOLE_MODULE);
    assert_eq!(task.model.name, DEFAULT_MODEL);
    assert_eq!((task.optimizer.name.as_str(), task.gate.variants), ("auto", 3));
}

#[test]
fn modules_are_wired_and_inherit_types_and_words() {
    let task = parse(WIRED).unwrap();
    let answer = task.program.module("answer").unwrap();
    let words: Vec<_> = answer.signature.inputs.iter().map(|field| field.about.as_str()).collect();
    assert_eq!(words, ["what is known", "what is asked"]);
    assert_eq!(answer.wiring["facts"].written(), "extract.summary");
    assert_eq!(answer.demonstrations.len(), 1);
    let outputs: Vec<_> = task.program.outputs().iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["answer", "score"], "those of the last module");
    assert!((task.metric.pass().get() - 0.8).abs() < 1e-12);
    assert_eq!(task.data.columns.input("document"), "message");
}

#[test]
fn modules_in_a_circle_are_reported() {
    let circle = WIRED.replace(
        "inputs = { document = \"document\" }",
        "inputs = { document = \"document\", hint = \"answer.answer\" }",
    );
    let errors = parse(&circle).unwrap_err().to_string();
    assert!(errors.ends_with("modules extract, answer wait for each other in a circle"), "{errors}");
}

/// As a terminal of 100 columns shows it.
#[test]
fn mistakes_are_shown_in_their_lines() {
    let errors = parse(&MINIMAL.replace("\"choice\"", "\"choise\"").replace("[data]", "[dta]")).unwrap_err();
    let mut shown = String::new();
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(100);
    handler.render_report(&mut shown, &errors.into_report()).unwrap();
    assert!(shown.contains("task.toml has 2 mistakes"), "{shown}");
    assert!(shown.contains("help: did you mean `choice`?") && shown.contains("unknown type"), "{shown}");
    println!("{shown}");
}

#[test]
fn a_missing_file_and_a_binary_file_are_reported() {
    let folder = folder();
    let missing = Task::load(folder.path()).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the task file"), "{missing}");
    std::fs::write(folder.path().join(TASK_FILE), b"format = 1\nname = \"\xff\"").unwrap();
    let errors = Task::load(folder.path()).unwrap_err().to_string();
    assert!(errors.ends_with("task.toml:2: the task file is not UTF-8 (save it as UTF-8)"), "{errors}");
    std::fs::write(folder.path().join(TASK_FILE), format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n")))
        .unwrap();
    assert_eq!(Task::load(folder.path()).unwrap().program.inputs().len(), 1);
}

/// A text with the bytes from `at` on, `length` of them, replaced.
fn mutated(text: &str, at: usize, length: usize, put: &str) -> String {
    let at = text.floor_char_boundary(at % (text.len() + 1));
    let end = text.floor_char_boundary((at + length).min(text.len()));
    format!("{}{put}{}", &text[..at], &text[end..])
}

/// Whether a text is a task, or has mistakes whose places are inside of it and can be shown.
fn is_read_or_reported(text: &str) -> bool {
    let Err(errors) = parse(text) else { return true };
    let inside = |problem: &Problem| {
        let span = &problem.span;
        span.start <= span.end && span.end <= text.len() && text.is_char_boundary(span.start)
    };
    let mut shown = String::new();
    let lines = errors.to_string().lines().count();
    let is_placed = lines > 0 && errors.problems().iter().all(inside);
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    is_placed && handler.render_report(&mut shown, &errors.into_report()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_changed_task_file_is_read_or_reported(
        wired: bool, at in 0usize..2000, length in 0usize..40,
        put in r#"[\[\]{}"=.,#0-9a-z_\n äß\-]{0,12}|\[\[attack\]\]\n|\[rewriter\]\nfamilies = \[\]\n|optional = [0-9]"#
    ) {
        let text = mutated(if wired { WIRED } else { MINIMAL }, at, length, &put);
        prop_assert!(is_read_or_reported(&text), "{text}");
    }

    #[test]
    fn any_value_of_any_key_is_read_or_reported(
        section in prop::sample::select(vec![
            "data", "metric", "model", "proposer", "optimizer", "gate", "rewriter", "signature", "inputs", "outputs",
        ]),
        key in prop::sample::select(vec![
            "file", "kind", "name", "budget", "families", "outputs", "command", "pattern", "weight", "policy", "verifier",
            "columns", "inputs", "timeout_seconds", "max_tokens", "foreign", "instructions", "seed", "slices",
        ]),
        value in prop::sample::select(vec![
            "1", "-1", "1e400", "nan", "\"x\"", "\"\"", "[]", "[1]", "[\"a\", \"a\"]", "{}", "{ a = {} }", "true",
            "99999999999999999999", "2026-01-01", "[[[]]]", "{ type = \"list\", items = {} }", "\"regex\"", "\"command\"",
        ]),
    ) {
        let text = format!("{MINIMAL}\n[{section}]\n{key} = {value}\n");
        prop_assert!(is_read_or_reported(&text), "{text}");
        let text = MINIMAL.replace("[data]", &format!("[{section}]\n{key} = {value}\n[data]"));
        prop_assert!(is_read_or_reported(&text), "{text}");
    }
}
