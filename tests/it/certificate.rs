//! What a certificate claims, computed again by `docs/recompute.py`: another language, other methods, nothing of ours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::json;

use crate::support::{TaskFolder, artifact, json as document};

/// The second implementation on an artifact; nothing where there is no Python.
fn computed_again(artifact: &Path) -> Option<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recompute.py");
    let output = Command::new("python3").arg(script).arg(artifact).output().ok();
    if output.is_none() {
        use std::io::Write as _;
        // Past the test harness, so that it is seen.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: there is no python3 to compute certificates again with");
    }
    output
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A task on which a prompt with demonstrations is better on a fifth of the rows, which takes several looks to show.
fn close() -> TaskFolder {
    let task = TaskFolder::new();
    let lapse = |digits: &str| json!({"when": {"min_demonstrations": 1, "last_contains": digits}, "then": {"reply": "water"}});
    let mut rules = vec![json!({"when": {"max_demonstrations": 0}, "then": {"reply": "water"}})];
    rules.extend(["a1", "b2", "c3", "d4", "e5", "f6"].map(lapse));
    let table = json!({"faucet": "water", "pothole": "street", "garbage": "bins"});
    let script = json!({"rules": rules, "table": table, "default": "water"});
    fs::write(task.path().join("script.json"), script.to_string()).unwrap();
    task
}

fn accepted(task: &TaskFolder) -> PathBuf {
    let output = task.command("compile").args(["--json", "--quiet"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    artifact(&document(&output))
}

#[test]
fn what_was_claimed_is_computed_again_by_a_second_implementation() {
    let full = close();
    let demands = "[gate]\ntarget = 0.4\nmax_tokens = 5000\nmax_token_ratio = 4.0\n\n\
                   [[guard]]\nname = \"exactly\"\nkind = \"exact\"\nmargin = 0.2";
    full.edit("[model]", &format!("{demands}\n\n[model]"));
    let lenient = TaskFolder::new();
    lenient.edit("[model]", "[gate]\npolicy = \"noninferior\"\n\n[model]");
    for task in [&TaskFolder::new(), &full, &lenient] {
        let path = accepted(task);
        let Some(output) = computed_again(&path) else { return };
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(told(&output).contains("lead"), "{}", told(&output));
    }
}

/// Each of these numbers alone is changed, as somebody might who wants a prompt to look better.
#[test]
fn a_falsified_certificate_is_found_out() {
    let task = close();
    let path = accepted(&task);
    let text = fs::read_to_string(&path).unwrap();
    let honest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let certificate = "/stamp/accepted/certificate";
    let last = honest.pointer(&format!("{certificate}/looks")).unwrap().as_array().unwrap().len() - 1;
    for (place, by) in [
        ("/lead/lower".to_owned(), 0.02),
        ("/lead/estimate".to_owned(), 0.01),
        ("/alpha".to_owned(), 0.01),
        (format!("/looks/{last}/p"), -1e-4),
        (format!("/looks/{last}/level"), 0.01),
        (format!("/looks/{last}/clean/lower"), 0.02),
        (format!("/looks/{last}/validity/lower"), 0.02),
        (format!("/looks/{last}/slices/0/p_harm"), 0.05),
    ] {
        let mut false_one = honest.clone();
        let number = false_one.pointer_mut(&format!("{certificate}{place}")).unwrap();
        *number = (number.as_f64().unwrap() + by).into();
        let forged = path.with_file_name("forged.json");
        fs::write(&forged, false_one.to_string()).unwrap();
        let Some(output) = computed_again(&forged) else { return };
        assert_eq!(output.status.code(), Some(1), "{place}: {}", told(&output));
    }
    let nonsense = path.with_file_name("nonsense.json");
    fs::write(&nonsense, "{}").unwrap();
    let output = computed_again(&nonsense).unwrap();
    assert!(output.status.code() == Some(2) && !told(&output).contains("Traceback"), "{}", told(&output));
}
