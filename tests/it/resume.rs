//! Resume is replay: a run that is killed at any moment ends, when repeated, in the same bytes with no call made twice.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use proofmark_runtime::store::Store;

use crate::support::{TaskFolder, artifact, has_model, json};

/// Moments at which a run is killed.
const KILLS: u32 = 20;

fn calls(folder: &Path) -> u64 {
    let path = folder.join(".proofmark/calls.db");
    if path.exists() { Store::open(path).unwrap().calls().unwrap() } else { 0 }
}

fn compile(task: &TaskFolder) -> std::process::Command {
    let mut command = task.command("compile");
    command.arg("--json").arg("--quiet");
    command
}

/// Kills a run again and again at these shares of the time of an undisturbed one, each time going on from what the one
/// before left, then lets it end: in the same bytes, and with no call made that was answered before.
fn dies_and_ends_the_same(task: &TaskFolder, undisturbed: &Undisturbed, moments: impl Iterator<Item = f64>) {
    fs::remove_dir_all(task.path().join(".proofmark")).unwrap();
    for moment in moments {
        let mut child = compile(task).stdout(std::process::Stdio::null()).spawn().unwrap();
        thread::sleep(undisturbed.time.mul_f64(moment).min(Duration::from_secs(20)));
        // On Unix this is SIGKILL: nothing can be tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = calls(task.path());
    let resumed = json(&compile(task).output().unwrap());
    assert_eq!(fs::read(artifact(&resumed)).unwrap(), undisturbed.bytes);
    assert_eq!(
        resumed["calls"]["made"].as_u64().unwrap() + before,
        undisturbed.made,
        "a call was made twice"
    );
}

/// What a run that nobody kills comes to.
struct Undisturbed {
    bytes: Vec<u8>,
    made: u64,
    time: Duration,
}

impl Undisturbed {
    fn run(task: &TaskFolder) -> Self {
        let begun = Instant::now();
        let output = compile(task).output().unwrap();
        let (whole, time) = (json(&output), begun.elapsed());
        let made = whole["calls"]["made"].as_u64().unwrap();
        assert_eq!(made, calls(task.path()));
        Self { bytes: fs::read(artifact(&whole)).unwrap(), made, time }
    }
}

#[test]
fn a_killed_run_ends_in_the_same_bytes_and_makes_no_call_twice() {
    let task = TaskFolder::new();
    let undisturbed = Undisturbed::run(&task);
    for quarter in 0..4 {
        // Twenty moments, from before the first call to about the end of an undisturbed run.
        let moments = (1..=KILLS / 4).map(|kill| f64::from(quarter * KILLS / 4 + kill) / f64::from(KILLS));
        dies_and_ends_the_same(&task, &undisturbed, moments);
    }
}

/// The same with the embedded model, whose answers depend on nothing but the request: not on the batch that it was
/// computed in, which differs from kill to kill.
#[test]
fn so_does_one_on_the_embedded_model() {
    if !has_model() {
        return;
    }
    let task = TaskFolder::embedded();
    let undisturbed = Undisturbed::run(&task);
    dies_and_ends_the_same(&task, &undisturbed, [0.35, 0.7].into_iter());
}
