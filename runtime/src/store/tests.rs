//! Tests of the store as a whole.

mod kill;

use std::{
    fs,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::fuzz;
use crate::model::{Abilities, Finish, Message, Model, Pending, Role, Sampling, Shape, Usage};

pub(super) fn request(text: &str) -> Request {
    Request {
        messages: vec![Message::new(Role::User, text)],
        sampling: Sampling::default(),
        shape: Shape::Free,
        replicate: 0,
    }
}

pub(super) fn call(text: &str, answer: &str) -> Call {
    let usage = Usage { input: 7, cached: 3, output: 1 };
    Call {
        identity: identity(),
        request: request(text),
        reply: Reply {
            text: answer.into(),
            finish: Finish::Stop,
            usage,
            choice_logprob: Some(-0.25),
            logprobs: None,
        },
        latency: Duration::from_millis(12),
    }
}

pub(super) fn identity() -> Identity {
    Identity { name: "test/echo".into(), fingerprint: "1".into() }
}

pub(super) fn key(text: &str) -> Digest {
    request(text).key(&identity())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_reply_survives_closing_and_the_first_one_stays() {
    let folder = folder();
    let path = folder.path().join("new/calls.db");
    let store = Store::open(&path).unwrap();
    assert_eq!(store.get(&key("a")).unwrap(), None);
    let first = store.put(call("a", "one")).await.unwrap();
    assert_eq!(first, call("a", "one").reply);
    assert_eq!(store.put(call("a", "two")).await.unwrap(), first);
    drop(store);

    assert!(!folder.path().join("new/calls.db-wal").exists(), "closing folds the log into the file");
    let store = Store::open(&path).unwrap();
    assert_eq!(store.get(&key("a")).unwrap(), Some(first));
    assert_eq!(store.calls().unwrap(), 1);
}

#[tokio::test]
async fn a_dropped_put_is_stored_all_the_same() {
    let folder = folder();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    drop(store.put(call("a", "one")));
    store.flush().unwrap();
    assert!(store.get(&key("a")).unwrap().is_some());
}

#[test]
fn unusable_files_are_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("calls.db");
    let refused = |what: &str| {
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!(fs::read(&path).unwrap(), before, "{what} was changed");
        assert!(error.to_string().contains("calls.db"), "{error}");
        error
    };

    fs::write(&path, "not a database, but longer than the hundred bytes of a header: ".repeat(40)).unwrap();
    assert!(matches!(refused("text"), StoreError::Damaged { .. }));

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(matches!(refused("another program's file"), StoreError::Foreign { .. }));

    fs::remove_file(&path).unwrap();
    drop(Store::open(&path).unwrap());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refused("half a file"), StoreError::Damaged { .. }));

    fs::write(&path, &whole).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused("a newer file"), StoreError::Newer { found: 99, .. }));
}

/// The bytes of a store with a call, a run, an event and a look.
static FILLED: LazyLock<Vec<u8>> = LazyLock::new(filled);

fn filled() -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("calls.db");
    let store = Store::open(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.put(call("a", "one"))).unwrap();
    let digest = Digest::of_bytes(b"x");
    let run = NewRun { id: "r".into(), task: "t".into(), command: "c".into(), seed: 1, config: digest };
    store.begin_run(&run).unwrap();
    store.note("r", &serde_json::json!({"n": 1}));
    store.end_run("r", RunState::Done, "done").unwrap();
    let holdout = Holdout { fingerprint: digest, rows: [digest].into() };
    store.take_look(&holdout, digest, "r", |_| 0.05).unwrap();
    store.audit(&[(digest, true)].into(), &digest).unwrap();
    drop(store);
    fs::read(&path).unwrap()
}

proptest! {
    #![proptest_config(fuzz::cases(24))]

    /// Changes hit the first page, where the header and the table of tables are, as often as all others.
    #[test]
    fn a_broken_file_gives_errors_and_no_panic(
        changes in fuzz::changes(),
        page in prop_oneof![Just(1_usize), any::<usize>()],
    ) {
        let whole = &*FILLED;
        let start = page % (whole.len() / 4096).max(1) * 4096;
        let end = whole.len().min(start + 4096);
        let broken = [&whole[..start], &fuzz::changed(&whole[start..end], &changes), &whole[end..]].concat();
        let folder = folder();
        let path = folder.path().join("calls.db");
        fs::write(&path, &broken).unwrap();
        let Ok(store) = Store::open(&path) else {
            prop_assert_eq!(fs::read(&path).unwrap(), broken, "a file that is refused stays as it was");
            return Ok(());
        };
        let digest = Digest::of_bytes(b"x");
        let holdout = Holdout { fingerprint: digest, rows: [digest].into() };
        let _ = (store.get(&key("a")), store.calls(), store.recorded(), store.runs(), store.journal("r"));
        let _ = (store.looks(&holdout), store.audited());
        let _ = store.take_look(&holdout, Digest::of_bytes(b"y"), "r", |_| 0.01);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _ = runtime.block_on(store.put(call("b", "two")));
        let _ = store.flush();
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Store::open(folder.path().join("file/calls.db")).err().unwrap();
    assert!(matches!(error, StoreError::Unopened { .. }), "{error}");
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..50 {
        let folder = folder();
        let path = folder.path().join("calls.db");
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(&path).map(drop))).collect();
            openers.into_iter().for_each(|opener| opener.join().unwrap().unwrap());
        });
    }
}

