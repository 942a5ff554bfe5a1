use std::{path::Path, time::Duration};

use proofmark_optimizers::Score;
use proofmark_runtime::{Example, ExampleId, Record, Value};
use serde_json::{Value as Json, json};
use toml::de::DeTable;

use super::*;

fn judge(kind: &str, options: &str, gold: Json, given: Json) -> f64 {
    let measure = ALL.iter().find(|measure| measure.name() == kind).unwrap();
    let table = DeTable::parse(options).unwrap();
    let judge = measure.build(Reader::new(table.get_ref())).unwrap();
    judge.judge(&Value::from(&gold), &Value::from(&given)).get()
}

#[test]
fn measures_score_known_pairs() {
    let cases = [
        ("exact", "", json!("Billing"), json!(" billing "), 1.0),
        ("exact", "", json!("+"), json!("-"), 0.0),
        ("exact", "", json!(3), json!(3.0), 1.0),
        ("exact", "", json!(true), json!("true"), 0.0),
        ("exact", "", json!(null), json!(null), 1.0),
        ("exact", "", json!(["a", "b"]), json!(["b", "a"]), 0.0),
        ("number", "", json!(0.3), json!(0.1 + 0.2), 1.0),
        ("number", "tolerance = 1", json!(10), json!(11), 1.0),
        ("number", "tolerance = 1", json!(10), json!(11.5), 0.0),
        ("number", "relative = 0.1", json!(-100), json!(-91), 1.0),
        ("number", "", json!(1), json!(null), 0.0),
        ("contains", "", json!("Paris"), json!("It is paris, France."), 1.0),
        ("contains", "", json!(["a", "b", "c", "d"]), json!(["B", "a", "z"]), 0.5),
        ("f1", "", json!("the cat sat"), json!("a cat sat down"), 4.0 / 7.0),
        ("f1", "", json!("x x y"), json!("x"), 0.5),
        ("f1", "", json!("..."), json!("..."), 1.0),
        ("rouge", "", json!("police killed the gunman"), json!("police kill the gunman"), 0.75),
        ("json_fields", "", json!({"a": 1, "b": "x"}), json!({"a": 1.0, "b": "y", "c": 2}), 0.5),
        ("json_fields", "", json!({"a": 1}), json!(null), 0.0),
        ("regex", r"pattern = '#### (\d+)'", json!("72"), json!("6 * 12\n#### 72"), 1.0),
        ("regex", r"pattern = '#### (\d+)'", json!("so\n#### 72"), json!("#### 7"), 0.0),
        ("regex", r"pattern = '\d+'", json!("about 5"), json!("none"), 0.0),
    ];
    for (kind, options, gold, given, expected) in cases {
        let found = judge(kind, options, gold.clone(), given.clone());
        assert!((found - expected).abs() < 1e-12, "{kind} of {gold} and {given}: {found}, not {expected}");
    }
}

fn example(outputs: Json) -> Example {
    let outputs = serde_json::from_value(outputs).unwrap();
    Example { id: ExampleId("r1".into()), inputs: Record::new(), outputs, slices: [].into() }
}

fn weighted(output: &str, weight: f64) -> Weighted {
    Weighted { output: output.into(), weight, judge: Box::new(exact::Exact) }
}

#[test]
fn only_labelled_outputs_are_judged_by_weight() {
    let metric = Metric {
        judge: Judge::Outputs(vec![weighted("a", 3.0), weighted("b", 1.0), weighted("c", 1.0)]),
        pass: Score::ONE,
    };
    let answer = serde_json::from_value(json!({"a": "x", "b": "wrong"})).unwrap();
    let judged = metric.score(&example(json!({"a": "x", "b": "y"})), &answer, &[]).unwrap();
    assert!((judged.score.get() - 0.75).abs() < 1e-12);
    assert_eq!(judged.feedback.as_deref(), Some("`b` should be \"y\", not \"wrong\""));
    assert_eq!(
        metric.score(&example(json!({})), &answer, &[]),
        Err(MetricError::Unlabelled { row: "r1".into() })
    );
}

/// A metric that runs a shell script.
fn shell(script: &str, timeout: Duration) -> Metric {
    let words = ["sh", "-c", script].map(str::to_owned).to_vec();
    Metric {
        judge: Judge::Command(Command::new("metric command", words, Path::new(""), timeout)),
        pass: Score::ONE,
    }
}

fn steps() -> Vec<Step> {
    let step = |module: &str| Step {
        module: module.into(),
        inputs: Record::new(),
        outputs: Record::new().with("said", module),
        repairs: vec![],
        calls: 1,
    };
    ["take", "route"].map(step).into()
}

