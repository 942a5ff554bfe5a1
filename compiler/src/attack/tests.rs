use std::collections::BTreeMap;

use proofmark_runtime::Record;
use proptest::prelude::*;
use rand::SeedableRng;

use super::*;

fn example(id: usize, text: &str) -> Example {
    Example {
        id: ExampleId(format!("r{id}")),
        inputs: Record::new().with("message", text),
        outputs: Record::new().with("team", "billing"),
        slices: BTreeMap::new(),
    }
}

fn plan(seed: u64) -> Plan {
    Plan {
        families: default_families(true),
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
    "é ﬁ ½ ①  完了しました, see https://example.org/a?b=c and `let x = 1;`",
];

#[test]
fn acceptance_9_every_family_keeps_its_guarantee_and_changes_something() {
    let plan = plan(7);
    for family in ALL {
        let mut changed = 0;
        for (id, text) in TEXTS.iter().enumerate() {
            if let Some(variant) = perturb(&example(id, text), family.name(), &[*family], &plan) {
                let perturbed = variant.example.inputs.get("message").unwrap().as_text().unwrap();
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
        let variant =
            perturb(&example(id, "where is my parcel"), "injection", &[&injection::Injection], &plan)
                .unwrap();
        let text = variant.example.inputs.get("message").unwrap().as_text().unwrap();
        assert!(text.contains("shipping") && !text.contains("billing"), "{text}");
    }
}

#[test]
fn variants_are_frozen_by_the_seed_and_independent_of_the_other_rows_texts() {
    let rows: Vec<_> =
        (0..30).map(|id| example(id, &format!("message number {id} about some parcel"))).collect();
    let refs: Vec<_> = rows.iter().collect();
    let (a, b) = (freeze(&refs, &plan(1)).unwrap(), freeze(&refs, &plan(1)).unwrap());
    assert_eq!(a, b);
    assert_ne!(a, freeze(&refs, &plan(2)).unwrap());
    assert!(a.iter().all(|variants| variants.len() == 3));
    let mut families: Vec<_> =
        a.iter().map(|variants| variants.iter().map(|v| &v.family).collect::<Vec<_>>()).collect();
    assert!(families.iter_mut().all(|names| {
        names.sort();
        names.dedup();
        names.len() == 3
    }));
}

#[test]
fn unknown_families_are_named_with_those_that_exist() {
    let bad = Plan { families: vec!["tpyo".into()], ..plan(1) };
    let message = freeze(&[], &bad).unwrap_err().to_string();
    assert!(
        message.contains("`tpyo`") && message.contains("typo") && message.contains("composed"),
        "{message}"
    );
    assert_eq!(freeze(&[], &Plan { families: vec![], ..plan(1) }).unwrap_err(), PlanError::Empty);
}

#[test]
fn case_is_left_out_where_case_matters() {
    assert!(!default_families(false).contains(&"case".to_owned()));
}

proptest! {
    #[test]
    fn no_text_makes_a_family_panic_or_break_its_guarantee(text in "\\PC{0,200}", seed in 0u64..50) {
        let plan = plan(seed);
        let scene = Scene { protected: &plan.protected, wrong_answer: Some("shipping") };
        for family in ALL {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            if let Some(changed) = family.perturb(&text, &scene, &mut rng)
                && matches!(family.guarantee(), Guarantee::Surrounds)
            {
                family.guarantee().check(&text, &changed, &plan.protected).unwrap();
            }
        }
        let row = example(0, &text);
        let frozen = freeze(&[&row], &plan).unwrap();
        prop_assert!(frozen[0].len() <= 3);
    }
}
