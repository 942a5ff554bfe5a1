//! Optimizers whose texts are written by a model: with a scripted writer, and with a server that gives replies of all the
//! shapes that real writers give.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use proofmark_runtime::{artifact::Artifact, digest};
use serde_json::{Value as Json, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::support::{TaskFolder, artifact, json};

/// All optimizers that ask a writer.
const WRITING: [&str; 10] =
    ["copro", "opro", "protegi", "gepa", "evolve-ga", "evolve-de", "rules", "capo", "mipro", "simba"];
/// Replies of writers, one of every shape.
const DIALOGUES: &str = include_str!("../../optimizers/src/proposer/dialogues.jsonl");
/// One in so many requests is told to come again.
const BUSY: usize = 60;

/// A clerk that knows two of three crews only where the instruction names them, or, for one of them, where there are
/// demonstrations, so that candidates disagree.
const CLERK: &str = r#"{
  "rules": [
    {"when": {"last_contains": "the pothole", "any_lacks": "pothole is for street", "max_demonstrations": 0},
     "then": {"reply": "water"}},
    {"when": {"last_contains": "the garbage", "any_lacks": "garbage is for bins"}, "then": {"reply": "water"}}
  ],
  "table": {"the faucet ": "water", "the pothole ": "street", "the garbage ": "bins"},
  "default": "water"
}"#;

const WRITER: &str = r#"{
  "rules": [
    {"when": {"last_contains": "numbered list"},
     "then": {"reply": "Looking at them:\n1. A pothole is for street.\n2. All garbage is for bins."}},
    {"when": {"last_contains": "these words"},
     "then": {"reply": "A pothole is for street and garbage is for bins."}}
  ],
  "default": "Better:\n```\nForward the message. A pothole is for street and garbage is for bins.\n```"
}"#;

fn compile(task: &TaskFolder, optimizer: &str) -> std::process::Output {
    task.command("compile").args(["--json", "--optimizer", optimizer]).output().unwrap()
}

/// What the run's writer was asked and what became of it, as the search tells it.
fn told(document: &Json) -> String {
    let events = artifact(document).with_file_name("events.jsonl");
    let events = fs::read_to_string(events).unwrap();
    let line = events.lines().find(|line| line.contains("the proposer was asked")).unwrap();
    serde_json::from_str::<Json>(line).unwrap()["remark"]["text"].as_str().unwrap().to_owned()
}

#[test]
fn every_writer_finds_what_the_task_does_not_say() {
    let task = TaskFolder::new();
    let writer = task.path().join("writer.json");
    fs::write(task.path().join("script.json"), CLERK).unwrap();
    fs::write(&writer, WRITER).unwrap();
    task.edit("[optimizer]", &format!("[proposer]\nname = \"scripted:{}\"\n\n[optimizer]", writer.display()));
    task.edit("[optimizer]", "[gate]\nvariants = 1\n\n[optimizer]");
    for optimizer in WRITING {
        let output = compile(&task, optimizer);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{optimizer}: {error}");
        let document = json(&output);
        assert!(document["calls"]["proposer"].as_u64().unwrap() > 0, "{optimizer}");
        let prompts = Artifact::read(&artifact(&document)).unwrap().prompts().to_vec();
        let text: String = prompts[0].messages.iter().map(|message| message.content.as_str()).collect();
        assert!(text.contains("garbage is for bins"), "{optimizer}: {text}");
    }
}

/// What the gate would refuse before it measures a row is not searched for in the first place.
#[test]
fn what_would_be_refused_unread_is_dropped() {
    let task = TaskFolder::new();
    let writer = task.path().join("writer.json");
    fs::write(task.path().join("script.json"), CLERK).unwrap();
    fs::write(&writer, r#"{"default": "```\nForward the message. Most answers are bins.\n```"}"#).unwrap();
    task.edit("[optimizer]", &format!("[proposer]\nname = \"scripted:{}\"\n\n[optimizer]", writer.display()));
    let told = told(&json(&compile(&task, "copro")));
    assert!(
        told.contains(": 0 new texts; dropped: 0 that quote a row, ") && !told.contains(" 0 that the gate"),
        "{told}"
    );
}

/// A server for a clerk and a writer.
struct Town {
    requests: AtomicUsize,
    /// Whether the writer's key has run out.
    locked: Arc<AtomicBool>,
}

impl Town {
    /// A task whose models are at a server, which is shut when it is dropped.
    fn open() -> (MockServer, TaskFolder, Arc<AtomicBool>) {
        let locked = Arc::new(AtomicBool::new(false));
        let town = Self { requests: AtomicUsize::new(0), locked: Arc::clone(&locked) };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(town).mount(&server).await;
            server
        });
        let task = TaskFolder::new();
        let url = format!("{}/v1", server.uri());
        let script = format!("\"scripted:{}\"", task.path().join("script.json").display());
        let models = |name: &str| format!("\"{name}\"\nbase_url = \"{url}\"\n");
        task.edit(&script, &format!("{}\n[proposer]\nname = {}", models("clerk"), models("writer")));
        task.edit("[optimizer]", "[gate]\nvariants = 1\n\n[optimizer]");
        (server, task, locked)
    }
}

