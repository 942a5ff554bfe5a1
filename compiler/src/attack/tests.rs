use std::{collections::BTreeMap, path::Path, time::Duration};

use proofmark_runtime::{ExampleId, Field, Record, Type};
use proptest::prelude::*;
use rand::SeedableRng;

use super::{rewrite::Rewritings, *};
use crate::command::{Command, CommandError};

fn example(id: usize, text: &str) -> Example {
    Example {
        id: ExampleId(format!("r{id}")),
        inputs: Record::new().with("message", text),
        outputs: Record::new().with("team", "billing"),
        slices: BTreeMap::new(),
    }
}

fn plan(seed: u64) -> Plan<'static> {
    Plan {
        families: default_families(true),
        own: &[],
        rewritings: Rewritings::default(),
        variants: 3,
        seed,
        protected: protected_words(["billing", "shipping", "message", "team"]),
        choices: vec!["billing".into(), "shipping".into()],
    }
}

const TEXTS: &[&str] = &[
    "I'm waiting for two weeks now, since 2026-03-04, and the shop says it is nearly there: maybe in 3 hours, for example",
    "We have bought a big sofa on 20 November 2026. It's wrong by 12 cm and you will get it back in five minutes",
    "why was i charged twice for order 4471? please send me the \"final invoice\" again",
    "Das Paket ist nicht angekommen, bitte prüfen Sie die Adresse. Groß geschrieben: STRAẞE",
    "ok",
    "Which team is it?\nA) billing\nB) shipping\nC) nobody else",
    "Which of these is it, and why?\n(1) neatness\n(2) billing\n(3) haste",
    "é ﬁ ½ ①  完了しました, see https://example.org/a?b=c and `let x = 1;`",
];

/// A family on one row, as the plan applies it.
fn perturb(family: &dyn Family, row: &Example, plan: &Plan<'_>) -> Option<Example> {
    let alone = Plan { families: vec![family.name().to_owned()], variants: 1, ..plan.clone() };
    let frozen = alone.freeze(&[row]).unwrap();
    frozen.variants[0].first().map(|variant| variant.example().clone())
}

#[test]
fn acceptance_9_every_family_keeps_its_guarantee_and_changes_something() {
    let plan = plan(7);
    for family in ALL {
        let mut changed = 0;
        for (id, text) in TEXTS.iter().enumerate() {
            if let Some(variant) = perturb(*family, &example(id, text), &plan) {
                let perturbed = variant.inputs.get("message").unwrap().as_text().unwrap();
                assert_ne!(perturbed, *text);
                family.guarantee().check(text, perturbed, &plan.protected).unwrap();
                changed += 1;
            }
        }
        assert!(changed >= 2, "{} changed only {changed} of the texts", family.name());
    }
}

#[test]
fn an_injection_never_names_the_right_answer() {
    let plan = plan(3);
    for id in 0..40 {
        let variant = perturb(&injection::Injection, &example(id, "where is my parcel"), &plan).unwrap();
        let text = variant.inputs.get("message").unwrap().as_text().unwrap();
        assert!(text.contains("shipping") && !text.contains("billing"), "{text}");
    }
}

#[test]
fn composed_rows_cover_every_pair_of_families() {
    let rows: Vec<_> = (0..60)
        .map(|id| example(id, &format!("message number {id} about some parcel that never came")))
        .collect();
    let names = ["typo", "filler", "whitespace", "injection", "length", COMPOSED];
    let plan = Plan { families: names.map(str::to_owned).to_vec(), variants: 3, ..plan(1) };
    let frozen = plan.freeze(&rows.iter().collect::<Vec<_>>()).unwrap();
    let composed = frozen.variants.iter().flatten().filter(|variant| variant.family() == COMPOSED);
    let pairs: BTreeSet<_> = composed.map(|variant| variant.steps().to_vec()).collect();
    assert_eq!(pairs.len(), 5 * 4, "every pair both ways round: {pairs:?}");
    assert_eq!(frozen.counts[COMPOSED].made, 30);
}

