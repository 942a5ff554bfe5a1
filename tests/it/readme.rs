//! The commands of README.md: every one that stands there runs here, or is known and held against the repository.

use std::{fs, path::Path};

use proofmark::task::Task;
use tempfile::TempDir;

use crate::support::proofmark;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The commands of a guide: the lines of indented blocks that begin with `cargo` or name a script, comments cut off.
fn commands(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join(name)).unwrap();
    let indented = text.lines().filter_map(|line| line.strip_prefix("    "));
    let commands = indented.filter(|line| line.starts_with("cargo ") || line.starts_with(".ci/"));
    commands.map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
}

/// Runs a command of the README in a folder that all of them share.
fn run(arguments: &[&str], folder: &Path) {
    if let ["gate", ..] = arguments {
        for (name, every) in [("old.jsonl", 3), ("new.jsonl", 1)] {
            let line = |row: u32| {
                format!("{{\"seed\": \"{row}\", \"score\": {}}}\n", u8::from(row.is_multiple_of(every)))
            };
            fs::write(folder.join(name), (0..90).map(line).collect::<String>()).unwrap();
        }
    }
    let output = proofmark().args(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
}

#[test]
fn commands_of_the_readme_work() {
    let folder = TempDir::new().unwrap();
    let mut seen = 0;
    for command in commands("README.md") {
        let words: Vec<_> = command.split(' ').collect();
        match words.as_slice() {
            // A compile takes the embedded model and a minute: that the task is sound is known without.
            ["cargo", "run", "--release", "--", "compile", task] if task.starts_with("examples/") => {
                let output = proofmark().arg("check").arg(task).current_dir(ROOT).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(0), "{command}: {said}");
            }
            ["cargo", "run", "--release", "--", "compile", task] => run(&["check", task], folder.path()),
            ["cargo", "run", "--release", "--", arguments @ ..] => run(arguments, folder.path()),
            ["cargo", "run", "--release", "-p", "proofmark-examples", "--example", name, ..] => {
                assert!(Path::new(ROOT).join(format!("examples/{name}.rs")).is_file(), "{command}");
            }
            // The tests themselves, of which this is one; CI runs the same command.
            ["cargo", "test", ..] => {
                let ci = fs::read_to_string(Path::new(ROOT).join(".ci/run")).unwrap();
                assert!(ci.contains(&command), "{command} is not what CI runs");
            }
            _ => panic!("no test knows the README's `{command}`: add it here"),
        }
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} commands were found in the README");
}

#[test]
fn the_task_file_of_the_readme_is_sound() {
    let text = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (task, _) = rest.split_once("```").unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("messages.jsonl"), "").unwrap();
    let parsed = Task::parse(task.to_owned(), &folder.path().join("task.toml"));
    assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
}