impl Respond for Town {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if self.requests.fetch_add(1, Ordering::Relaxed) % BUSY == BUSY - 1 {
            let error = json!({"error": {"message": "slow down", "type": "rate_limit_error"}});
            return ResponseTemplate::new(429).append_header("retry-after", "0").set_body_json(error);
        }
        let body: Json = request.body_json().unwrap();
        let messages = body["messages"].as_array().unwrap();
        let said: Vec<&str> = messages.iter().map(|message| message["content"].as_str().unwrap()).collect();
        let (text, finish) = if body["model"] == "clerk" {
            (clerk(&said), "stop")
        } else if self.locked.load(Ordering::Relaxed) {
            return ResponseTemplate::new(401).set_body_json(json!({"error": {"message": "no such key"}}));
        } else {
            writer(&said, digest(&body).as_bytes()[0].into())
        };
        ResponseTemplate::new(200).set_body_json(json!({
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }))
    }
}

/// As [`CLERK`], but it chats.
fn clerk(said: &[&str]) -> String {
    let (asked, all) = (said[said.len() - 1], said.concat());
    let shown = said.len() > 2;
    let crew = if asked.contains("the pothole") && (shown || all.contains("pothole is for street")) {
        "street"
    } else if asked.contains("the garbage") && all.to_lowercase().contains("garbage is for bins") {
        "bins"
    } else {
        "water"
    };
    format!("Sure! This one is for **{crew}**.")
}

/// A reply of any shape, by the lot: it may also quote a row, change nothing, be cut off or be withheld.
fn writer(said: &[&str], lot: usize) -> (String, &'static str) {
    let asked = said[said.len() - 1];
    let many = asked.contains("numbered list");
    let shapes = DIALOGUES.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let shapes: Vec<Json> = shapes.filter(|shape| (shape["most"] != 1) == many).collect();
    let row = asked.lines().find_map(|line| line.strip_prefix("Message: "));
    let now = asked.split("```").nth(1).unwrap_or_default().trim();
    let reply = |shape: usize| shapes[shape % shapes.len()]["reply"].as_str().unwrap().to_owned();
    match (lot % 8, row) {
        (0, Some(row)) => (format!("```\n{now} For example, {row} is clear.\n```"), "stop"),
        (1, _) => (format!("```\n{now}\n```"), "stop"),
        (2, _) => ("Forward the message. A pothole is for".to_owned(), "length"),
        (3, _) => (String::new(), "content_filter"),
        _ => (reply(lot / 8), "stop"),
    }
}

#[test]
fn replies_of_every_shape_over_http() {
    let (_server, task, _) = Town::open();
    for optimizer in ["gepa", "protegi", "mipro", "simba"] {
        let output = compile(&task, optimizer);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{optimizer}: {error}");
        let told = told(&json(&output));
        let numbers: Vec<u32> =
            told.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        let [asked, new, copied, _, unchanged, unreadable] = numbers[..] else { panic!("{told}") };
        assert!(new > 0 && copied + unchanged + unreadable > 0, "{optimizer}: {told}");
        assert!(asked > new, "{optimizer}: {told}");
    }
}

#[test]
fn what_was_recorded_is_replayed_without_the_server() {
    let (server, task, _) = Town::open();
    let first = json(&compile(&task, "protegi"));
    let (bytes, asked) = (fs::read(artifact(&first)).unwrap(), told(&first));
    let log = task.path().join("recorded.db");
    fs::copy(task.path().join(".proofmark/calls.db"), &log).unwrap();
    fs::remove_dir_all(task.path().join(".proofmark")).unwrap();
    let url = server.uri();
    drop(server);
    for name in ["clerk", "writer"] {
        let at_server = format!("\"{name}\"\nbase_url = \"{url}/v1\"\n");
        task.edit(&at_server, &format!("\"replay:{}#{name}\"\n", log.display()));
    }
    let again = json(&compile(&task, "protegi"));
    assert_eq!(fs::read(artifact(&again)).unwrap(), bytes);
    assert_eq!(told(&again), asked);
}

#[test]
fn a_writer_that_fails_for_good_ends_the_run_and_nothing_is_lost() {
    let (_server, task, locked) = Town::open();
    locked.store(true, Ordering::Relaxed);
    let failed = compile(&task, "gepa");
    let error = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(4), "{error}");
    assert!(error.contains("the proposer") && error.contains("no such key"), "{error}");
    let answered = answered(task.path());
    assert!(answered > 0);
    locked.store(false, Ordering::Relaxed);
    let document = json(&compile(&task, "gepa"));
    assert_eq!(document["verdict"], "accept");
    assert!(document["calls"]["replayed"].as_u64().unwrap() >= answered, "{document}");
}

/// Calls on record.
fn answered(folder: &Path) -> u64 {
    proofmark_runtime::store::Store::open(folder.join(".proofmark/calls.db")).unwrap().calls().unwrap()
}