fn verdict(metric: &Metric) -> Result<Judged, CommandError> {
    metric.score(&example(json!({"a": "x"})), &Record::new(), &steps()).map_err(|error| match error {
        MetricError::Command { source, .. } => source,
        other => panic!("{other}"),
    })
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_command_stays_open_and_judges_line_by_line() {
    let metric = shell(
        r#"n=0; while read -r line; do n=$((n+1)); echo "{\"score\": 0.$n, \"feedback\": \"row $n\"}"; done"#,
        LONG,
    );
    for n in 1..=3 {
        let judged = verdict(&metric).unwrap();
        assert!((judged.score.get() - f64::from(n) / 10.0).abs() < 1e-12);
        assert_eq!(judged.feedback, Some(format!("row {n}")));
    }
}

/// The ledger knows a question by it, so it must not hang on what goes on in this run.
#[test]
fn the_identity_of_a_metric_is_what_decides_its_scores() {
    let judge = |words: &[&str], folder: &Path| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let judge = Judge::Command(Command::new("metric command", words, folder, LONG));
        Metric { judge, pass: Score::ONE }
    };
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let script = r#"while read -r line; do echo '{"score": 1}'; done"#;
    for folder in [&one, &two] {
        std::fs::write(folder.path().join("judge.sh"), script).unwrap();
    }
    let metric = judge(&["sh", "judge.sh"], one.path());
    let identity = metric.identity();
    verdict(&metric).unwrap();
    assert_eq!(metric.identity(), identity, "it runs now");
    assert_eq!(judge(&["sh", "judge.sh"], two.path()).identity(), identity, "the folder was moved");
    std::fs::write(two.path().join("judge.sh"), "exit 1").unwrap();
    assert_ne!(judge(&["sh", "judge.sh"], two.path()).identity(), identity, "it judges otherwise");
    assert_ne!(judge(&["sh", "other.sh"], one.path()).identity(), identity);
}

/// It is shown the steps in order, and may say something about each.
#[test]
fn a_command_may_know_the_modules() {
    let answers = |name: &str| {
        let shown = r#"*'"module":"take"'*'"module":"route"'*"#;
        let reply = format!(r#"{{"score": 0, "modules": {{"{name}": "too short"}}}}"#);
        let script =
            format!("read -r line; case $line in {shown}) echo '{reply}';; *) echo;; esac; read -r line");
        shell(&script, LONG)
    };
    let judged = verdict(&answers("take")).unwrap();
    assert_eq!(judged.remarks, [("take".to_owned(), "too short".to_owned())].into());
    assert!(matches!(verdict(&answers("tkae")), Err(CommandError::Rubbish { .. })));
}

#[test]
fn a_command_that_fails_is_never_a_score() {
    for rubbish in ["NaN", r#"{"score": NaN}"#, r#"{"score": 1.5}"#, r#"{"score": "1"}"#, "{}", "[]", "ok"] {
        let metric = shell(&format!("while read -r line; do echo '{rubbish}'; done"), LONG);
        assert!(matches!(verdict(&metric), Err(CommandError::Rubbish { .. })), "{rubbish}");
    }
    let crash = shell("read -r line; echo oh no >&2; exit 3", LONG);
    match verdict(&crash) {
        Err(CommandError::Ended { how, stderr, .. }) => {
            assert!(how.contains('3'), "{how}");
            assert_eq!(stderr, "oh no");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(verdict(&crash), verdict(&crash), "the first failure is final");
    let closed = shell("exec 1>&-; sleep 60", LONG);
    assert!(matches!(verdict(&closed), Err(CommandError::Ended { .. })));
    let missing = Command::new("metric command", vec!["no-such-program-here".into()], Path::new(""), LONG);
    assert!(matches!(
        command::judge(&missing, &example(json!({})), (&Record::new(), &[])),
        Err(CommandError::Start { .. })
    ));
}

/// A line too many would be taken for the next answer, and every later score would be that of another row.
#[test]
fn a_command_that_gives_a_line_too_many_is_never_a_score() {
    let twice = shell(r#"while read -r line; do echo '{"score": 1}'; echo '{"score": 0}'; done"#, LONG);
    let first = verdict(&twice).unwrap();
    assert!((first.score.get() - 1.0).abs() < 1e-12);
    assert!(matches!(twice.finish(), Err(CommandError::TooMany { .. })));
    verdict(&twice).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        matches!(verdict(&twice), Err(CommandError::TooMany { .. })),
        "it waits before the next question"
    );
    assert!(matches!(verdict(&twice), Err(CommandError::TooMany { .. })), "the first failure is final");
    assert!(matches!(twice.finish(), Err(CommandError::TooMany { .. })));
    let once = shell(r#"while read -r line; do echo '{"score": 1}'; done"#, LONG);
    for _ in 0..2 {
        verdict(&once).unwrap();
        assert_eq!(once.finish(), Ok(()), "and the next question starts it again");
    }
}

#[test]
fn a_command_that_hangs_hits_its_limit() {
    let silent = shell("sleep 60", Duration::from_millis(100));
    assert!(matches!(verdict(&silent), Err(CommandError::Timeout { .. })));
    // It reads nothing, so that a long question fills the pipe.
    let deaf = shell("sleep 60", Duration::from_millis(100));
    let long = Record::new().with("text", "x".repeat(1 << 20));
    assert!(deaf.score(&example(json!({"a": "x"})), &long, &[]).is_err());
}
