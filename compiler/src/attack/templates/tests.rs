use std::collections::{BTreeMap, BTreeSet};

use proofmark_runtime::{Constraints, ExampleId, Record, Type};
use proptest::prelude::*;
use rand::SeedableRng;

use super::*;
use crate::attack::{Broken, Protected};

const PENS: &str = r#"{"text": "{name} buys {n} pens at {p} dollars each. How much does {name} pay?", "draw": {"name": ["Ann", "Omar"], "n": {"from": 2, "to": 40}, "p": {"from": 1.5, "to": 9, "step": 0.5}}, "where": "n * p < 200", "answer": "n * p"}"#;

fn total() -> Vec<Field> {
    vec![Field::new("total", Type::Integer)]
}

fn templates(lines: &[&str], outputs: Vec<Field>) -> Templates {
    Templates::read("redrawn", "t.jsonl", &lines.join("\n"), outputs).unwrap()
}

fn row(text: &str, outputs: Record) -> Example {
    let inputs = Record::new().with("question", text);
    Example { id: ExampleId("r".into()), inputs, outputs, slices: BTreeMap::new() }
}

fn labelled(text: &str, total: impl Into<Value>) -> Example {
    row(text, Record::new().with("total", total))
}

fn apply(templates: &Templates, row: &Example, seed: u64) -> Result<Example, Miss> {
    let scene = Scene { protected: &Protected::default(), wrong_answer: None };
    templates.apply(row, "question", &scene, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn text(row: &Example) -> &str {
    row.inputs.get("question").unwrap().as_text().unwrap()
}

/// The numbers of a text, read independently of the code above.
fn numbers(text: &str) -> Vec<f64> {
    let words = text.split_whitespace().map(|word| word.trim_end_matches(['.', '?']).replace(',', ""));
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn names_and_numbers_are_redrawn_with_the_new_answer() {
    let templates = templates(&[PENS], total());
    let row = labelled("Kim buys 50 pens at 4  dollars each.\nHow much does Kim pay?", Value::Integer(200));
    let mut seen = BTreeSet::new();
    for seed in 0..60 {
        let variant = apply(&templates, &row, seed).unwrap();
        let [n, p] = numbers(text(&variant))[..] else { panic!("{}", text(&variant)) };
        let Some(Value::Integer(total)) = variant.outputs.get("total") else { panic!("{variant:?}") };
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let total = *total as f64;
        assert!((n * p - total).abs() < 1e-9 && n * p < 200.0, "{}", text(&variant));
        let name = if text(&variant).starts_with("Ann ") { "Ann" } else { "Omar" };
        assert_eq!(
            text(&variant),
            format!("{name} buys {n} pens at {p}  dollars each.\nHow much does {name} pay?")
        );
        templates.guarantee().check(text(&row), text(&variant), &Protected::default()).unwrap();
        seen.insert(text(&variant).to_owned());
    }
    assert!(seen.len() > 50, "{seen:?}");
    assert_eq!(apply(&templates, &row, 3), apply(&templates, &row, 3));
}

#[test]
fn a_template_is_used_only_if_it_gives_the_label() {
    let templates = templates(&[PENS], total());
    let pens = "Kim buys 50 pens at 4 dollars each. How much does Kim pay?";
    let wrong = apply(&templates, &labelled(pens, Value::Integer(220)), 1).unwrap_err();
    let broken = Broken::Answer { says: "200".into(), label: "220".into() };
    assert_eq!(wrong, Miss::Broken(broken));
    for other in [
        labelled("Kim buys 50 pens at 4 dollars each. How much does Al pay?", Value::Integer(200)),
        row(pens, Record::new().with("total", Value::Integer(200)).with("unit", "dollars")),
        row(pens, Record::new()),
    ] {
        assert_eq!(apply(&templates, &other, 1).unwrap_err(), Miss::Idle, "{other:?}");
    }
    let unit = row(pens, Record::new().with("total", Value::Integer(200)).with("unit", "dollars"));
    assert_eq!(templates.of_row(&unit), Some((0, Err(Miss::Idle))), "it has no expression for the unit");
    let changed = "Kim buys 50 pencils at 4 dollars each. How much does Kim pay?";
    let check = templates.guarantee().check(pens, changed, &Protected::default());
    assert_eq!(check, Err(Broken::Template));
}

#[test]
fn labels_keep_their_kind_and_fit_the_task() {
    let half = r#"{"text": "Half of {n}?", "draw": {"n": {"from": 1, "to": 41}}, "answer": "n / 2"}"#;
    let all = |label: Value, output: Field| {
        let templates = templates(&[half], vec![output]);
        let labels = (0..40).map(|seed| {
            let variant = apply(&templates, &labelled("Half of 12?", label.clone()), seed).unwrap();
            let label = variant.outputs.get("total").unwrap().clone();
            let value: f64 = label.to_string().parse().unwrap();
            assert!((numbers(text(&variant))[0] / 2.0 - value).abs() < 1e-9, "{variant:?}");
            label
        });
        labels.collect::<Vec<_>>()
    };
    let field = |ty| Field::new("total", ty);
    assert!(
        all(Value::Integer(6), field(Type::Integer)).iter().all(|label| matches!(label, Value::Integer(_)))
    );
    let texts = all(Value::from("6"), field(Type::Text));
    assert!(texts.iter().all(|label| label.as_text().is_some_and(|text| !text.contains('.'))), "{texts:?}");
    let texts = all(Value::from("6.00"), field(Type::Text));
    assert!(texts.iter().any(|label| label.as_text().is_some_and(|text| text.ends_with(".50"))), "{texts:?}");
    let halves = all(Value::Number(6.0), field(Type::Number));
    assert!(halves.iter().any(|label| label.to_string().ends_with(".5")), "{halves:?}");
    let bounded = Field {
        constraints: Constraints { max: Some(9.0), ..Constraints::default() },
        ..field(Type::Integer)
    };
    let labels = all(Value::Integer(6), bounded);
    assert!(labels.iter().all(|label| number::of(label).unwrap() <= 9.0), "{labels:?}");
    let choices = Type::Choice(["5", "6", "7"].map(str::to_owned).to_vec());
    let labels: BTreeSet<_> = all(Value::from("6"), field(choices)).iter().map(ToString::to_string).collect();
    assert_eq!(labels, ["5", "7"].map(str::to_owned).into(), "6 is the row itself");
}

#[test]
fn several_outputs_texts_and_booleans_are_computed() {
    let line = r#"{"text": "Is {a} more than {b}?", "draw": {"a": {"from": 1, "to": 9}, "b": {"from": 1, "to": 9}}, "answer": {"more": "a > b", "verdict": "'yes' if a > b else 'no'", "gap": "(a - b)|abs"}}"#;
    let verdicts = Type::Choice(vec!["yes".into(), "no".into()]);
    let outputs = vec![
        Field::new("verdict", verdicts),
        Field::new("more", Type::Boolean),
        Field::new("gap", Type::Integer),
    ];
    let templates = templates(&[line], outputs);
    let labels = Record::new().with("verdict", "yes").with("more", Value::Boolean(true));
    let row = row("Is 20 more than 3?", labels);
    let mut verdicts = BTreeSet::new();
    for seed in 0..30 {
        let variant = apply(&templates, &row, seed).unwrap();
        let [a, b] = numbers(text(&variant))[..] else { panic!("{}", text(&variant)) };
        let expected = Record::new()
            .with("verdict", if a > b { "yes" } else { "no" })
            .with("more", Value::Boolean(a > b));
        assert_eq!(variant.outputs, expected, "the row does not label the gap");
        verdicts.insert(variant.outputs.get("verdict").unwrap().to_string());
    }
    assert_eq!(verdicts.len(), 2);
}

#[test]
fn the_first_template_that_fits_is_used() {
    let any = r#"{"text": "{who} buys {what} at {p} dollars each. {rest}", "draw": {"who": ["A"], "what": ["B"], "p": [1], "rest": ["C"]}, "answer": "0"}"#;
    let pens = labelled("Kim buys 3 pens at 4 dollars each. How much does Kim pay?", Value::Integer(12));
    assert!(apply(&templates(&[PENS, "", any], total()), &pens, 1).is_ok());
    let broken = apply(&templates(&[any, PENS], total()), &pens, 1).unwrap_err();
    assert!(matches!(broken, Miss::Broken(Broken::Answer { .. })), "{broken:?}");
    assert_eq!(templates(&["", PENS], total()).places().collect::<Vec<_>>(), ["t.jsonl:2"]);
}

#[test]
fn two_holes_never_get_the_same_text() {
    let line = r#"{"text": "{a} owes {b} {n} dollars", "draw": {"a": ["Ann", "Omar"], "b": ["Ann", "Omar"], "n": [3]}, "answer": "n"}"#;
    let templates = templates(&[line], total());
    for seed in 0..20 {
        let variant =
            apply(&templates, &labelled("Kim owes Lea 5 dollars", Value::Integer(5)), seed).unwrap();
        assert!(
            ["Ann owes Omar 3 dollars", "Omar owes Ann 3 dollars"].contains(&text(&variant)),
            "{variant:?}"
        );
    }
    let line = r#"{"text": "A {color} {thing} costs {n} dollars", "draw": {"color": ["red", "dark blue"], "thing": ["pen"], "n": [7]}, "answer": "n"}"#;
    let colors = self::templates(&[line], total());
    for seed in 0..20 {
        let variant =
            apply(&colors, &labelled("A green cup costs 5 dollars", Value::Integer(5)), seed).unwrap();
        assert_eq!(text(&variant), "A red pen costs 7 dollars", "dark blue pen could be read in two ways");
    }
    let line = r#"{"text": "What is {n}?", "draw": {"n": [3]}, "answer": "n"}"#;
    let only = self::templates(&[line], total());
    assert_eq!(
        apply(&only, &labelled("What is 3?", Value::Integer(3)), 1),
        Err(Miss::Idle),
        "nothing would change"
    );
}

/// A line, and all messages about it.
const MISTAKES: &[(&str, &[&str])] = &[
    ("{", &["not JSON: EOF while parsing an object (at byte 1 of 1)"]),
    ("[1]", &["the line is not a JSON object"]),
    (r#"{"text": "{n}?", "draw": {"n": [1]}}"#, &["missing field `answer`"]),
    (
        r#"{"text": "{n}?", "draws": {"n": [1]}, "answer": "n"}"#,
        &["unknown field `draws`, expected one of `text`, `draw`, `where`, `answer`"],
    ),
    (r#"{"text": "{n", "draw": {}, "answer": "1"}"#, &["a `{` is not closed; a brace is `{{`"]),
    (r#"{"text": "{a}{n}", "draw": {}, "answer": "1"}"#, &["there is no text between {a} and {n}"]),
    (r#"{"text": "why?", "draw": {}, "answer": "1"}"#, &["the text has no hole"]),
    (
        r#"{"text": "{n} {m}?", "draw": {"n": [], "k": [1]}, "where": "n <", "answer": "q * 2"}"#,
        &[
            "`draw` has no values for the hole {m}",
            "`n` has an empty list",
            "`draw` has values for `k`, but the text has no such hole",
            "`where` is \"n <\": unexpected end of input, expected expression",
            "`answer` is \"q * 2\": the text has no hole `q`",
        ],
    ),
    (
        r#"{"text": "{n}?", "draw": {"n": [1]}, "answer": {"sum": "n"}}"#,
        &["`answer` names `sum`, which is not an output"],
    ),
    (r#"{"text": "{n}?", "draw": {"n": [1]}, "answer": 7}"#, &["`answer` has no expression for the outputs"]),
    (
        r#"{"text": "{n}?", "draw": {"n": [1, 2]}, "where": "n > 2", "answer": "n"}"#,
        &["none of 1000 draws can be used; for the first one, `where` is false (with n = 2)"],
    ),
    (
        r#"{"text": "{n}?", "draw": {"n": [1]}, "where": "n", "answer": "n"}"#,
        &["none of 1000 draws can be used; for the first one, `where` is 1, not true or false (with n = 1)"],
    ),
    (
        r#"{"text": "{n}?", "draw": {"n": [1]}, "answer": "n|half"}"#,
        &[
            "none of 1000 draws can be used; for the first one, the answer for `total` fails: filter half is unknown (with n = 1)",
        ],
    ),
    (
        r#"{"text": "{n}?", "draw": {"n": [1]}, "answer": "n / 2"}"#,
        &[
            "none of 1000 draws can be used; for the first one, `total` is a number, but must be an integer: 0.5 (with n = 1)",
        ],
    ),
    (
        r#"{"text": "{a} and {b}?", "draw": {"a": ["x"], "b": ["x"]}, "answer": "1"}"#,
        &["none of 1000 draws can be used; for the first one, `a` and `b` are the same (with a = x, b = x)"],
    ),
];

#[test]
fn every_mistake_is_reported_with_line_and_hint() {
    let read = |text: &str| Templates::read("redrawn", "t.jsonl", text, total()).unwrap_err();
    let all: Vec<_> = MISTAKES.iter().map(|(line, _)| *line).chain([PENS]).collect();
    let mistakes = read(&format!("\u{feff}\n{}", all.join("\n")));
    for (number, (line, expected)) in (2..).zip(MISTAKES) {
        let found = mistakes.iter().filter(|mistake| mistake.line == number);
        assert_eq!(found.map(|mistake| mistake.message.as_str()).collect::<Vec<_>>(), *expected, "{line}");
    }
    assert!(mistakes.iter().all(|mistake| !mistake.hint.is_empty()));
    assert_eq!(mistakes.len(), MISTAKES.iter().map(|(_, messages)| messages.len()).sum::<usize>());
    assert_eq!(read("\n \n")[0].message, "there is no template");
    assert_eq!(
        templates(&[file::EXAMPLE], total()).templates.len(),
        1,
        "the example of the hint is a template"
    );
    let two = vec![Field::new("a", Type::Text), Field::new("b", Type::Text)];
    let mistakes = Templates::read("redrawn", "t.jsonl", PENS, two).unwrap_err();
    assert_eq!(mistakes[0].hint, "an object with an expression for each output: a, b");
}

proptest! {
    #[test]
    fn the_new_answer_fits_the_variant(
        a in 0i64..100_000, b in 1i64..5000, off in -1i64..2, seed in 0u64..1000
    ) {
        let line = r#"{"text": "A has {a}, B has {b} more than {c} times that.", "draw": {"a": {"from": 0, "to": 5000, "step": 7}, "b": {"from": 0.5, "to": 99, "step": 0.5}, "c": [2, 3, 4]}, "where": "a > b", "answer": "a + c * a + b"}"#;
        let templates = templates(&[line], total());
        let text = format!("A has {a}, B has {b} more than 3 times that.");
        let outcome = apply(&templates, &labelled(&text, Value::Integer(4 * a + b + off)), seed);
        if off == 0 {
            let variant = outcome.unwrap();
            let [a, b, c] = numbers(self::text(&variant))[..] else { panic!("{variant:?}") };
            #[expect(clippy::cast_possible_truncation, reason = "small")]
            let expected = Value::Integer((a + c * a + b).round() as i64);
            prop_assert_eq!(variant.outputs.get("total"), Some(&expected));
            prop_assert!((a + c * a + b).fract() == 0.0 && a > b && self::text(&variant) != text);
        } else {
            let is_broken = matches!(outcome, Err(Miss::Broken(Broken::Answer { .. })));
            prop_assert!(is_broken);
        }
    }

    #[test]
    fn no_line_panics(line in r#"\{"text": "[{}a-c ,]{0,9}", "draw": \{"a": (\[1\]|\{"from": -?[0-9]{1,20}, "to": [0-9]{1,20}\}), "b": \["x"\]\}, "answer": "[abc0-9+*/()| ]{0,9}"\}"#) {
        if let Ok(templates) = Templates::read("redrawn", "t.jsonl", &line, total()) {
            let _ = apply(&templates, &labelled("1 x, 2", Value::Integer(1)), 1);
        }
    }
}
