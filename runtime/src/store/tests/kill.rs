//! A process that stores calls is killed at random moments. Every call that the store acknowledged must be there.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use super::{call, key};
use crate::{digest, store::Store};

const PATH: &str = "PROOFMARK_TEST_STORE";
const ROUNDS: u64 = 8;

/// The process that is killed. It stores calls 8 at a time and prints the acknowledged ones.
#[test]
#[ignore = "started by `what_was_acknowledged_survives_kill_9`"]
fn victim() {
    let Ok(path) = std::env::var(PATH) else { return };
    let store = Store::open(path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = store.calls().unwrap();
    for group in start.. {
        let puts: Vec<_> = (0..8)
            .map(|i| format!("{group}-{i}"))
            .map(|text| (store.put(call(&text, &text)), text))
            .collect();
        for (put, text) in puts {
            runtime.block_on(put).unwrap();
            println!("stored {text}");
        }
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "store::tests::kill::victim", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(victim.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("stored ").map(str::to_owned))
                .collect::<Vec<_>>()
        });
        let pause = u64::from(digest::digest(&("kill", round)).as_bytes()[0]);
        std::thread::sleep(Duration::from_millis(60 + pause));
        victim.kill().unwrap();
        victim.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
    }
    assert!(acknowledged.len() > 100, "the victims stored only {}", acknowledged.len());
    let store = Store::open(&path).unwrap();
    for text in &acknowledged {
        assert_eq!(store.get(&key(text)).unwrap().unwrap().text, *text);
    }
}
