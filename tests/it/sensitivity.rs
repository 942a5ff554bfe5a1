//! What a prompt's score hangs on that it should not hang on.

use std::fs;

use crate::support::{TaskFolder, artifact, json, proofmark};

#[test]
fn a_prompt_that_hangs_on_its_format_is_told_so() {
    let task = TaskFolder::new();
    let script = task.path().join("script.json");
    let text = fs::read_to_string(&script).unwrap();
    let fragile = r#""rules": [{"when": {"any_contains": "<message>"}, "then": {"reply": "water"}}, "#;
    fs::write(&script, text.replace(r#""rules": ["#, fragile)).unwrap();
    let compiled = json(&task.command("compile").args(["--json", "--quiet"]).output().unwrap());
    let run = |arguments: &[&str]| {
        let mut command = proofmark();
        command.arg("sensitivity").arg(artifact(&compiled)).args(arguments).output().unwrap()
    };
    let output = run(&["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found = json(&output);
    assert_eq!((&found["rows"], &found["score"]), (&60.into(), &1.0.into()), "{found}");
    let proven = found["shifts"].as_array().unwrap().iter().filter(|shift| shift["proven"] == true);
    let proven: Vec<_> = proven.map(|shift| (&shift["change"], &shift["about"])).collect();
    assert_eq!(proven, [(&"format".into(), &"`xml`".into())], "{found}");
    assert!(found["shifts"][0]["upper"].as_f64().unwrap() < -0.4, "{found}");

    let told = run(&["--rows", "20", "--seed", "2"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("One change that should not matter moves the score") && told.contains("not by chance"),
        "{told}"
    );
    assert_eq!(run(&["--json"]).stdout, output.stdout);
}
