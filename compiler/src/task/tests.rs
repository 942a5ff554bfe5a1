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
