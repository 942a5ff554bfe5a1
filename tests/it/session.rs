//! What holds for one command that asks a model holds for all of them.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{TaskFolder, artifact, json, proofmark};

/// Every command that asks a task's model or an artifact's, but for `gate --more`, which needs a trial on record first.
const COMMANDS: [&str; 7] = ["compile", "compare", "gate", "eval", "verify", "sensitivity", "run"];

/// A compiled task whose model, and that of its artifact, is now a server of the test's.
struct Served {
    task: TaskFolder,
    artifact: PathBuf,
    server: MockServer,
    runtime: Runtime,
}

impl Served {
    /// Compiles with a scripted model, then names a server that gives everybody this response.
    fn new(response: ResponseTemplate) -> Self {
        let task = TaskFolder::new();
        let compiled = task.command("compile").args(["--quiet", "--json"]).output().unwrap();
        let artifact = artifact(&json(&compiled));
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(response).mount(&server).await;
            server
        });
        let script = format!("\"scripted:{}\"", task.path().join("script.json").display());
        task.edit(&script, &format!("\"openai/clerk\"\nbase_url = \"{}/v1\"", server.uri()));
        fs::write(task.path().join("prompt.txt"), "Name the crew that the message is for.").unwrap();
        Self { task, artifact, server, runtime }
    }

    fn requests(&self) -> usize {
        self.runtime.block_on(self.server.received_requests()).unwrap_or_default().len()
    }

    fn command(&self, name: &str) -> Command {
        let folder = self.task.path();
        let url = format!("{}/v1", self.server.uri());
        let mut command = proofmark();
        command.arg(name);
        match name {
            "compile" => command.arg(folder),
            "compare" => command.arg(folder).args(["--optimizers", "labeled", "--seeds", "1"]),
            "gate" => command.arg("--task").arg(folder).arg("--candidate").arg(folder.join("prompt.txt")),
            "sensitivity" => command.arg(&self.artifact),
            _ => command.arg(&self.artifact).args(["--model", "openai/clerk", "--base-url", &url]),
        };
        match name {
            "eval" => command.arg(folder.join("rows.jsonl")),
            "run" => command.arg("message=the faucet"),
            _ => &mut command,
        };
        command
    }

    fn run(&self, name: &str) -> Output {
        self.command(name).output().unwrap()
    }
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

#[test]
fn a_metric_that_fails_ends_every_command_before_a_call() {
    let served = Served::new(ResponseTemplate::new(401));
    served.task.edit("[model]", "[metric]\nkind = \"command\"\ncommand = [\"false\"]\n\n[model]");
    let more = served.task.add_rows("more.jsonl", 300..400);
    for name in COMMANDS.iter().filter(|name| **name != "run") {
        let output = served.run(name);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(3), "{name}: {told}");
        assert!(told.contains("tried before the run"), "{name}: {told}");
    }
    let output = served.command("gate").arg("--more").arg(more).output().unwrap();
    assert!(output.status.code() == Some(3) && told(&output).contains("tried before the run"));
    assert_eq!(served.requests(), 0);
}

#[test]
fn a_provider_that_refuses_ends_every_command_alike() {
    let error =
        serde_json::json!({"error": {"message": "Incorrect API key", "type": "invalid_request_error"}});
    let served = Served::new(ResponseTemplate::new(401).set_body_json(error));
    for name in COMMANDS {
        let before = served.requests();
        let output = served.run(name);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(4), "{name}: {told}");
        assert!(told.contains("Incorrect API key"), "{name}: {told}");
        assert!(served.requests() > before, "{name}");
    }
}

#[test]
fn a_search_that_fails_ends_compare_like_compile() {
    let task = TaskFolder::new();
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
        server
    });
    let proposer = format!("[proposer]\nname = \"openai/writer\"\nbase_url = \"{}/v1\"", server.uri());
    task.edit("[optimizer]", &format!("{proposer}\n\n[optimizer]"));
    let compiled = task.command("compile").args(["--optimizer", "copro"]).output().unwrap();
    let compared = task.command("compare").args(["--optimizers", "copro", "--seeds", "1"]).output().unwrap();
    for output in [compiled, compared] {
        let told = told(&output);
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains("the proposer"), "{told}");
    }
}

#[test]
fn a_broken_call_store_ends_every_command_that_uses_it() {
    let served = Served::new(ResponseTemplate::new(401));
    let store = served.task.path().join(".proofmark/calls.db");
    for wal in ["calls.db-wal", "calls.db-shm"] {
        let _ = fs::remove_file(store.with_file_name(wal));
    }
    fs::write(&store, "this is no database").unwrap();
    for name in ["compile", "compare", "gate", "sensitivity"] {
        let output = served.run(name);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains("calls.db"), "{name}: {told}");
    }
    assert_eq!(served.requests(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_every_command_alike() {
    let served = Served::new(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)));
    for name in COMMANDS {
        let before = served.requests();
        let mut child = served.command(name).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while served.requests() == before {
            assert!(begun.elapsed() < Duration::from_secs(60), "{name} makes no call");
            std::thread::sleep(Duration::from_millis(20));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(50), "{name} goes on after Ctrl-C");
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(130), "{name}: {told}");
        assert!(told.contains("stopped"), "{name}: {told}");
    }
}

#[test]
fn show_names_the_baseline_of_a_stamp() {
    let task = TaskFolder::new();
    let compiled = task.command("compile").args(["--quiet", "--json"]).output().unwrap();
    let shown = proofmark().arg("show").arg(artifact(&json(&compiled))).output().unwrap();
    assert!(told(&shown).contains("judged against baseline ") && told(&shown).contains("by compile"));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/golden/artifact-v1.json");
    let old = proofmark().args(["show", golden]).output().unwrap();
    assert!(told(&old).contains("baseline not recorded"), "{}", told(&old));
}

#[test]
fn no_artifact_is_stamped_against_another_baseline() {
    let task = TaskFolder::close_call();
    let more = task.add_rows("more.jsonl", 300..500);
    let out = task.path().join("accepted.json");
    for name in ["bad.txt", "better.txt"] {
        fs::write(task.path().join(name), format!("Forward the message ({name}).")).unwrap();
    }
    for with_more in [false, true] {
        let mut gate = proofmark();
        gate.args(["gate", "--task"]).arg(task.path());
        gate.arg("--baseline").arg(task.path().join("bad.txt"));
        gate.arg("--candidate").arg(task.path().join("better.txt"));
        gate.arg("--out").arg(&out);
        if with_more {
            gate.arg("--more").arg(&more);
        }
        let output = gate.output().unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("stamped against the task as written"), "{told}");
        assert!(!out.exists());
    }
}
