use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use proofmark_runtime::ExampleId;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{data::rows::read, task::DataFiles};

/// A task over some files: one text in, one of three teams out.
fn task(files: &[(&str, &str)], data: &str) -> (tempfile::TempDir, Task) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!(
        "format = 1\n[signature]\ninstructions = \"Route.\"\ninputs = {{ message = \"text\" }}\n[signature.outputs]\n\
         team = {{ type = \"choice\", choices = [\"a\", \"b\", \"c\"] }}\n\
         urgent = {{ type = \"boolean\", optional = true }}\n[data]\n{data}\n"
    );
    let task = Task::parse(text, &folder.path().join("task.toml"));
    (folder, task.unwrap_or_else(|errors| panic!("{errors}")))
}

/// A text that is near no other.
fn words(n: usize) -> String {
    let word = |i| digest(&(n, i)).short();
    format!("{} {}", word(0), word(1))
}

fn team(n: usize) -> &'static str {
    ["a", "b", "b", "c", "c", "c"][n % 6]
}

/// Rows of JSON lines.
fn lines(rows: impl IntoIterator<Item = serde_json::Value>) -> String {
    rows.into_iter().map(|row| format!("{row}\n")).collect()
}

fn plain_rows(range: std::ops::Range<usize>) -> String {
    lines(range.map(|n| json!({"id": n, "message": words(n), "team": team(n)})))
}

/// The roles of all rows by their id.
fn roles(task: &Task) -> BTreeMap<String, Option<Role>> {
    let given = read(task).unwrap();
    let found = Hygiene::of(&given.iter().map(|given| &given.row).collect::<Vec<_>>());
    let roles = assign(task, &given, &found).unwrap();
    given.iter().map(|given| given.row.example.id.0.clone()).zip(roles).collect()
}

