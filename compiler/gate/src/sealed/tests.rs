use proofmark_runtime::Record;

use super::*;
use crate::variant::testing;

fn row(i: usize) -> GateRow {
    let example = Example {
        id: ExampleId(format!("row {i}")),
        inputs: Record::new().with("text", format!("text {i}")),
        outputs: Record::new().with("label", "x"),
        slices: [("channel".to_owned(), format!("{}", i % 2))].into(),
    };
    GateRow::new(example)
}

fn variant(row: &GateRow, family: &str) -> Variant {
    testing::variant(&row.example, family, "text", &format!("{family} of {}", row.example.id))
}

fn sealed(rows: Vec<GateRow>) -> Sealed {
    let variants = rows.iter().map(|row| vec![variant(row, "typo"), variant(row, "case")]).collect();
    Sealed::freeze(rows, variants).unwrap()
}

#[test]
fn the_fingerprint_is_that_of_the_content() {
    let rows: Vec<_> = (0..10).map(row).collect();
    let first = sealed(rows.clone());
    let renamed = rows.iter().rev().map(|row| {
        let id = ExampleId(format!("other {}", row.example.id));
        GateRow::new(Example { id, ..row.example.clone() })
    });
    let renamed = Sealed::freeze(renamed.collect(), vec![vec![]; 10]).unwrap();
    assert_eq!(first.fingerprint(), renamed.fingerprint(), "names, order and variants do not count");
    assert_ne!(first.design(), renamed.design(), "variants do count here");
    let mut changed = rows;
    changed[3].example.outputs.insert("label", "y");
    assert_ne!(first.fingerprint(), sealed(changed).fingerprint());
}

#[test]
fn rows_of_one_group_are_one_unit() {
    let mut rows: Vec<_> = (0..6).map(row).collect();
    rows.iter_mut().for_each(|row| row.group = (row.example.id.0.len() + 1).to_string());
    rows[5].group = "alone".into();
    let sealed = sealed(rows);
    assert_eq!(sealed.units(), 2);
    let mut sizes: Vec<_> = sealed.units.iter().map(|unit| (unit.clean.len(), unit.primary.len())).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(1, 2), (5, 10)]);
    assert_eq!(sealed.calls(), 18);
}

#[test]
fn slices_are_families_and_columns_of_perturbed_rows() {
    let sealed = sealed((0..10).map(row).collect());
    let slices: Vec<_> = sealed.slices().collect();
    assert_eq!(slices, [("case", 10), ("channel=0", 10), ("channel=1", 10), ("typo", 10)]);
}

#[test]
fn natural_rows_are_perturbed_rows_of_their_own() {
    let mut rows: Vec<_> = (0..4).map(row).collect();
    rows[3].natural = Some("noisy".into());
    let sealed = Sealed::freeze(rows, vec![vec![]; 4]).unwrap();
    assert!(!sealed.plain);
    assert_eq!(sealed.units.iter().map(|unit| unit.primary.len()).sum::<usize>(), 1);
    assert!(sealed.slices().any(|slice| slice == ("noisy", 1)));
}

#[test]
fn acceptance_4_rows_mined_from_a_contender_are_refused() {
    for by in CONTENDERS {
        let mut rows: Vec<_> = (0..4).map(row).collect();
        rows[2].mined_by = Some(by.into());
        let refused = Sealed::freeze(rows.clone(), vec![vec![]; 4]).unwrap_err();
        assert_eq!(refused, SealError::Mined { by: by.into(), rows: vec![ExampleId("row 2".into())] });

        rows[2].must_pass = true;
        let sealed = Sealed::freeze(rows.clone(), vec![vec![]; 4]).unwrap();
        assert_eq!((sealed.units(), sealed.calls(), sealed.must_pass.len()), (3, 4, 1));
        assert_eq!(sealed.rows[sealed.must_pass[0]].unit, None, "it is no part of any test");

        rows[2].mined_by = Some("some third prompt".into());
        rows[2].must_pass = false;
        assert_eq!(Sealed::freeze(rows, vec![vec![]; 4]).unwrap().units(), 4);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(Sealed::freeze(vec![], vec![]).unwrap_err(), SealError::Empty);
    let misaligned = Sealed::freeze(vec![row(0)], vec![]).unwrap_err();
    assert_eq!(misaligned, SealError::Misaligned { lists: 0, rows: 1 });
    let foreign = Sealed::freeze(vec![row(0)], vec![vec![variant(&row(1), "case")]]).unwrap_err();
    assert_eq!(foreign, SealError::Foreign { family: "case".into(), row: ExampleId("row 0".into()) });
}
