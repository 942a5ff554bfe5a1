//! A run that left a prompt undecided, and what becomes of it when there are more labelled rows.

use std::{fs, path::Path};

use crate::support::{TaskFolder, artifact, json, proofmark};

#[test]
fn what_was_left_undecided_goes_on_with_fresh_rows_and_is_emitted() {
    let task = TaskFolder::close_call();
    let output = task.command("compile").args(["--optimizer", "labeled"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(11), "{told}");
    assert!(told.contains("--more ROWS"), "{told}");
    let compiled =
        json(&task.command("compile").args(["--optimizer", "labeled", "--json"]).output().unwrap());
    let candidate = artifact(&compiled).with_file_name("candidate.json");
    let gate = |arguments: &[&str], more: &Path| {
        let mut command = proofmark();
        command.args(["gate", "--json", "--task"]).arg(task.path()).arg("--candidate").arg(&candidate);
        command.arg("--more").arg(more).args(arguments).output().unwrap()
    };

    // The task's own rows are not fresh.
    let refused = gate(&[], &task.path().join("rows.jsonl"));
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("already in the task's data"));
    // Somebody appended to a copy of them.
    let more = task.add_rows("more.jsonl", 0..900);
    let out = task.path().join("accepted.json");
    let went_on = gate(&["--out", out.to_str().unwrap()], &more);
    let told = String::from_utf8_lossy(&went_on.stderr);
    assert_eq!(went_on.status.code(), Some(0), "{told}");
    assert!(told.contains("of which the task knows 240 already; 660 fresh seeds"), "{told}");
    let judged = json(&went_on);
    assert_eq!((&judged["look"], &judged["alpha"]), (&2.into(), &0.05.into()), "{judged}");

    let shown = json(&proofmark().args(["show", "--json"]).arg(&out).output().unwrap());
    let certificate = &shown["stamp"]["accepted"]["certificate"];
    assert_eq!(shown["verified"], true, "{shown}");
    assert_eq!(certificate["stages"].as_array().map(Vec::len), Some(2), "{certificate}");
    assert_eq!(
        (&certificate["stages"][0]["seeds"], &certificate["stages"][1]["seeds"]),
        (&144.into(), &660.into())
    );
    let ran = proofmark().arg("run").arg(&out).arg("message=the garbage murky a b").output().unwrap();
    assert!(
        String::from_utf8_lossy(&ran.stdout).contains("bins"),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );

    // The same again is the same, and pays for nothing.
    let bytes = fs::read(&out).unwrap();
    let again = gate(&["--out", out.to_str().unwrap()], &more);
    assert_eq!((again.stdout, fs::read(&out).unwrap()), (went_on.stdout, bytes));
}

#[test]
fn a_trial_that_never_was_or_was_decided_does_not_go_on() {
    let task = TaskFolder::close_call();
    let more = task.add_rows("more.jsonl", 300..500);
    let prompt = task.path().join("prompt.txt");
    fs::write(&prompt, "Forward the message to the crew whose work it is.").unwrap();
    let gate = |arguments: &[&str]| {
        let mut command = proofmark();
        command.args(["gate", "--task"]).arg(task.path()).arg("--candidate").arg(&prompt);
        command.args(arguments).output().unwrap()
    };
    let more = more.to_str().unwrap();
    let never = gate(&["--more", more]);
    let told = String::from_utf8_lossy(&never.stderr);
    assert!(
        never.status.code() == Some(3) && told.contains("without --more first") && told.contains("--seed"),
        "{told}"
    );

    // A prompt that changes no answer is refused for not having a useful lead, or left undecided.
    let first = gate(&[]);
    let then = gate(&["--more", more]);
    let told = String::from_utf8_lossy(&then.stderr);
    match first.status.code() {
        Some(10) => assert!(then.status.code() == Some(3) && told.contains("was decided"), "{told}"),
        Some(11) => assert!(matches!(then.status.code(), Some(10 | 11)), "{told}"),
        code => panic!("{code:?}: {}", String::from_utf8_lossy(&first.stderr)),
    }
    let without = proofmark().args(["gate", "--candidate", "a.jsonl", "--more", more]).output().unwrap();
    assert_eq!(without.status.code(), Some(2));
}
