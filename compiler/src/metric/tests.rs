use std::{path::Path, time::Duration};

use proofmark_optimizers::Score;
use proofmark_runtime::{Example, ExampleId, Record, Value};
use serde_json::{Value as Json, json};
use toml::de::DeTable;

use super::*;

fn judge(kind: &str, options: &str, gold: Json, given: Json) -> f64 {
    let measure = ALL.iter().find(|measure| measure.name() == kind).unwrap();
    let table = DeTable::parse(options).unwrap();
    let scorer = measure.build(TableReader::new(table.get_ref())).unwrap();
    scorer.score(&Value::from(&gold), &Value::from(&given)).get()
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

fn weighted(output: &str, weight: f64) -> WeightedOutput {
    WeightedOutput { output: output.into(), weight, scorer: Box::new(exact::Exact) }
}

#[test]
fn labelled_outputs_are_weighted() {
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
fn a_command_stays_open_and_scores_line_by_line() {
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

/// The ledger knows a question by it, so it must not depend on the state of the run.
#[test]
fn the_identity_is_everything_that_decides_scores() {
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
    assert_eq!(metric.identity(), identity, "it was started");
    assert_eq!(judge(&["sh", "judge.sh"], two.path()).identity(), identity, "the folder was moved");
    std::fs::write(two.path().join("judge.sh"), "exit 1").unwrap();
    assert_ne!(judge(&["sh", "judge.sh"], two.path()).identity(), identity, "its scores may differ");
    assert_ne!(judge(&["sh", "other.sh"], one.path()).identity(), identity);
}

/// The command gets the steps in order and may give feedback on each.
#[test]
fn a_command_gives_feedback_on_modules() {
    let answers = |name: &str| {
        let shown = r#"*'"module":"take"'*'"module":"route"'*"#;
        let reply = format!(r#"{{"score": 0, "modules": {{"{name}": "too short"}}}}"#);
        let script =
            format!("read -r line; case $line in {shown}) echo '{reply}';; *) echo;; esac; read -r line");
        shell(&script, LONG)
    };
    let judged = verdict(&answers("take")).unwrap();
    assert_eq!(judged.remarks, [("take".to_owned(), "too short".to_owned())].into());
    assert!(matches!(verdict(&answers("tkae")), Err(CommandError::Unusable { .. })));
}

#[test]
fn a_failed_command_gives_no_score() {
    for rubbish in ["NaN", r#"{"score": NaN}"#, r#"{"score": 1.5}"#, r#"{"score": "1"}"#, "{}", "[]", "ok"] {
        let metric = shell(&format!("while read -r line; do echo '{rubbish}'; done"), LONG);
        assert!(matches!(verdict(&metric), Err(CommandError::Unusable { .. })), "{rubbish}");
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
        command::judge(&missing, &example(json!({})), &Record::new(), &[]),
        Err(CommandError::Start { .. })
    ));
}

/// An additional line would be taken for the next answer, and every later score would belong to another row.
#[test]
fn an_additional_line_gives_no_score() {
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
fn a_hanging_command_reaches_its_time_limit() {
    let silent = shell("sleep 60", Duration::from_millis(100));
    assert!(matches!(verdict(&silent), Err(CommandError::Timeout { .. })));
    // It reads nothing, so that a long question fills the pipe.
    let deaf = shell("sleep 60", Duration::from_millis(100));
    let long = Record::new().with("text", "x".repeat(1 << 20));
    assert!(deaf.score(&example(json!({"a": "x"})), &long, &[]).is_err());
}

/// A metric by the outputs of a program and the section `[metric]` of its task.
fn metric_of(sections: &str) -> Metric {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), "{}").unwrap();
    std::fs::write(folder.path().join("judge.sh"), "exit 1").unwrap();
    let (outputs, metric) = sections.split_at(sections.find("[metric]").unwrap_or(sections.len()));
    let text = format!(
        "format = 1\n[signature]\ninstructions = \"Do.\"\ninputs = {{ a = \"text\" }}\n[signature.outputs]\n{outputs}\n\
         [data]\nfile = \"rows.jsonl\"\n{metric}\n"
    );
    let task = crate::task::Task::parse(text, &folder.path().join("task.toml"));
    let task = task.unwrap_or_else(|errors| panic!("{errors}"));
    std::sync::Arc::into_inner(task.metric).unwrap()
}

/// Outputs and `[metric]` of a task, and the identity of the metric. If one changes, users pay for answers twice.
const IDENTITIES: &[(&str, &str)] = &[
    ("x = \"text\"", "b8df988ed7b5b2666b70af747bf27e6e34d1c4a5de63223c9379774a6cc3486e"),
    (
        "x = \"text\"\n[metric]\nkind = \"exact\"\npass = 0.25",
        "a6ab3c0f5e2fd870afdb267eb668cf9a19614591a9ec613374cd0ca61d2e68fb",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"contains\"",
        "881a5f42e03644f2b200861b82fea667710d8967054636ac95507bf002615ce6",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"f1\"",
        "43e6533de334b969393d8b3553ed4dacd515a0348fb8d4eabd2485bb26109cd8",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"f1\"\npass = 1",
        "e23a2bfb9db8804445f31ac253fb77e704f536f861e1ef5d29cc437844d8006f",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"rouge\"\npass = 0.1",
        "212b526d74dcc71621300aa658720cd97d194de8753a0f60cdce03c9130a777c",
    ),
    (
        "x = \"number\"\n[metric]\nkind = \"number\"",
        "4a17d0125e690741324f3f17dd49560029dfa651fc8dc7e7a2f3b3dccf8bacc7",
    ),
    (
        "x = \"number\"\n[metric]\nkind = \"number\"\ntolerance = 2",
        "247928b20caba37b5995aea06f178fd601feb504681978ec6f028c75987991e9",
    ),
    (
        "x = \"number\"\n[metric]\nkind = \"number\"\ntolerance = 0.125\nrelative = 0.5",
        "3c68b974adad7a010d44c26a59a7374326e1b1e6ede464ba5dfc28d065296e48",
    ),
    (
        "x = \"number\"\n[metric]\nkind = \"number\"\ntolerance = 1e300\nrelative = 1e-17",
        "16a0eaae1b4558d78ddefe4e365a85b14569f1de59b6e0864ccd7e1d88bc3f84",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"regex\"\npattern = '#### (\\d+)'",
        "209eb9bb73aec3fd4d081e775210dde49674ee47c199e0c9bf00a27ac2e19d09",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"regex\"\npattern = \"\\\"ä\\n\\u200b'\\\\\\\\\"",
        "0c07ea2dc0bca6fffbe2e775f53c443117609773147a37e82b8e0a7dd8ea8cf4",
    ),
    (
        "x = { type = \"record\", fields = { y = \"text\" } }\n[metric]\nkind = \"json_fields\"",
        "4e0d829ffb91f135c092cbe256c6cb861897dac595597b82a51890f5d672da62",
    ),
    (
        "x = \"text\"\ny = \"integer\"\nz = { type = \"boolean\", optional = true }",
        "6d12f49f0b686afefe002d4ba706a40f652175b9b7fb337453ffd5abd2f8fbec",
    ),
    (
        "x = \"text\"\ny = \"integer\"\n[metric]\nkind = \"f1\"\noutputs = { y = { kind = \"number\", tolerance = 1, weight = 2.5 }, x = { weight = 1e-9 } }",
        "12c310a94a6bd1082974f4dbd3ef2b02ea190e345f4979484a680277de42aa1f",
    ),
    (
        "x = \"text\"\ny = \"text\"\n[metric]\nkind = \"rouge\"\noutputs = { y = { kind = \"regex\", pattern = \"a|b\", weight = 1e5 } }",
        "a062623bfacbe7b86cff7c6e157a17b472fb8978cebc4ea8a09cdfdc8c377da7",
    ),
    (
        "x = \"text\"\ny = \"text\"\n[metric]\nkind = \"contains\"\noutputs = { y = { weight = 0 } }",
        "881a5f42e03644f2b200861b82fea667710d8967054636ac95507bf002615ce6",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"command\"\ncommand = [\"sh\", \"judge.sh\"]",
        "cc7cf8a0724639665466cde59309f373f7c40664bc57c73254046d2b8a8a30f8",
    ),
    (
        "x = \"text\"\n[metric]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"true\"]\npass = 0.5\ntimeout_seconds = 5",
        "973857b9793a0bbf9cbab698371d045b08cee7aaa59b7ae107dc27c0a7be6abb",
    ),
];

#[test]
fn identities_never_change() {
    for (sections, expected) in IDENTITIES {
        assert_eq!(metric_of(sections).identity().to_string(), *expected, "{sections}");
    }
}

#[derive(Debug)]
struct Length {
    version: u32,
}

impl CustomMetric for Length {
    fn name(&self) -> &str {
        "length"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn score(&self, _: &Example, outputs: &Record, _: &[Step]) -> Result<Judged, String> {
        let answer = outputs.get("a").and_then(Value::as_text).ok_or("there is no answer")?;
        Ok(Judged { score: whether(answer.len() < 4), feedback: None, remarks: BTreeMap::new() })
    }
}

#[test]
fn a_custom_metric_scores_and_is_known_by_name_and_version() {
    let metric = |version| Metric::custom(Box::new(Length { version }), Score::ONE);
    let score = |answer: Record| metric(1).score(&example(json!({"a": "x"})), &answer, &[]);
    assert_eq!(score(Record::new().with("a", "yes")).unwrap().score, Score::ONE);
    let failed = score(Record::new()).unwrap_err().to_string();
    assert_eq!(failed, "on row r1, the metric `length` gives no score: there is no answer");
    assert_eq!(metric(1).identity(), metric(1).identity());
    assert_ne!(metric(1).identity(), metric(2).identity());
}
