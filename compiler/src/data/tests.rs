use std::fmt::Write as _;

use super::*;

/// A task over some files.
fn task(files: &[(&str, &str)], data: &str) -> (tempfile::TempDir, Task) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!(
        "format = 1\n[signature]\ninstructions = \"Route.\"\ninputs = {{ message = \"text\" }}\n\
         outputs = {{ team = {{ type = \"choice\", choices = [\"a\", \"b\"] }} }}\n[data]\n{data}\n"
    );
    let task = Task::parse(text, &folder.path().join("task.toml"));
    (folder, task.unwrap_or_else(|errors| panic!("{errors}")))
}

fn rows(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let team = if n % 3 == 0 { "a" } else { "b" };
        let word = digest(&n).short();
        writeln!(text, "{{\"message\": \"{word} {}\", \"team\": \"{team}\"}}", digest(&word).short())
            .unwrap();
    }
    text
}

#[test]
fn one_file_is_split_25_15_60() {
    let (_folder, task) = task(&[("rows.jsonl", &rows(200))], "file = \"rows.jsonl\"");
    let (splits, report) = Splits::load(&task).unwrap();
    assert_eq!((splits.train.len(), splits.val.len(), splits.gate.len()), (50, 30, 120));
    assert_eq!(report.groups, 200);
}
