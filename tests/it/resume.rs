//! Resume is replay: a run that is killed at any moment ends, when repeated, in the same bytes with no call made twice.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use proofmark_runtime::store::Store;

use crate::support::{TaskFolder, artifact, json};

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

#[test]
fn a_killed_run_ends_in_the_same_bytes_and_makes_no_call_twice() {
    let task = TaskFolder::new();
    let begun = Instant::now();
    let whole = json(&compile(&task).output().unwrap());
    let time = begun.elapsed();
    let bytes = fs::read(artifact(&whole)).unwrap();
    let made = whole["calls"]["made"].as_u64().unwrap();
    assert_eq!(made, calls(task.path()));

    fs::remove_dir_all(task.path().join(".proofmark")).unwrap();
    for kill in 1..=KILLS {
        let mut child = compile(&task).stdout(std::process::Stdio::null()).spawn().unwrap();
        // From before the first call to about the end of an undisturbed run.
        thread::sleep(time.mul_f64(f64::from(kill) / f64::from(KILLS)).min(Duration::from_secs(20)));
        // On Unix this is SIGKILL: nothing can be tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
        if kill % 5 == 0 {
            let before = calls(task.path());
            let resumed = json(&compile(&task).output().unwrap());
            assert_eq!(fs::read(artifact(&resumed)).unwrap(), bytes, "killed {kill} times");
            assert_eq!(resumed["calls"]["made"].as_u64().unwrap() + before, made, "a call was made twice");
            fs::remove_dir_all(task.path().join(".proofmark")).unwrap();
        }
    }
}