#[test]
fn variants_are_frozen_by_the_seed_and_independent_of_the_other_rows_texts() {
    let rows: Vec<_> =
        (0..30).map(|id| example(id, &format!("message number {id} about some parcel"))).collect();
    let refs: Vec<_> = rows.iter().collect();
    let (a, b) = (plan(1).freeze(&refs).unwrap().variants, plan(1).freeze(&refs).unwrap().variants);
    assert_eq!(a, b);
    assert_ne!(a, plan(2).freeze(&refs).unwrap().variants);
    assert!(a.iter().all(|variants| variants.len() == 3));
    let mut families: Vec<_> =
        a.iter().map(|variants| variants.iter().map(|v| v.family().to_owned()).collect::<Vec<_>>()).collect();
    assert!(families.iter_mut().all(|names| {
        names.sort();
        names.dedup();
        names.len() == 3
    }));
}

#[test]
fn unknown_families_are_named_with_those_that_exist() {
    let bad = Plan { families: vec!["tpyo".into()], ..plan(1) };
    let message = bad.freeze(&[]).unwrap_err().to_string();
    assert!(
        message.contains("`tpyo`") && message.contains("typo") && message.contains("composed"),
        "{message}"
    );
    assert_eq!(Plan { families: vec![], ..plan(1) }.freeze(&[]).unwrap_err(), PlanError::Empty);
}

#[test]
fn case_is_left_out_where_case_matters() {
    assert!(!default_families(false).contains(&"case".to_owned()));
}

/// A family that is a shell script.
fn shell(script: &str) -> Own {
    let words = ["sh", "-c", script].map(str::to_owned).to_vec();
    let command = Command::new("family `mine`, the command", words, Path::new(""), Duration::from_secs(20));
    Own::Program(Box::new(OwnProgram::new("mine", command)))
}

fn of_own(own: &[Own], texts: &[&str]) -> Result<Frozen, PlanError> {
    let rows: Vec<_> = texts.iter().enumerate().map(|(id, text)| example(id, text)).collect();
    let families = own.iter().map(|own| own.name().to_owned()).collect();
    Plan { families, own, ..plan(1) }.freeze(&rows.iter().collect::<Vec<_>>())
}

#[test]
fn rules_of_the_users_change_whole_words_only() {
    let rules = [("parcel", "package"), ("as soon as possible", "asap")];
    let own = Own::Rules(Rules::new("slang", rules.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()));
    let texts =
        ["Parcel came, send parcels as soon as possible", "a \"parcel\" on shop.parcel.example", "none"];
    let frozen = of_own(&[own], &texts).unwrap();
    let texts = |variants: &[Variant]| {
        let text = |variant: &Variant| variant.example().inputs.get("message").unwrap().to_string();
        variants.iter().map(text).collect::<Vec<_>>()
    };
    let changed = texts(&frozen.variants[0]);
    let possible = [
        "Package came, send parcels asap",
        "Package came, send parcels as soon as possible",
        "Parcel came, send parcels asap",
    ];
    assert!(possible.contains(&changed[0].as_str()), "{changed:?}");
    assert_eq!(frozen.variants[0][0].class(), Class::G1);
    assert_eq!(frozen.counts["slang"], Count { made: 1, idle: 2, dropped: 0 });
}

#[test]
fn a_program_of_the_users_is_held_to_the_guarantee() {
    // The first row gets an addition, the second a new number, the third stays, the fourth cannot be changed.
    let script = r#"while read -r line; do case "$line" in
        *first*) echo '{"text": "the first row, please"}';;
        *second*) echo '{"text": "the second row 8"}';;
        *third*) echo '{"text": "the third row"}';;
        *) echo '{"text": null}';;
    esac; done"#;
    let frozen =
        of_own(&[shell(script)], &["the first row", "the second row 7", "the third row", "other"]).unwrap();
    assert_eq!(frozen.counts["mine"], Count { made: 1, idle: 2, dropped: 1 });
    assert_eq!(frozen.variants.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0, 0]);
}