#[tokio::test]
async fn two_stores_on_one_file_see_each_others_calls() {
    let folder = folder();
    let path = folder.path().join("calls.db");
    let (one, two) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    let puts = |store: &Store, name: &'static str| {
        let puts: Vec<_> = (0..200).map(|i| store.put(call(&format!("{i}"), name))).collect();
        async move {
            let mut replies = Vec::new();
            for put in puts {
                replies.push(put.await.unwrap());
            }
            replies
        }
    };
    let (from_one, from_two) = tokio::join!(puts(&one, "one"), puts(&two, "two"));
    assert_eq!(from_one, from_two, "both got the reply that is on record");
    assert_eq!((one.calls().unwrap(), two.calls().unwrap()), (200, 200));
}

#[test]
fn runs_and_journals_are_kept() {
    let folder = folder();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let run = NewRun {
        id: "r1".into(),
        task: "triage".into(),
        command: "proofmark compile triage".into(),
        seed: u64::MAX,
        config: Digest::of_bytes(b"config"),
    };
    store.begin_run(&run).unwrap();
    store.note("r1", &serde_json::json!({"old": true}));
    store.flush().unwrap();
    store.begin_run(&run).unwrap();
    (0..3).for_each(|i| store.note("r1", &serde_json::json!({"n": i})));
    store.end_run("r1", RunState::Done, "accepted").unwrap();
    let journal: Vec<_> = (0..3).map(|i| serde_json::json!({"n": i})).collect();
    assert_eq!(store.journal("r1").unwrap(), journal);
    let runs = store.runs().unwrap();
    assert_eq!((runs.len(), &runs[0].about, runs[0].state), (1, &run, RunState::Done));
    assert!(runs[0].summary == "accepted" && runs[0].ended >= Some(runs[0].started));
}

/// Answers after a pause; fails for the text "bad".
struct Slow {
    identity: Identity,
    asked: AtomicU64,
}

impl Slow {
    fn shared() -> Arc<Self> {
        Arc::new(Self { identity: identity(), asked: AtomicU64::new(0) })
    }
}

impl Model for Slow {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn complete<'a>(&'a self, request: &'a Request) -> Pending<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let nth = self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            match request.messages[0].content.as_str() {
                "bad" => Err(CallError::Unavailable { model: "test".into(), message: "down".into() }),
                text => Ok(call(text, &format!("answer {nth}")).reply),
            }
        })
    }
}

#[tokio::test]
async fn identical_requests_in_flight_are_one_call() {
    let folder = folder();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let model = Slow::shared();
    let cached = Arc::new(Cached::new(Arc::clone(&model), store));
    let asks: Vec<_> = (0..10)
        .map(|_| {
            let cached = Arc::clone(&cached);
            tokio::spawn(async move { cached.complete(&request("a")).await.unwrap() })
        })
        .collect();
    for ask in asks {
        assert_eq!(ask.await.unwrap().text, "answer 0");
    }
    assert_eq!((model.asked.load(Ordering::SeqCst), cached.made(), cached.replayed()), (1, 1, 9));
}

#[tokio::test]
async fn a_cancelled_call_lets_the_others_run() {
    let folder = folder();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let cached = Arc::new(Cached::new(Slow::shared(), store.clone()));
    let ask = || {
        let cached = Arc::clone(&cached);
        tokio::spawn(async move { cached.complete(&request("a")).await })
    };
    let first = ask();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let (second, third) = (ask(), ask());
    tokio::time::sleep(Duration::from_millis(5)).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(second.await.unwrap().unwrap(), third.await.unwrap().unwrap());
    assert_eq!(cached.made(), 1);
    assert_eq!(store.flights().len(), 0, "no key is left in the table");
}

#[tokio::test]
async fn failures_are_not_stored() {
    let folder = folder();
    let store = Store::open(folder.path().join("calls.db")).unwrap();
    let cached = Cached::new(Slow::shared(), store.clone());
    assert!(cached.complete(&request("bad")).await.unwrap_err().is_transient());
    assert_eq!((store.calls().unwrap(), cached.made(), cached.replayed()), (0, 0, 0));
}