fn message(files: &[(&str, &str)], data: &str) -> String {
    let (folder, task) = task(files, data);
    let error = Splits::load(&task).expect_err(data).to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn one_file_is_split_25_15_60_by_label() {
    let (_folder, task) = task(&[("rows.jsonl", &plain_rows(0..240))], "file = \"rows.jsonl\"\nid = \"id\"");
    let (splits, report) = Splits::load(&task).unwrap();
    assert_eq!((splits.train.len(), splits.val.len(), splits.gate.units()), (60, 36, 144));
    assert_eq!(report.rows, Counts { train: 60, val: 36, gate: 144 });
    assert_eq!(report.labels["team"]["a"], Counts { train: 10, val: 6, gate: 24 });
    assert_eq!(report.labels["team"]["c"], Counts { train: 30, val: 18, gate: 72 });
    assert_eq!((report.groups, report.largest_group, report.unlabelled), (240, 1, vec!["urgent".to_owned()]));
}

#[test]
fn splits_depend_on_rows_and_seed_alone() {
    let text = plain_rows(0..60);
    let mut reversed: Vec<_> = text.lines().collect();
    reversed.reverse();
    let mut csv = "team,message\n".to_owned();
    for n in 0..60 {
        writeln!(csv, "{},\"{}\"\r", team(n), words(n)).unwrap();
    }
    let array = format!("\u{feff}[{}]", text.lines().collect::<Vec<_>>().join(",\n"));
    let load = |name: &str, text: &str, seed: u32| {
        let (_folder, task) = task(&[(name, text)], &format!("file = \"{name}\"\nseed = {seed}"));
        let (splits, _) = Splits::load(&task).unwrap();
        (splits.train.examples().to_vec(), splits.gate.design())
    };
    let first = load("rows.jsonl", &text, 0);
    assert_eq!(first, load("rows.jsonl", &reversed.join("\r\n"), 0), "order and line ends");
    assert_eq!(first, load("rows.csv", &csv, 0), "CSV");
    assert_eq!(first, load("rows.json", &array, 0), "array and byte order mark");
    assert_ne!(first, load("rows.jsonl", &text, 1), "seed");
}

/// Rows of some families of near-duplicates and user groups.
fn messy() -> impl Strategy<Value = Vec<serde_json::Value>> {
    let row = (0..40_usize, 0..4_usize, prop::option::of(0..12_usize), 0..2_usize).prop_map(
        |(family, variant, group, channel)| {
            let text = format!("{} please {} help me today{}", words(family), words(family + 1000), ["", "!", " ok", "."][variant]);
            json!({"message": text, "team": team(family), "customer": group, "channel": (["mail", "chat"][channel])})
        },
    );
    prop::collection::vec(row, 60..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn acceptance_10_groups_are_never_divided(rows in messy()) {
        let rows: Vec<_> = rows.into_iter().enumerate().map(|(id, mut row)| { row["id"] = id.into(); row }).collect();
        let data = "file = \"rows.jsonl\"\nid = \"id\"\ngroup = \"customer\"\nslices = [\"channel\"]";
        let (_folder, task) = task(&[("rows.jsonl", &lines(rows.clone()))], data);
        let given = read(&task).unwrap();
        let all: Vec<_> = given.iter().map(|given| &given.row).collect();
        let found = Hygiene::of(&all);
        // Chains of shared customers may join nearly all rows into one group, which is an error.
        let Ok(roles) = assign(&task, &given, &found) else { return Ok(()) };
        let text = |at: usize| crate::gate::text::plain(rows[at]["message"].as_str().unwrap());
        for i in 0..rows.len() {
            for j in 0..i {
                let customer = !rows[i]["customer"].is_null() && rows[i]["customer"] == rows[j]["customer"];
                let family = text(i)[..50] == text(j)[..50];
                prop_assert!(!(customer || family) || roles[i] == roles[j], "rows {i} and {j}");
            }
        }
        let largest = found.groups.iter().map(Vec::len).max().unwrap();
        let tolerance = 2.0 * largest as f64;
        for (role, share) in [(Role::Train, 0.25), (Role::Val, 0.15), (Role::Gate, 0.6)] {
            for label in ["a", "b", "c"] {
                let of = |at: &usize| all[*at].example.outputs.get("team").unwrap().as_text() == Some(label);
                let total = (0..all.len()).filter(of).count() as f64;
                let here = (0..all.len()).filter(of).filter(|at| roles[*at] == Some(role)).count() as f64;
                prop_assert!((here - share * total).abs() <= tolerance, "{role:?} has {here} of {total} {label}, groups up to {largest}");
            }
        }
    }
}

#[test]
fn the_newest_groups_are_test_rows() {
    let rows = (0..50).map(|n| {
        let day = format!("2026-{:02}-{:02}", 1 + n / 25, 1 + n % 25);
        json!({"id": n, "message": words(n), "team": team(n), "at": day, "customer": if n == 3 || n == 49 { json!("x") } else { json!(null) }})
    });
    let (_folder, task) = task(
        &[("rows.jsonl", &lines(rows))],
        "file = \"rows.jsonl\"\nid = \"id\"\ntime = \"at\"\ngroup = \"customer\"",
    );
    let roles = roles(&task);
    let gate: Vec<usize> = roles
        .iter()
        .filter(|(_, role)| **role == Some(Role::Gate))
        .map(|(id, _)| id.parse().unwrap())
        .collect();
    assert_eq!(gate.len(), 30);
    assert!(gate.contains(&3), "an old row of a customer with a new one");
    assert!(gate.iter().all(|n| *n == 3 || *n >= 21), "{gate:?}");
}

#[test]
fn own_splits_are_kept_without_leaks() {
    let leak = json!({"id": 900, "message": format!("{} !!", words(100).to_uppercase()), "team": "a"});
    let train = plain_rows(0..40) + &lines([leak]);
    let (_folder, task) = task(
        &[("train.jsonl", &train), ("gate.jsonl", &plain_rows(100..130))],
        "train = \"train.jsonl\"\ngate = \"gate.jsonl\"\nid = \"id\"",
    );
    let (splits, report) = Splits::load(&task).unwrap();
    assert_eq!((splits.train.len(), splits.val.len(), splits.gate.units()), (25, 15, 30));
    assert!(
        splits.train.get(&ExampleId("900".into())).is_none()
            && splits.val.get(&ExampleId("900".into())).is_none()
    );
    let [moved] = report.moved_out.as_slice() else { panic!("{:?}", report.moved_out) };
    assert_eq!((moved.place.as_str(), moved.because_of.as_str()), ("train.jsonl:41", "gate.jsonl:1"));
}

#[test]
fn equal_ids_of_different_files_are_qualified() {
    let (_folder, task) = task(
        &[
            ("train.jsonl", &plain_rows(0..20)),
            ("val.jsonl", &plain_rows(50..60)),
            ("gate.csv", "id,message,team\n0,x y,a\n1,p q,b\n"),
        ],
        "train = \"train.jsonl\"\nval = \"val.jsonl\"\ngate = \"gate.csv\"\nid = \"id\"",
    );
    let roles = roles(&task);
    assert_eq!(
        (roles["train/0"], roles["val/50"], roles["gate/0"]),
        (Some(Role::Train), Some(Role::Val), Some(Role::Gate))
    );
}

#[test]
fn near_duplicates_of_adversarial_rows_are_test_rows() {
    let noisy = lines(
        (0..30)
            .map(|n| json!({"id": format!("n{n}"), "message": format!("{} ??", words(n)), "team": team(n)})),
    );
    let (_folder, task) = task(
        &[("rows.jsonl", &plain_rows(0..100)), ("noisy.jsonl", &noisy)],
        "file = \"rows.jsonl\"\nadversarial = \"noisy.jsonl\"\nid = \"id\"",
    );
    let roles = roles(&task);
    assert!((0..30).all(|n| roles[&n.to_string()] == Some(Role::Gate) && roles[&format!("n{n}")] == Some(Role::Gate)));
    let (splits, _) = Splits::load(&task).unwrap();
    assert!(splits.gate.slices().any(|(name, rows)| name == NATURAL && rows == 30));
}

#[test]
fn mined_rows_are_train_rows_and_must_pass_rows_test_rows() {
    // A mined row with the text of a must-pass row is in no split.
    let torn = json!({"id": "torn", "message": words(12), "team": "a", "by": "baseline", "must": ""});
    let rows = (0..60).map(|n| {
        let (by, must) =
            (if n < 10 { "baseline" } else { "" }, if (5..15).contains(&n) { "yes" } else { "no" });
        json!({"id": n, "message": words(n), "team": team(n), "by": by, "must": must})
    });
    let (_folder, task) = task(
        &[("rows.jsonl", &lines(rows.chain([torn])))],
        "file = \"rows.jsonl\"\nid = \"id\"\nmined_by = \"by\"\nmust_pass = \"must\"",
    );
    let roles = roles(&task);
    assert!((0..5).all(|n| roles[&n.to_string()] == Some(Role::Train)));
    assert!((5..15).all(|n| roles[&n.to_string()] == Some(Role::Gate)));
    assert_eq!(roles["torn"], None);
    Splits::load(&task).unwrap();
}

/// A column that is not mapped is not read, so a row that was mined from failures of the baseline would be a test row.
#[test]
fn unmapped_columns_are_reported() {
    let marked =
        |n: usize, more: &str| json!({"id": n, "message": words(n), "team": team(n), more: "baseline"});
    let rows = lines((0..100).map(|n| marked(n, "source")));
    let hard = lines((200..230).map(|n| marked(n, ["mined_by", "source", "must_pass"][n % 3])));
    let data = "file = \"rows.jsonl\"\nid = \"id\"";
    let unmapped = |data: &str, slices: &str| {
        let files = [("rows.jsonl", rows.as_str()), ("hard.jsonl", hard.as_str())];
        let (_folder, task) = self::task(&files, &format!("{data}\n{slices}"));
        Splits::load(&task).unwrap().1.unmapped
    };
    assert_eq!(unmapped(data, ""), [""; 0], "a source counts in adversarial rows only");
    let hard = format!("{data}\nadversarial = \"hard.jsonl\"");
    assert_eq!(unmapped(&hard, ""), ["must_pass", "mined_by", "source"]);
    assert_eq!(unmapped(&hard, "mined_by = \"mined_by\""), ["must_pass", "source"]);
}

#[test]
fn mined_adversarial_rows_are_train_rows() {
    let row = |n: usize, from: &str, by: &str, must: bool| json!({"id": n, "message": words(n), "team": team(n), "from": from, "by": by, "must": must});
    let hard = lines((200..230).map(|n| match n {
        200..210 => row(n, "by hand", "", false),
        210..215 => row(n, "production", "baseline", false),
        215..220 => row(n, "production", "candidate", true),
        _ => row(n, "production", "another model", false),
    }));
    let (_folder, task) = task(
        &[("rows.jsonl", &plain_rows(0..100)), ("hard.jsonl", &hard)],
        "file = \"rows.jsonl\"\nadversarial = \"hard.jsonl\"\nid = \"id\"\nsource = \"from\"\nmined_by = \"by\"\nmust_pass = \"must\"",
    );
    let roles = roles(&task);
    let of = |range: std::ops::Range<usize>| range.map(|n| roles[&n.to_string()]).collect::<BTreeSet<_>>();
    assert_eq!(of(210..215), [Some(Role::Train)].into(), "train rows, not test rows");
    assert_eq!((of(200..210), of(215..230)), ([Some(Role::Gate)].into(), [Some(Role::Gate)].into()));
    let (splits, report) = Splits::load(&task).unwrap();
    let slices: BTreeMap<_, _> = splits.gate.slices().collect();
    assert_eq!((slices["source=by hand"], slices["source=production"], slices[NATURAL]), (10, 10, 20));
    let counts = |train, gate| Counts { train, val: 0, gate };
    assert_eq!(report.adversarial["production"], counts(5, 15));
    assert_eq!((report.mined["baseline"], report.mined["candidate"]), (counts(5, 0), counts(0, 5)));

    assert_eq!(report.unmapped, [""; 0]);

    let unmarked = plain_rows(0..100);
    let (_folder, task) =
        self::task(&[("rows.jsonl", &unmarked)], "file = \"rows.jsonl\"\nmined_by = \"by\"");
    let missing = Splits::load(&task).unwrap_err().to_string();
    assert!(missing.contains("no row of any file has the column `by` (mined_by"), "{missing}");
}

#[test]
fn contradictions_and_copies_are_reported() {
    let copies = [("Where is it?", "a"), ("where is it", "b"), ("WHERE IS IT", "a")];
    let copies = lines(copies.map(|(text, team)| json!({"message": text, "team": team})));
    let (_folder, task) = task(&[("rows.jsonl", &(copies + &plain_rows(0..30)))], "file = \"rows.jsonl\"");
    let (_, report) = Splits::load(&task).unwrap();
    assert_eq!((report.duplicates.count, report.largest_group), (2, 3));
    let [found] = report.contradictions.as_slice() else { panic!("{report:?}") };
    assert_eq!(found.rows[1], ("rows.jsonl:2".to_owned(), "b".to_owned()));
}

#[test]
fn null_is_a_label_and_absence_is_not() {
    let mut rows: Vec<_> =
        (0..30).map(|n| json!({"message": words(n), "team": team(n), "urgent": null})).collect();
    rows[0]["urgent"] = true.into();
    rows[2].as_object_mut().unwrap().remove("urgent");
    // Inputs may have 100,000 characters.
    rows[1]["message"] = "long ".repeat(20_000).into();
    let (_folder, task) = task(&[("rows.jsonl", &lines(rows))], "file = \"rows.jsonl\"");
    let (_, report) = Splits::load(&task).unwrap();
    assert_eq!((report.labels["urgent"]["true"].total(), report.labels["urgent"]["(none)"].total()), (1, 28));
}

#[test]
fn unusable_rows_are_listed_with_their_lines() {
    let bad = [
        r#"{"id": 1, "message": "fine", "team": "a"}"#,
        r#"{"id": 2, "message": "no label"}"#,
        r#"{"id": 3, "message": 7, "team": "d"}"#,
        r#"{"id": 1, "message": "again", "team": "a"}"#,
        r#"{"message": "no id", "team": "a"}"#,
        r#"{"id": 6, "message": "cut off", "team": "#,
        r#"["id", 7]"#,
        "{\"id\": 8, \"message\": \"n\0l\", \"team\": \"a\"}",
        r#"{"id": 9, "message": "n\u0000l", "team": "a"}"#,
        r#"{"id": 10, "message": "x", "team": "a", "urgent": "maybe"}"#,
        r#"{"id": 11, "message": "x", "team": "A"} trailing"#,
    ];
    assert_eq!(
        message(&[("rows.jsonl", &bad.join("\n"))], "file = \"rows.jsonl\"\nid = \"id\""),
        "10 rows cannot be used:\
         \n  rows.jsonl:2: `team` is missing\
         \n  rows.jsonl:3: `message` is an integer, but must be text; `team` is \"d\", which is not one of its 3 choices (known: `a`, `b`, `c`)\
         \n  rows.jsonl:4: line 1 already has the id \"1\"\
         \n  rows.jsonl:5: `id` is missing\
         \n  rows.jsonl:6: the JSON is cut off\
         \n  rows.jsonl:7: the row is an array, not an object\
         \n  rows.jsonl:8: the row has a NUL byte; the file may be cut off or binary\
         \n  rows.jsonl:9: `message` contains a NUL character\
         \n  rows.jsonl:10: `urgent` is \"maybe\", but must be true or false\
         \n  rows.jsonl:11: not JSON: trailing characters (at byte 41 of 48)"
    );
    let many = "{}\n".repeat(30) + "{\"message\": \"x\", \"team\": \"a\"}";
    let shown = message(&[("rows.jsonl", &many)], "file = \"rows.jsonl\"");
    assert!(shown.starts_with("30 rows cannot be used:") && shown.ends_with("and 10 more"), "{shown}");
    assert_eq!(shown.lines().count(), 22);
}

#[test]
fn broken_files_are_reported() {
    let cases: &[(&str, &str, &str)] = &[
        ("rows.jsonl", "", "rows.jsonl has no rows"),
        ("rows.json", " [ ] ", "rows.json has no rows"),
        ("rows.csv", "message,team\n", "rows.csv has no rows"),
        ("rows.txt", "x", "the suffix of rows.txt is not known"),
        ("rows.json", "[{\"message\": \"x\", \"team\": \"a\"}\n{}]", "rows.json:2: expected `,` or `]`"),
        ("rows.json", "[{\"message\": \"x\", \"team\": \"a\"},\n  {\"message\": }]", "rows.json:2: not JSON"),
        ("rows.json", "[{\"message\": \"x\", \"team\": \"a\"}", "cut off"),
        ("rows.json", "{\n\"data\": []}", "one JSON object"),
        ("rows.jsonl", "[{}]", "rename the file to .json"),
        ("rows.csv", "message;team\nx;a\n", "separated by ';'"),
        ("rows.csv", "message,message\nx,a\n", "two columns \"message\""),
        (
            "rows.csv",
            "message,team\nx,a\n\"y\ny\",b,c\n",
            "rows.csv:3: the row has 3 cells, but the header has 2",
        ),
        (
            "rows.jsonl",
            "{\"text\": \"x\", \"label\": \"a\"}",
            "no row has the column `message` for the input `message`; no row has a column with labels (`team` or `urgent`); its columns are text, label",
        ),
        ("rows.jsonl", "{\"message\": \"x\", \"team\": \"a\"}", "1 row is too few"),
        (
            "rows.jsonl",
            &format!(
                "{}{}",
                "{\"message\": \"x\", \"team\": \"a\"}\n", "{\"message\": \"y z\", \"team\": \"a\"}\n"
            ),
            "all 2 rows have the same label `team` = a",
        ),
    ];
    for (name, text, expected) in cases {
        let shown = message(&[(name, text)], &format!("file = \"{name}\""));
        assert!(shown.contains(expected), "{name}: {shown}");
    }
    let shown = message(
        &[("rows.jsonl", "{\"message\": \"x\", \"team\": \"a\", \"chanel\": 1}")],
        "file = \"rows.jsonl\"\nslices = [\"channel\"]",
    );
    assert!(shown.contains("no row has the column `channel` (slices; did you mean `chanel`?)"), "{shown}");
    let shown = message(
        &[("a.jsonl", &plain_rows(0..9)), ("b.jsonl", &plain_rows(0..9))],
        "train = \"a.jsonl\"\ngate = \"b.jsonl\"",
    );
    assert!(shown.contains("every row of train is a near-duplicate"), "{shown}");
}

#[test]
fn bytes_that_are_no_text_are_reported_by_line() {
    let (folder, task) =
        task(&[("rows.jsonl", "x"), ("rows.csv", "x"), ("rows.json", "[]")], "file = \"rows.jsonl\"");
    let error_of = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut task = Task::parse(task.text.clone(), &folder.path().join("task.toml")).unwrap();
        task.data.files = DataFiles::One(path);
        Splits::load(&task).unwrap_err().to_string()
    };
    let shown = error_of(
        "rows.jsonl",
        b"{\"message\": \"x\", \"team\": \"a\"}\n{\"message\": \"\xff\", \"team\": \"a\"}\n",
    );
    assert!(shown.contains("rows.jsonl:2: the row is not UTF-8: byte 0xff"), "{shown}");
    let shown = error_of("rows.csv", b"message,team\nx,a\n\xe4,b\n");
    assert!(shown.contains("rows.csv:3: the row is not UTF-8: byte 0xe4"), "{shown}");
    let shown = error_of("rows.json", b"[\n{\"message\": \"\xff\"}]");
    assert!(shown.contains("rows.json:2: the row is not UTF-8"), "{shown}");
    let shown = error_of("rows.csv", &[0xff, 0xfe, b'm', 0]);
    assert!(shown.contains("UTF-16"), "{shown}");
}

#[test]
fn rows_like_a_row_of_the_task_are_not_fresh() {
    let (folder, task) = task(&[("rows.jsonl", &plain_rows(0..60))], "file = \"rows.jsonl\"\nid = \"id\"");
    let (splits, _) = Splits::load(&task).unwrap();
    let file = |name: &str, rows: std::ops::Range<usize>| {
        let path = folder.path().join(name);
        std::fs::write(&path, plain_rows(rows)).unwrap();
        path
    };
    let (longer, longest, old) = (file("a.jsonl", 0..80), file("b.jsonl", 40..100), file("c.jsonl", 0..60));
    let found = fresh(&task, &splits.train, &[longer, longest]).unwrap();
    let counts: Vec<_> = found.iter().map(|fresh| (fresh.read, fresh.known, fresh.sealed.units())).collect();
    assert_eq!(counts, [(80, 60, 20), (60, 40, 20)]);
    assert!(found[0].sealed.holdout().rows.is_disjoint(&found[1].sealed.holdout().rows));
    assert!(found.iter().all(|fresh| fresh.sealed.holdout().rows.is_disjoint(&splits.gate.holdout().rows)));
    let error = fresh(&task, &splits.train, &[old]).unwrap_err();
    assert!(matches!(error, DataError::NothingFresh { rows: 60, .. }) && error.hint().is_some(), "{error}");
}

/// Rows in a format, with a mistake: the bytes from `at` on, `length` of them, are replaced.
fn mutated(suffix: &str, at: usize, length: usize, put: &[u8]) -> Vec<u8> {
    let rows = match suffix {
        "csv" => "id,message,team\n1,\"a, b\",a\n2,\"two\nlines\",b\n3,x,c\n",
        "tsv" => "id\tmessage\tteam\n1\ta b\ta\n2\tc\tb\n",
        "json" => {
            "[{\"id\": 1, \"message\": \"x\", \"team\": \"a\"},\n {\"id\": 2, \"message\": \"ä\", \"team\": \"b\"}]"
        }
        _ => {
            "{\"id\": 1, \"message\": \"x\", \"team\": \"a\"}\n\n{\"id\": 2, \"message\": \"ä\", \"team\": \"b\"}\n"
        }
    };
    let at = at % (rows.len() + 1);
    let end = (at + length).min(rows.len());
    [&rows.as_bytes()[..at], put, &rows.as_bytes()[end..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_bytes_are_rows_or_an_error_with_a_line(
        suffix in prop::sample::select(vec!["jsonl", "json", "csv", "tsv"]),
        at in 0usize..200, length in 0usize..30,
        put in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            r#"[\[\]{}",:0-9a-z\n\r\t \\-]{0,12}"#.prop_map(String::into_bytes),
        ],
        random: bool,
    ) {
        let bytes = if random { put.repeat(3) } else { mutated(suffix, at, length, &put) };
        let (folder, task) = task(&[("rows.jsonl", "x")], "file = \"rows.jsonl\"");
        let path = folder.path().join(format!("any.{suffix}"));
        std::fs::write(&path, &bytes).unwrap();
        let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
        match read_rows(&task.program, &task.data.columns, &path) {
            Ok(rows) => prop_assert!(!rows.is_empty()),
            Err(DataError::Rows(bad)) => {
                prop_assert!(bad.listed.iter().all(|row| (1..=lines).contains(&row.line)), "{bad}");
            }
            Err(DataError::Malformed { line, message, .. }) => {
                prop_assert!((1..=lines).contains(&line) && !message.is_empty(), "{line}: {message}");
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
