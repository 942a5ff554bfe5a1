use super::*;
use crate::landscape::{Landscape, uniform};
use proofmark_runtime::{Param, ParamPath, Slot};
use proptest::prelude::*;

fn fresh(candidates: usize, rows: usize, budget: usize) -> RaceSetup {
    RaceSetup { measured: vec![0; candidates], baseline: 0, keep: 3, rows, budget }
}

fn saying(i: usize) -> Candidate {
    let text = Param::Instruction(format!("variant {i}"));
    Candidate::baseline().with(ParamPath::new("route", Slot::Instruction), text)
}

#[test]
fn rungs_double_the_rows_and_keep_the_better_half() {
    let plan = fresh(24, 96, usize::MAX).plan();
    let pairs: Vec<_> = plan.iter().map(|rung| (rung.candidates, rung.rows)).collect();
    assert_eq!(pairs, [(24, 20), (12, 40), (6, 80), (3, 96)]);
    assert_eq!(fresh(24, 96, 0).cost(&plan), 25 * 20 + 13 * 20 + 7 * 40 + 4 * 16);
    assert_eq!(fresh(200, 96, usize::MAX).plan()[0].rows, 10);
}

#[test]
fn known_rows_are_free() {
    let known = RaceSetup { measured: vec![96, 96, 0, 40], baseline: 96, keep: 3, rows: 96, budget: 0 };
    let plan = RaceSetup { budget: 1000, ..known.clone() }.plan();
    let pairs: Vec<_> = plan.iter().map(|rung| (rung.candidates, rung.rows)).collect();
    assert_eq!(pairs, [(4, 20), (3, 96)]);
    assert_eq!(known.cost(&plan), 20 + 76 + 56);
    assert!(known.plan().is_empty());
}

proptest! {
    #[test]
    fn a_plan_fits_and_narrows(
        measured in prop::collection::vec(0usize..120, 0..60), baseline in 0usize..120, rows in 1usize..120,
        budget in 0usize..5000, keep in 1usize..5
    ) {
        let field = RaceSetup { measured, baseline, keep, rows, budget };
        let plan = field.plan();
        prop_assert!(field.cost(&plan) <= budget);
        if let (Some(first), Some(last)) = (plan.first(), plan.last()) {
            prop_assert!(first.candidates <= field.measured.len());
            prop_assert!(last.rows <= rows);
            prop_assert!(plan.windows(2).all(|w| w[0].rows < w[1].rows && w[0].candidates >= w[1].candidates));
        }
    }
}

/// A landscape where the instruction `variant i` has a planted true score.
fn planted() -> Landscape {
    Landscape::made_of("variants", 300, |program| {
        let text = &program.modules()[0].signature.instructions;
        if text.starts_with("variant") { 0.4 + 0.3 * uniform(text) } else { 0.5 }
    })
    .unwrap()
}

#[test]
fn a_race_finds_good_candidates_at_a_third_of_the_cost() {
    let landscape = planted();
    let candidates: Vec<_> = (0..40).map(saying).collect();
    let best = candidates.iter().map(|candidate| landscape.worth(candidate)).fold(0.0, f64::max);
    let (mut shortfall, mut share) = (0.0, 0.0);
    for seed in 0..20 {
        let mut world = landscape.world(seed, 1_000_000);
        let mut lab = landscape.lab(seed, &mut world);
        let finalists = lab.race(&candidates, 3).unwrap();
        #[expect(clippy::cast_precision_loss)]
        let full = (41 * lab.rows().len()) as f64;
        #[expect(clippy::cast_precision_loss)]
        let paid = (1_000_000 - lab.remaining_calls()) as f64;
        share += paid / full / 20.0;
        shortfall += (best - landscape.worth(&finalists[0].candidate)) / 20.0;
        assert_eq!((finalists.len(), finalists[0].rows), (3, lab.rows().len()));
    }
    assert!(share < 0.3, "{share}");
    assert!(shortfall < 0.03, "{shortfall}");
}

#[test]
fn a_second_race_pays_for_new_rows_only() {
    let landscape = planted();
    let mut world = landscape.world(1, 100_000);
    let mut lab = landscape.lab(1, &mut world);
    let first = lab.race(&(0..8).map(saying).collect::<Vec<_>>(), 3).unwrap();
    let before = lab.remaining_calls();
    let same: Vec<_> = first.iter().map(|standing| standing.candidate.clone()).collect();
    assert_eq!(lab.race(&same, 3).unwrap(), first);
    assert_eq!(lab.remaining_calls(), before);
}

#[test]
fn a_small_budget_leaves_candidates_out_and_says_so() {
    let landscape = planted();
    let mut world = landscape.world(1, 600);
    let mut lab = landscape.lab(1, &mut world);
    let affordable = lab.affordable(&[], 100, 3, 600);
    assert!((5..40).contains(&affordable), "{affordable}");
    lab.race(&(0..60).map(saying).collect::<Vec<_>>(), 3).unwrap();
    assert!(
        world.events().iter().any(|event| matches!(event, Event::Remark { text } if text.contains("of 60")))
    );
}

#[test]
fn nothing_is_paid_if_nothing_fits() {
    let landscape = planted();
    let mut world = landscape.world(1, 30);
    let mut lab = landscape.lab(1, &mut world);
    assert_eq!(lab.race(&[saying(1), saying(2), saying(3)], 3), Err(Stop::Budget));
    assert_eq!(lab.remaining_calls(), 30);
}
