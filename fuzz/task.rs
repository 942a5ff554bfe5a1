//! A task with a field of every kind, for the targets that need one.

use std::path::Path;

use proofmark::task::Task;

const TASK: &str = r#"
format = 1
name = "fuzz"

[signature]
instructions = "Read the message."

[signature.inputs]
message = "text"
count = "integer"

[signature.outputs]
team = { type = "choice", choices = ["payment", "delivery"] }
share = "number"
urgent = "boolean"
names = { type = "list", of = "text" }
note = { type = "optional", of = "text" }

[data]
file = "rows.jsonl"

[metric]
name = "exact"
"#;

/// Reads the task.
pub fn task() -> Task {
    Task::parse(TASK.to_owned(), Path::new("task.toml")).expect("a sound task")
}
