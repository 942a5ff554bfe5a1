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
fn acceptance_9_families_keep_their_guarantee() {
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
    assert_eq!(pairs.len(), 5 * 4, "every pair in both orders: {pairs:?}");
    assert_eq!(frozen.counts[COMPOSED].made, 30);
}

#[test]
fn variants_depend_on_the_seed() {
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
fn unknown_families_are_reported_with_the_known_ones() {
    let bad = Plan { families: vec!["tpyo".into()], ..plan(1) };
    let message = bad.freeze(&[]).unwrap_err().to_string();
    assert!(
        message.contains("`tpyo`") && message.contains("typo") && message.contains("composed"),
        "{message}"
    );
    assert_eq!(Plan { families: vec![], ..plan(1) }.freeze(&[]).unwrap_err(), PlanError::Empty);
}

#[test]
fn case_is_left_out_if_case_matters() {
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
fn own_rules_change_whole_words_only() {
    let rules = [("parcel", "package"), ("as soon as possible", "asap")];
    let own = Own::Rules(Rules::new(
        "slang",
        rules.map(|(find, put)| own::Rule { find: find.to_owned(), put: put.to_owned() }).to_vec(),
    ));
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
fn own_programs_are_held_to_their_guarantee() {
    // The first row gets an addition, the second a new number, the third stays the same, the fourth cannot be changed.
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
fn a_failed_program_stops_the_run() {
    let fails = |script: &str| match of_own(&[shell(script)], &["one row", "another row"]) {
        Err(PlanError::Program(error)) => error,
        other => panic!("{other:?}"),
    };
    let rubbish = ["ok", "[]", "{}", r#"{"text": 7}"#, r#"{"text": "a\u0000b"}"#];
    for line in rubbish {
        let error = fails(&format!("while read -r line; do echo '{line}'; done"));
        assert!(matches!(error, CommandError::Unusable { .. }), "{line}: {error}");
    }
    assert!(matches!(fails("read -r line; echo why >&2; exit 3"), CommandError::Ended { .. }));
    let twice = fails(r#"while read -r line; do echo '{"text": null}'; echo '{"text": null}'; done"#);
    assert!(matches!(twice, CommandError::TooMany { .. }), "{twice}");
    let counts = fails(r#"n=0; while read -r line; do n=$((n+1)); echo "{\"text\": \"one row $n\"}"; done"#);
    assert!(matches!(counts, CommandError::Fickle { .. }), "{counts}");
}

proptest! {
    #[test]
    fn no_text_panics_or_breaks_a_guarantee(text in "\\PC{0,200}", seed in 0u64..50) {
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
fn own_templates_are_a_family_and_compose() {
    let lamps = Field::new("lamps", Type::Integer);
    let own = [Own::Templates(Templates::read("redrawn", "t.jsonl", ORDERS, vec![lamps]).unwrap())];
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
        assert_eq!(variant.steps(), steps, "the template does not fit a text with typos");
    }
    let other = ORDERS.replace("\"to\": 30", "\"to\": 29");
    let lamps = Field::new("lamps", Type::Integer);
    let own = [Own::Templates(Templates::read("redrawn", "t.jsonl", &other, vec![lamps]).unwrap())];
    let again = Plan { own: &own, ..plan.clone() }.freeze(&rows.iter().collect::<Vec<_>>()).unwrap();
    assert_ne!(again.variants, frozen.variants, "other templates make other variants");
}

/// The digests of the variants of some rows, by family. The rows are part of hashed prompts: if one changes, users pay twice.
const DIGESTS: &[(&str, &str)] = &[
    ("whitespace", "b0f660726a7fac5013671ae3c0471d41dde4f17486f3f952e5eae026e0c905ff"),
    ("unicode", "a4da4c221adef9fa57527fec69902c03577faa4d2cc5337d2f38fd17f98b4ee0"),
    ("case", "6a9ee7c265b893390df6210233e2cf6cc042f42251e045fc7bdbdec8d09089a8"),
    ("filler", "5375daa30acf1c5643b6180c1e26baa724020546bdab557b787b242d317ad316"),
    ("distractor", "bc505426ce73e7fb47bde9ff9cb47007f870287720aa1572cbdb9884ae1d9c5d"),
    ("injection", "2da8f552bbd3ddff8ccee711837213e9aa9deb6f9010864284fc3c925f3cdf89"),
    ("length", "388b8442d61d04cfcd69b5c6df93996f7566ac61162e54bd09233eeed3a6b107"),
    ("contraction", "cdb2c45559a4cc151a9782a75866ca1d027e1ffc706160574233effbf24a8dc9"),
    ("number", "73d70820d7da84df05f762f655204b5fd5c1484771ad273a1b6bf4c83efd8271"),
    ("date", "ecee740de507e4d863897fdd545190d5470cbe77f3c8bc92008d9f5b852ae715"),
    ("unit", "a1b78c112d1f32885af20a7bf542851f8308bfd5f41db0779ab6c69c98e967c9"),
    ("synonym", "a74cddf405b675b714a3dbd6ae7ee1b07e1c47ad6f01b7e092d9846f087181c4"),
    ("ocr", "17a0f6d8d5593def66083e01b2374db630a76dba2ba8127302d02a3c1a45542b"),
    ("tautology", "f0c9ebe35a04217273e9b20d9e7d0002da27f304efcd333ab9f2f3db37d56541"),
    ("thread", "2e6ff0d723189a429c08a80565c86eb8d08355dac4ab9cc0fc0c62ad876db87a"),
    ("options", "ca55322ce99293d4b46249df572d5c88d064ce9495ad13304c04ecafb9fddaef"),
    ("listing", "69efa5e6a99bf46a8d126f212fd28fe2ba6fccc843271787964650ccd81c329b"),
    ("composed", "534f6b09c97a95ee69a9698008f73ffc4a2543615516a9c9b5c9e6d7acd58cb0"),
    ("default", "71e251dfae8cf025db10907517d20fa2dd3b4c2ed6450860e3d52d2163a41222"),
    ("all", "7258dd4a579f80ad34fd83f760bb5c8c640b2a8071fd6a5ea72870f9654ef1f0"),
];

#[test]
fn variants_never_change() {
    let rows: Vec<_> = (0..40)
        .map(|i| {
            let mut row = example(i, &format!("{} ({i})", TEXTS[i % TEXTS.len()]));
            if i % TEXTS.len() == 5 {
                row.outputs.insert("team", if i % 2 == 0 { "billing" } else { "A" });
            }
            row
        })
        .collect();
    for (name, expected) in DIGESTS {
        let plan = match *name {
            "default" => Plan { families: default_families(false), ..plan(11) },
            "all" => Plan { families: names().into_iter().map(str::to_owned).collect(), ..plan(11) },
            name => Plan { families: vec![name.to_owned(), "typo".to_owned()], ..plan(5) },
        };
        let frozen = plan.freeze(&rows.iter().collect::<Vec<_>>()).unwrap();
        let content = |variant: &Variant| {
            let listing = variant.listing();
            let content = (variant.family(), variant.steps(), variant.class(), variant.example(), listing);
            serde_json::to_value(content).unwrap()
        };
        let variants: Vec<_> = frozen.variants.iter().flatten().map(content).collect();
        assert_eq!(proofmark_runtime::digest(&variants).to_string(), *expected, "{name}");
    }
}

#[test]
fn options_in_a_list_are_permuted() {
    let mut row = example(0, "Which team is it? Look at the list of teams.");
    let teams = ["billing", "shipping", "sales"].map(Value::from).to_vec();
    row.inputs.insert("options", Value::List(teams.clone()));
    let plan = Plan { families: vec!["options".to_owned()], ..plan(1) };
    let frozen = plan.freeze(&[&row]).unwrap();
    assert_eq!(frozen.counts["options"], Count { made: 1, idle: 0, dropped: 0 });
    let Some(Value::List(items)) = frozen.variants[0][0].example().inputs.get("options") else { panic!() };
    assert!(*items != teams && teams.iter().all(|team| items.contains(team)), "{items:?}");
}
