use proofmark_runtime::digest;
use proptest::prelude::*;

use super::*;
use crate::{Demands, Evidence, Finalist, Gate, Kind, MemoryLedger, Policy, Reading, Verdict};

fn table(name: &str, score: impl Fn(usize) -> f64, n: usize) -> Table {
    let lines: Vec<_> = (0..n).map(|i| format!(r#"{{"seed":"{i}","score":{}}}"#, score(i))).collect();
    Table::parse(name, &lines.join("\n"), Format::JsonLines).unwrap()
}

fn judge(baseline: &Table, candidate: &Table) -> crate::Judgement {
    let mut paired = Paired::new(baseline, std::slice::from_ref(candidate)).unwrap();
    let (sealed, mut scores) = paired.parts();
    let (policy, demands, evidence) = (Policy::Strict, Demands::default(), Evidence::default());
    let subject = crate::simulation::probit::subject();
    let gate = Gate { policy, demands, context: digest("tables"), seed: 0, evidence, subject };
    let finalist =
        Finalist { name: candidate.name().into(), id: digest(candidate.name()), reading: Reading::default() };
    gate.judge(sealed, &[finalist], &mut scores, &mut MemoryLedger::default()).unwrap()
}

#[test]
fn tables_that_contradict_each_other_are_named() {
    let read = |name: &str, text: &str| Table::parse(name, text, Format::JsonLines);
    let one = read("one", r#"{"seed": 1, "score": 1, "variant": "Clean", "slice": "mail"}"#).unwrap();
    let other = read("other", r#"{"seed": 1, "score": 0, "slice": "chat"}"#).unwrap();
    let sliced = Paired::new(&one, &[other]).unwrap_err().to_string();
    assert!(sliced.contains(r#"id "1", variant "clean": "mail" (line 1) and "chat" (line 1)"#), "{sliced}");
    let silent = read("silent", r#"{"seed": 1, "score": 0}"#).unwrap();
    assert!(Paired::new(&silent, &[one]).unwrap().parts().0.slices().any(|(name, _)| name == "slice=mail"));
}

#[test]
fn json_and_csv_read_the_same() {
    let json = "\u{feff}{\"seed\": 1, \"variant\": \"typo\", \"score\": 0.5, \"slice\": \"a\", \"valid\": false}\n\n\
                {\"seed\": \"x\", \"score\": true}\r\n";
    let csv = "seed,variant,score,slice,valid\n1,typo,0.5,a,FALSE\nx,,1,,\n";
    let (json, csv) =
        (Table::parse("t", json, Format::JsonLines).unwrap(), Table::parse("t", csv, Format::Csv).unwrap());
    let bare = |table: &Table| {
        table.rows.iter().map(|(key, e)| (key.clone(), e.score, e.valid, e.slice.clone())).collect::<Vec<_>>()
    };
    assert_eq!(bare(&json), bare(&csv));
}

#[test]
fn every_bad_row_is_named_with_its_line() {
    let json = r#"{"seed":"a","score":1}
{"seed":"a","score":0}
{"seed":"b","score":1.5}
{"seed":"c","score":null}
{"seed":"d","scor":1}
{"seed":"","score":1}
nonsense"#;
    let error = Table::parse("new.jsonl", json, Format::JsonLines).unwrap_err().to_string();
    for part in [
        "new.jsonl has 6 bad row(s)",
        "line 2: id \"a\", variant \"clean\" was already on line 1",
        "line 3: a score must be a finite number from 0 to 1, not 1.5",
        "line 4: score must be a number from 0 to 1, not null",
        "line 5: unknown field `scor`",
        "line 6: id is empty",
        "line 7:",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    let csv = "seed,score\na,NaN\nb,-1\nc,x\nd\n";
    let error = Table::parse("t", csv, Format::Csv).unwrap_err().to_string();
    for part in ["line 2: ", "line 3: ", "line 4: "] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    assert!(error.contains("4 bad"), "{error}");
    assert!(matches!(Table::parse("t", "\n", Format::JsonLines), Err(TableError::Empty { .. })));
    assert!(matches!(Table::parse("t", "", Format::Csv), Err(TableError::Empty { .. })));
}

#[test]
fn a_row_without_partner_stops_the_judgement() {
    let (old, new) = (table("old", |_| 1.0, 20), table("new", |_| 1.0, 21));
    let error = Paired::new(&old, &[new]).unwrap_err().to_string();
    assert!(error.contains("1 have no partner") && error.contains("id \"20\""), "{error}");
}

#[test]
fn a_table_is_judged_and_nothing_about_it_is_hidden() {
    let old = table("old", |i| f64::from(i % 2 == 0), 100);
    let new = table("new", |i| f64::from(i % 2 == 0 || i % 3 == 0), 100);
    let judgement = judge(&old, &new);
    assert_eq!(judgement.verdict(), Verdict::Accept);
    let record = judgement.certificate().unwrap().record();
    assert!(record.plain);
    let shown = &judgement.disclosed()[0];
    assert!(shown.p.unwrap() < 0.01 && shown.lower95.unwrap() > 0.0);
    let worse = judge(&new, &old);
    assert_eq!(worse.verdict(), Verdict::Reject { kind: Kind::NoUsefulGain });
    assert!(worse.disclosed()[0].p.is_some());
}

#[test]
fn identical_tables_prove_nothing() {
    let judgement =
        judge(&table("old", |i| f64::from(i % 2 == 0), 40), &table("new", |i| f64::from(i % 2 == 0), 40));
    assert!(matches!(judgement.verdict(), Verdict::Inconclusive { .. }), "{:?}", judgement.disclosed());
}

#[test]
fn one_unit_and_few_units_are_never_accepted() {
    for n in [1, 2, 5, 14] {
        let judgement = judge(&table("old", |_| 0.0, n), &table("new", |_| 1.0, n));
        assert!(
            matches!(judgement.verdict(), Verdict::Inconclusive { .. }),
            "{n}: {:?}",
            judgement.verdict()
        );
    }
    let judgement = judge(&table("old", |_| 0.0, 15), &table("new", |_| 1.0, 15));
    assert_eq!(judgement.verdict(), Verdict::Accept);
}

#[test]
fn graded_scores_are_judged_in_fine_steps() {
    let old = table("old", |i| f64::from(u8::try_from(i % 7).unwrap()) / 10.0, 90);
    let new = table(
        "new",
        |i| f64::from(u8::try_from(i % 7).unwrap()) / 10.0 + 0.013 * f64::from(u8::try_from(i % 5).unwrap()),
        90,
    );
    let judgement = judge(&old, &new);
    assert_eq!(judgement.verdict(), Verdict::Accept);
    assert_eq!(judgement.certificate().unwrap().look().unwrap().scores.steps, 1200);
}

#[test]
fn id_and_seed_name_the_same_column() {
    let fingerprint = |text: &str, format| Table::parse("t", text, format).unwrap().fingerprint();
    let seed = fingerprint(r#"{"seed": 1, "score": true}"#, Format::JsonLines);
    assert_eq!(fingerprint(r#"{"id": 1, "score": 1}"#, Format::JsonLines), seed);
    assert_eq!(fingerprint("id,score\n1,True\n", Format::Csv), seed);
    assert_eq!(fingerprint("seed,score\n1,1\n", Format::Csv), seed);
    let error = |text: &str, format| Table::parse("t", text, format).unwrap_err().to_string();
    let both = error(r#"{"id": 1, "seed": 1, "score": 1}"#, Format::JsonLines);
    assert!(both.contains("line 1: duplicate field"), "{both}");
    let unknown = error("id,score,model\n1,1,a\n", Format::Csv);
    assert!(unknown.contains("line 2: ") && unknown.contains("unknown field `model`"), "{unknown}");
}

/// A table of two lines with some bytes replaced.
fn mutated(format: Format) -> impl Strategy<Value = Vec<u8>> {
    let text: &[u8] = match format {
        Format::JsonLines => {
            b"{\"id\": 1, \"variant\": \"typo\", \"score\": 0.5}\n{\"seed\": \"x\", \"score\": true}\n"
        }
        Format::Csv => b"id,variant,score,slice,valid\n1,typo,0.5,\"a,b\",no\nx,,true,,\n",
    };
    let changes = proptest::collection::vec((0..text.len(), any::<u8>()), 1..8);
    changes.prop_map(move |changes| {
        let mut bytes = text.to_vec();
        changes.into_iter().for_each(|(position, byte)| bytes[position] = byte);
        bytes
    })
}

/// Reading succeeds, or says that there are no rows, or names the line of each bad row.
fn reads_or_names_lines(bytes: &[u8], format: Format) {
    match Table::parse("t", &String::from_utf8_lossy(bytes), format) {
        Ok(table) => assert!(!table.rows.is_empty()),
        Err(TableError::Rows { count, problems, .. }) => {
            assert!(count >= problems.len() && !problems.is_empty());
            assert!(problems.iter().all(|problem| problem.contains("line ")), "{problems:?}");
        }
        Err(error) => assert!(matches!(error, TableError::Empty { .. }), "{error}"),
    }
}

proptest! {
    #[test]
    fn random_bytes_are_read_or_named(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        reads_or_names_lines(&bytes, Format::JsonLines);
        reads_or_names_lines(&bytes, Format::Csv);
    }

    #[test]
    fn mutated_json_is_read_or_named(bytes in mutated(Format::JsonLines)) {
        reads_or_names_lines(&bytes, Format::JsonLines);
    }

    #[test]
    fn mutated_csv_is_read_or_named(bytes in mutated(Format::Csv)) {
        reads_or_names_lines(&bytes, Format::Csv);
    }
}
