//! A small task with a scripted model: answers are right only if the prompt shows demonstrations.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use proofmark_runtime::digest;
use tempfile::TempDir;

const TASK: &str = r#"
format = 1
name = "crews"

[signature]
instructions = "Forward the message."

[signature.inputs]
message = { type = "text" }

[signature.outputs]
crew = { type = "choice", choices = ["water", "street", "bins"] }

[data]
file = "rows.jsonl"
id = "id"

[model]
name = "scripted:SCRIPT"

[optimizer]
name = "auto"
budget = { calls = 600 }
"#;

const SCRIPT: &str = r#"{
  "rules": [{"when": {"max_demonstrations": 0}, "then": {"reply": "water"}}],
  "table": {"faucet": "water", "pothole": "street", "garbage": "bins"},
  "default": "water"
}"#;

const CLOSE_CALL: &str = r#"{
  "rules": [
    {"when": {"max_demonstrations": 0, "last_contains": "murky"}, "then": {"reply": "none of them"}},
    {"when": {"min_demonstrations": 1, "last_contains": "misty"}, "then": {"reply": "none of them"}}
  ],
  "table": {"faucet": "water", "pothole": "street", "garbage": "bins"},
  "default": "water",
  "scores_choices": false
}"#;

/// A task in a folder of its own.
pub(crate) struct TaskFolder {
    folder: TempDir,
}

impl TaskFolder {
    /// A task whose model profits from demonstrations.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script.json");
        fs::write(folder.path().join("task.toml"), TASK.replace("SCRIPT", &script.display().to_string()))
            .unwrap();
        fs::write(script, SCRIPT).unwrap();
        fs::write(folder.path().join("rows.jsonl"), rows(240, 8)).unwrap();
        Self { folder }
    }

    /// A small task on the embedded model.
    pub(crate) fn embedded() -> Self {
        let task = Self::new();
        let script = format!("scripted:{}", task.path().join("script.json").display());
        task.edit(&script, "local/smollm2-135m-instruct");
        task.edit("\"auto\"", "\"labeled\"");
        task.edit("calls = 600", "calls = 48");
        task.edit("[optimizer]", "[gate]\nvariants = 1\n\n[optimizer]");
        fs::write(task.path().join("rows.jsonl"), rows(30, 2)).unwrap();
        task
    }

    /// A task whose model profits from demonstrations on a few rows and loses by them on fewer.
    pub(crate) fn close_call() -> Self {
        let task = Self::new();
        fs::write(task.path().join("script.json"), CLOSE_CALL).unwrap();
        task.add_rows("rows.jsonl", 0..240);
        task
    }

    /// Writes rows of a close call.
    pub(crate) fn add_rows(&self, name: &str, rows: std::ops::Range<usize>) -> PathBuf {
        let word = |i: usize| match i % 32 {
            1 | 9 | 17 | 25 => " murky",
            5 | 22 => " misty",
            _ => "",
        };
        let rows: String = rows.map(|i| row(i, 8, word(i))).collect();
        fs::write(self.path().join(name), rows).unwrap();
        self.path().join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces a part of the task file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("task.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// The command with this folder as its task.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = proofmark();
        command.arg(name).arg(self.path());
        command
    }
}

/// The binary.
pub(crate) fn proofmark() -> Command {
    Command::new(env!("CARGO_BIN_EXE_proofmark"))
}

/// The JSON document on stdout.
pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// Whether the embedded model can be had. If not, it is said so past the test harness, and `PROOFMARK_REQUIRE_MODEL=1`
/// makes it a failure.
pub(crate) fn has_model() -> bool {
    let pulled = proofmark().args(["model", "pull"]).output().unwrap();
    if !pulled.status.success() {
        let problem = String::from_utf8_lossy(&pulled.stderr).into_owned();
        assert!(!std::env::var("PROOFMARK_REQUIRE_MODEL").is_ok_and(|value| value == "1"), "{problem}");
        let _ = writeln!(std::io::stderr(), "SKIPPED, for want of the embedded model: {problem}");
    }
    pulled.status.success()
}

/// The only artifact of a task.
pub(crate) fn artifact(json: &serde_json::Value) -> PathBuf {
    json["artifact"].as_str().unwrap().into()
}

/// Rows of so many unlike words, each with one word that gives its label away.
fn rows(n: usize, words: usize) -> String {
    (0..n).map(|i| row(i, words, "")).collect()
}

fn row(i: usize, words: usize, more: &str) -> String {
    let topics = [("faucet", "water"), ("pothole", "street"), ("garbage", "bins")];
    let (topic, crew) = topics[i % 3];
    let noise: Vec<_> = (0..words).map(|word| digest(&(i, word)).short()[..6].to_owned()).collect();
    format!(
        "{{\"id\": \"r{i}\", \"message\": \"the {topic}{more} {}\", \"crew\": \"{crew}\"}}\n",
        noise.join(" ")
    )
}