#[test]
fn a_program_that_fails_stops_everything() {
    let fails = |script: &str| match of_own(&[shell(script)], &["one row", "another row"]) {
        Err(PlanError::Program(error)) => error,
        other => panic!("{other:?}"),
    };
    let rubbish = ["ok", "[]", "{}", r#"{"text": 7}"#, r#"{"text": "a\u0000b"}"#];
    for line in rubbish {
        let error = fails(&format!("while read -r line; do echo '{line}'; done"));
        assert!(matches!(error, CommandError::Rubbish { .. }), "{line}: {error}");
    }
    assert!(matches!(fails("read -r line; echo why >&2; exit 3"), CommandError::Ended { .. }));
    let twice = fails(r#"while read -r line; do echo '{"text": null}'; echo '{"text": null}'; done"#);
    assert!(matches!(twice, CommandError::TooMany { .. }), "{twice}");
    let counts = fails(r#"n=0; while read -r line; do n=$((n+1)); echo "{\"text\": \"one row $n\"}"; done"#);
    assert!(matches!(counts, CommandError::Fickle { .. }), "{counts}");
}

proptest! {
    #[test]
    fn no_text_makes_a_family_panic_or_break_its_guarantee(text in "\\PC{0,200}", seed in 0u64..50) {
        let plan = plan(seed);
        let scene = Scene { protected: &plan.protected, wrong_answer: Some("shipping") };
        for family in ALL {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            if let Some(changed) = family.perturb(&text, &scene, &mut rng)
                && matches!(family.guarantee(), Guarantee::Surrounds | Guarantee::Permutes(_))
            {
                family.guarantee().check(&text, &changed, &plan.protected).unwrap();
            }
        }
        let row = example(0, &text);
        let frozen = plan.freeze(&[&row]).unwrap();
        prop_assert!(frozen.variants[0].len() <= 3);
    }
}

const ORDERS: &str = r#"{"text": "{who} orders {n} boxes of {k} lamps and sends {b} boxes back, how many lamps are kept?", "draw": {"who": ["the hotel", "my sister"], "n": {"from": 5, "to": 30}, "k": {"from": 2, "to": 12}, "b": {"from": 1, "to": 9}}, "where": "b < n", "answer": "(n - b) * k"}"#;

#[test]
fn templates_of_the_users_are_a_family_like_others_and_compose() {
    let lamps = Field::new("lamps", Type::Integer);
    let own = [Own::Templates(Templates::read(("redrawn", "t.jsonl"), ORDERS, vec![lamps]).unwrap())];
    let row = |i: i64| Example {
        id: ExampleId(format!("r{i}")),
        inputs: Record::new().with(
            "message",
            format!(
                "a school orders {} boxes of 6 lamps and sends 2 boxes back, how many lamps are kept?",
                i + 3
            ),
        ),
        // One row is labelled wrongly.
        outputs: Record::new().with("lamps", Value::Integer(6 * (i + 1) + i64::from(i == 7))),
        slices: BTreeMap::new(),
    };
    let rows: Vec<_> = (0..30).map(row).collect();
    let families = ["redrawn", "typo", COMPOSED].map(str::to_owned).to_vec();
    let plan = Plan { families, own: &own, ..plan(1) };
    let frozen = plan.freeze(&rows.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(frozen.counts["redrawn"], Count { made: 29, idle: 0, dropped: 1 });
    assert_eq!(frozen.counts[COMPOSED].made, 29);
    for variant in frozen.variants.iter().flatten().filter(|variant| variant.family() != "typo") {
        let text = variant.example().inputs.get("message").unwrap().to_string();
        let [n, k, b] = text.split(' ').filter_map(|word| word.parse::<i64>().ok()).collect::<Vec<_>>()[..]
        else {
            panic!("{text}")
        };
        assert_eq!(variant.example().outputs.get("lamps"), Some(&Value::Integer((n - b) * k)), "{text}");
        assert_eq!(variant.class(), Class::G3);
        let steps = if variant.family() == COMPOSED { &["redrawn", "typo"][..] } else { &["redrawn"] };
        assert_eq!(variant.steps(), steps, "a text with typos is no more the template's");
    }
    let other = ORDERS.replace("\"to\": 30", "\"to\": 29");
    let lamps = Field::new("lamps", Type::Integer);
    let own = [Own::Templates(Templates::read(("redrawn", "t.jsonl"), &other, vec![lamps]).unwrap())];
    let again = Plan { own: &own, ..plan.clone() }.freeze(&rows.iter().collect::<Vec<_>>()).unwrap();
    assert_ne!(again.variants, frozen.variants, "other templates make other variants");
}
