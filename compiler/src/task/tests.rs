//! What a task file says, and what is told where it says it wrongly.

mod mistakes;

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
fn modules_in_a_circle_are_told() {
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
fn a_file_that_is_not_there_or_no_text_is_told() {
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
