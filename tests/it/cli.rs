//! The command line as a contract: exit codes, stdout, JSON documents, messages.

use std::{collections::BTreeSet, fs, process::Output};

use proofmark_runtime::artifact::Artifact;

use crate::support::{TaskFolder, artifact, json, proofmark};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_true_improvement_is_accepted_and_runs() {
    let task = TaskFolder::new();
    let output = task.command("compile").arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["verdict"], "accept");
    assert!(document["lead"]["lower95"].as_f64().unwrap() > 0.2, "{document}");
    assert_eq!(document["calls"]["replayed"].as_u64().map(|_| ()), Some(()));

    let path = artifact(&document);
    assert!(Artifact::read(&path).unwrap().stamp().is_verified());
    let report = fs::read_to_string(document["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("<svg") && !report.contains("http://") && !report.contains("src="));
    // With demonstrations all is right, so nothing more could be shown, and the rest of the 600 calls is not spent.
    let why = "the 0.0 points up to a perfect score are too few";
    assert!(stderr(&output).contains(why) && report.contains(why), "{}", stderr(&output));
    assert!(document["calls"]["task"].as_u64().unwrap() < 550, "{document}");

    let run = proofmark().arg("run").arg(&path).arg("message=a new pothole").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), r#"{"outputs":{"crew":"street"}}"#);
    let shown = proofmark().arg("show").arg(&path).arg("--diff").output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("+ "), "{}", stderr(&shown));
    let mut eval = proofmark();
    eval.args(["eval", "--json", "--target", "0.9"]).arg(&path).arg(task.path().join("rows.jsonl"));
    let eval = json(&eval.output().unwrap());
    assert_eq!((&eval["n"], &eval["verdict"]), (&240.into(), &"pass".into()));
}

