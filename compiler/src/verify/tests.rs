//! Mock updates of a model: which share of answers they change, and which way.

use proofmark_runtime::digest;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::*;

/// `rows` recorded rows, seven of ten right, asked twice without a change.
fn recorded(rows: usize) -> Recorded {
    let row = |i: usize| {
        let right = i % 10 < 7;
        Row {
            id: ExampleId(format!("r{i}")),
            content: digest(&i),
            score: f64::from(right),
            answer: digest(&right),
            chose: i >= rows * 4 / 5,
        }
    };
    Recorded { rows: (0..rows).map(row).collect(), twice: 60, changed: 0 }
}

/// The model after an update that breaks and mends answers with these chances.
fn updated(recorded: &Recorded, (breaks, mends): (f64, f64), seed: u64) -> Vec<Option<Now>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let now = |(i, row): (usize, &Row)| {
        let right = is_right(row.score);
        let flips = rng.random_bool(if right { breaks } else { mends });
        let score = f64::from(right != flips);
        let channel = format!("channel={}", ["mail", "fax"][usize::from(i % 4 == 0)]);
        Some(Now { score, answer: digest(&(right != flips)), slices: vec![channel] })
    };
    recorded.rows.iter().enumerate().map(now).collect()
}

fn count(conclusion: Conclusion, rows: usize, update: (f64, f64)) -> usize {
    let recorded = recorded(rows);
    (0..100)
        .filter(|seed| verify(&recorded, &updated(&recorded, update, *seed)).conclusion == conclusion)
        .count()
}

#[test]
fn acceptance_8_updates_are_called_what_they_are() {
    assert_eq!(count(Conclusion::Stable, 200, (0.0, 0.0)), 100);
    assert!(count(Conclusion::Regressed, 200, (0.25, 0.05)) >= 95);
    // As many answers get better as worse.
    let swapped = (0.15, 0.35);
    assert!(count(Conclusion::Regressed, 200, swapped) <= 8);
    assert_eq!(count(Conclusion::Stable, 200, swapped), 0);
    assert!(count(Conclusion::ChangedButNotWorse, 200, (0.05, 0.60)) >= 80);
    assert_eq!(count(Conclusion::Inconclusive, 20, (0.0, 0.0)), 100, "20 rows cannot show stability");
}

#[test]
fn broken_rows_are_listed_and_harmed_slices_are_named() {
    let recorded = recorded(120);
    let mut now = updated(&recorded, (0.0, 0.0), 1);
    for (i, row) in now.iter_mut().enumerate().filter(|(i, _)| i % 4 == 0) {
        let harmed = Now { score: 0.0, answer: digest("other"), ..row.clone().unwrap() };
        *row = Some(if i == 0 { row.clone().unwrap() } else { harmed });
    }
    now[5] = None;
    let found = verify(&recorded, &now);
    assert_eq!((found.rows, found.slices[0].name.as_str()), (119, ALL));
    let slice = |name: &str| found.slices.iter().find(|slice| slice.name == name).unwrap();
    assert!(slice("channel=fax").p_worse.unwrap() < 1e-3 && slice("channel=mail").p_worse.unwrap() > 0.4);
    assert_eq!((found.broken.len(), slice("channel=fax").broken), (slice(ALL).broken, slice(ALL).broken));
    assert!(found.broken.iter().all(|id| id.0 != "r0"));
    assert!(found.noticed_after.unwrap() < 100);
    assert_eq!(found.conclusion, Conclusion::Regressed);
}

/// Rows that chose the prompt prove no fall: what was picked for its luck there is luckier than it is.
#[test]
fn rows_that_chose_the_prompt_do_not_count_against_the_model() {
    let recorded = recorded(150);
    let mut now = updated(&recorded, (0.0, 0.0), 1);
    let worse = recorded.rows.iter().zip(&mut now).filter(|(row, _)| row.chose);
    worse.for_each(|(_, now)| *now = Some(Now { score: 0.0, answer: digest("other"), slices: vec![] }));
    let found = verify(&recorded, &now);
    assert_eq!(found.scores.rows, 120);
    assert!(found.noticed_after.is_some());
    assert_eq!(found.conclusion, Conclusion::ChangedButNotWorse);
}

#[test]
fn nothing_recorded_is_nothing_told() {
    let found = verify(&Recorded::default(), &[]);
    assert_eq!((found.conclusion, found.rows, found.slices.len()), (Conclusion::Inconclusive, 0, 0));
}