/// The names in a JSON object, without their values.
fn names(object: &serde_json::Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn documents_hold_the_names_that_scripts_rely_on() {
    let task = TaskFolder::new();
    let compiled = json(&task.command("compile").arg("--json").output().unwrap());
    let promised = [
        "verdict",
        "kind",
        "artifact",
        "report",
        "baseline",
        "lead",
        "target",
        "audited",
        "finalists",
        "calls",
        "calls_per_row",
        "tokens",
        "seconds",
    ];
    assert_eq!(names(&compiled), promised.into());
    assert_eq!(names(&compiled["lead"]), ["estimate", "lower95"].into());
    assert_eq!(names(&compiled["calls"]), ["made", "replayed", "task", "proposer", "gate"].into());
    let candidate = ["name", "id", "verdict", "kind", "about", "p", "lead", "n_needed", "target", "read"];
    assert_eq!(names(&compiled["finalists"][0]), candidate.into());

    let artifact = artifact(&compiled);
    let mut gate = proofmark();
    gate.args(["gate", "--json", "--task"]).arg(task.path()).arg("--candidate").arg(&artifact);
    let judged = json(&gate.output().unwrap());
    assert_eq!(names(&judged), ["verdict", "alpha", "look", "candidates"].into());
    assert_eq!((&judged["verdict"], &judged["look"]), (&"accept".into(), &2.into()), "{judged}");
    assert_eq!(names(&judged["candidates"][0]), candidate.into());
    assert_eq!(names(&judged["candidates"][0]["lead"]), ["estimate", "lower95"].into());

    let mut eval = proofmark();
    // The task is found above the artifact, also where its path is relative.
    eval.args(["eval", "--json"]).arg(artifact.strip_prefix(task.path()).unwrap()).arg("rows.jsonl");
    let scored = json(&eval.current_dir(task.path()).output().unwrap());
    let promised = ["n", "score", "interval", "verdict", "calls", "rows_per_second", "failures"];
    assert_eq!(names(&scored), promised.into());
    assert_eq!((&scored["n"], &scored["verdict"]), (&240.into(), &serde_json::Value::Null));
}

#[test]
fn a_model_that_no_prompt_helps_keeps_the_baseline() {
    let task = TaskFolder::new();
    fs::write(task.path().join("script.json"), r#"{"default": "water"}"#).unwrap();
    let output = task.command("compile").arg("--json").output().unwrap();
    let document = json(&output);
    assert_eq!(output.status.code(), Some(10), "{document}\n{}", stderr(&output));
    assert_eq!((&document["verdict"], &document["kind"]), (&"reject".into(), &"nothing_found".into()));
    assert_eq!(names(&document["lead"]), ["estimate", "lower95"].into());
    let report = fs::read_to_string(document["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("Nothing better was found"));
    let artifact = Artifact::read(&artifact(&document)).unwrap();
    assert!(!artifact.stamp().is_verified() && artifact.parts().candidate.is_baseline());
}

#[test]
fn the_report_shows_answers_and_not_what_was_thought_on_the_way() {
    let task = TaskFolder::new();
    task.edit("[signature]", "[signature]\nkind = \"chain_of_thought\"");
    let script = fs::read_to_string(task.path().join("script.json")).unwrap();
    let thinking = ["water", "street", "bins"].into_iter().fold(script, |script, crew| {
        script.replace(&format!("\"{crew}\""), &format!("\"[[reasoning]]\\nhm\\n[[crew]]\\n{crew}\""))
    });
    fs::write(task.path().join("script.json"), thinking).unwrap();
    let document = json(&task.command("compile").arg("--json").output().unwrap());
    assert_eq!(document["verdict"], "accept", "{document}");
    let report = fs::read_to_string(document["report"].as_str().unwrap()).unwrap();
    let cases = report.split("What got fixed").nth(1).unwrap().split("How was it found").next().unwrap();
    assert!(cases.contains("new: <span class=\"yes\">street</span>") && !cases.contains("hm"), "{cases}");
}

#[test]
fn two_runs_from_scratch_give_the_same_bytes() {
    let bytes = || {
        let task = TaskFolder::new();
        // The model's name is part of the artifact, so it must not hold the folder's random name.
        task.edit(&format!("scripted:{}/script.json", task.path().display()), "scripted:script.json");
        let output = task.command("compile").arg("--json").current_dir(task.path()).output().unwrap();
        fs::read(task.path().join(artifact(&json(&output)))).unwrap()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn check_tells_splits_and_detectable_lead_without_a_call() {
    let task = TaskFolder::new();
    let document = json(&task.command("check").arg("--json").output().unwrap());
    assert_eq!(document["rows"]["gate"], 144);
    assert_eq!(document["model"]["ready"], true);
    assert!(document["detectable_lead"].as_f64().unwrap() > 0.01, "{document}");
    let screen = task.command("check").output().unwrap();
    let screen = String::from_utf8_lossy(&screen.stdout).into_owned();
    for part in
        ["60 rows to learn from", "train    val sealed", "  water ", "nobody has looked", "at most 600 calls"]
    {
        assert!(screen.contains(part), "{part} is not in\n{screen}");
    }
    assert!(
        screen.lines().count() <= 24 && screen.lines().all(|line| line.len() <= 160),
        "one screen:\n{screen}"
    );
    assert!(!task.path().join(".proofmark").exists());
}

#[test]
fn mistakes_are_told_with_their_place_and_exit_code() {
    let compile = |task: &TaskFolder| {
        let output = task.command("compile").output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let task = TaskFolder::new();
    task.edit("instructions", "instrctions");
    let (code, message) = compile(&task);
    assert_eq!(code, Some(3), "{message}");
    assert!(message.contains("task.toml:6") && message.contains("instructions"), "{message}");

    let task = TaskFolder::new();
    fs::write(task.path().join("rows.jsonl"), "{\"id\": \"a\", \"message\": 3, \"crew\": \"water\"}\n")
        .unwrap();
    let (code, message) = compile(&task);
    assert_eq!(code, Some(3), "{message}");
    assert!(message.contains("rows.jsonl:1") && message.contains("message"), "{message}");

    let task = TaskFolder::new();
    fs::remove_file(task.path().join("script.json")).unwrap();
    let (code, message) = compile(&task);
    assert_eq!(code, Some(4), "{message}");

    let task = TaskFolder::new();
    let (code, message) = {
        let output = task.command("compile").args(["--budget-calls", "3"]).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    assert_eq!(code, Some(5), "{message}");
    assert_eq!(proofmark().arg("compile").output().unwrap().status.code(), Some(2));
}

#[test]
fn score_tables_of_other_tools_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, right: fn(usize) -> bool| {
        let rows: String = (0..120)
            .flat_map(|seed| ["clean", "typo"].map(|variant| (seed, variant)))
            .map(|(seed, variant)| {
                let score = u8::from(right(seed));
                format!("{{\"seed\": \"s{seed}\", \"variant\": \"{variant}\", \"score\": {score}}}\n")
            })
            .collect();
        let path = folder.path().join(name);
        fs::write(&path, rows).unwrap();
        path
    };
    let old = table("old.jsonl", |seed| seed % 2 == 0);
    let better = table("better.jsonl", |seed| seed % 2 == 0 || seed % 3 == 0);
    let gate = |candidate: &std::path::Path| {
        let mut command = proofmark();
        command.args(["gate", "--json", "--baseline"]).arg(&old).arg("--candidate").arg(candidate);
        command.output().unwrap()
    };
    let output = gate(&better);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let document = json(&output);
    assert_eq!(document["verdict"], "accept");
    assert_eq!(document["candidates"][0]["verdict"], "accept");

    let worse = gate(&table("worse.jsonl", |seed| seed % 4 == 0));
    assert_eq!(worse.status.code(), Some(10), "{}", stderr(&worse));

    let torn = folder.path().join("torn.jsonl");
    fs::write(&torn, "{\"seed\": \"s1\", \"variant\": \"clean\", \"score\": 1}\n").unwrap();
    let torn = gate(&torn);
    assert_eq!(torn.status.code(), Some(3));
    assert!(stderr(&torn).contains("s0"), "{}", stderr(&torn));
}

#[test]
fn a_shipped_prompt_is_compressed_and_told_what_that_saves() {
    let wordy = || {
        let task = TaskFolder::new();
        task.edit(
            "Forward the message.",
            "Please forward the message carefully. It was written by somebody in our town, who may be upset. \
             It is important to think of the place, and of the weather. Be quick.",
        );
        task
    };
    // Whose sealed rows were asked before would need more of them to show that nothing is lost.
    let (old, task) = (wordy(), wordy());
    let shipped = artifact(&json(&old.command("compile").arg("--json").output().unwrap()));
    let mut command = task.command("compile");
    command.args(["--json", "--optimizer", "compress", "--baseline"]).arg(&shipped);
    let output = command.output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("the gate's policy is `noninferior`"), "{told}");
    let document = json(&output);
    let tokens = |name: &str| document["tokens"][name].as_f64().unwrap();
    // What the task says is of no use to its model.
    assert!(tokens("new") < 0.7 * tokens("old") && tokens("break_even") > 0.0, "{document}");
    let artifact = Artifact::read(&artifact(&document)).unwrap();
    let proofmark_runtime::Stamp::Accepted(accepted) = artifact.stamp() else { panic!("{told}") };
    assert_eq!(accepted.policy(), "noninferior");
    let report = std::fs::read_to_string(document["report"].as_str().unwrap()).unwrap();
    for text in [told.as_str(), report.as_str(), document.to_string().as_str()] {
        assert!(!text.contains("beats the old one") && !text.contains("better than the old one"), "{text}");
    }
    assert!(report.contains("loses less than three points"));
}
