//! Planted candidates: each must get the verdict and the name it deserves (acceptance test 3 of the specification).

use super::probit::{Drawn, Normals, World, finalists, gate};
use crate::gate::{Evidence, Gate, Judgement, Kind, MemoryLedger, Policy, Verdict};

const SEEDS: usize = 200;
const TRAIN: usize = 100;
const RUNS: u64 = 20;

/// Verdicts of `RUNS` runs of one planted candidate: `chance(prompt, slice, is clean)`.
fn verdicts(name: &str, evidence: bool, chance: impl Fn(usize, usize, bool) -> f64 + Copy) -> Vec<Verdict> {
    let world = World::new(SEEDS);
    let run = |run| {
        let mut normals = Normals::new(name, run);
        let evidence = if evidence { seen(&mut normals, 0.25) } else { Evidence::default() };
        let drawn = world.answers(&mut normals, 2, chance);
        judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) }).verdict()
    };
    (0..RUNS).map(run).collect()
}

fn judge(world: &World, mut drawn: Drawn, gate: Gate) -> Judgement {
    gate.judge(&world.sealed, &finalists(1), &mut drawn, &mut MemoryLedger::default()).unwrap()
}

/// What the search saw: ten candidates, of which the finalist leads by `lead` and the others by nothing.
fn seen(normals: &mut Normals, lead: f64) -> Evidence {
    let right = normals.answers((11, TRAIN, 1), |prompt, _, _| if prompt == 1 { 0.62 + lead } else { 0.62 });
    let difference = |prompt: usize, row: usize| f64::from(right[prompt][row]) - f64::from(right[0][row]);
    let leads = (1..=10).map(|prompt| {
        let id = if prompt == 1 { finalists(1)[0].id } else { proofmark_runtime::digest(&prompt) };
        (id, (0..TRAIN).map(|row| difference(prompt, row)).collect())
    });
    Evidence { leads: leads.collect() }
}

fn share(verdicts: &[Verdict], of: impl Fn(&Verdict) -> bool) -> f64 {
    verdicts.iter().filter(|verdict| of(verdict)).count() as f64 / verdicts.len() as f64
}

fn rejected(kind: Kind) -> impl Fn(&Verdict) -> bool {
    move |verdict| *verdict == Verdict::Reject { kind: kind.clone() }
}

#[test]
fn a_true_improvement_is_accepted() {
    let verdicts = verdicts("true +15", true, |prompt, _, _| 0.62 + 0.15 * prompt as f64);
    assert!(share(&verdicts, |verdict| *verdict == Verdict::Accept) > 0.9, "{verdicts:?}");
}

#[test]
fn a_memoriser_is_rejected_by_name() {
    let verdicts = verdicts("memoriser", true, |prompt, _, _| 0.62 - 0.02 * prompt as f64);
    assert!(share(&verdicts, rejected(Kind::Memorised)) >= 0.8, "{verdicts:?}");
    assert!(share(&verdicts, |verdict| *verdict == Verdict::Accept) < 0.1, "{verdicts:?}");
}

#[test]
fn a_brittle_prompt_is_rejected_by_name() {
    let chance = |prompt, _, clean| match (prompt, clean) {
        (0, _) => 0.62,
        (_, true) => 0.74,
        (_, false) => 0.56,
    };
    let verdicts = verdicts("brittle", false, chance);
    assert!(share(&verdicts, rejected(Kind::Brittle)) >= 0.7, "{verdicts:?}");
    assert!(share(&verdicts, |verdict| *verdict == Verdict::Accept) < 0.1, "{verdicts:?}");
}

#[test]
fn harm_to_a_slice_is_rejected_by_name() {
    let chance = |prompt, slice, _| match (prompt, slice) {
        (0, _) => 0.62,
        (_, 3) => 0.12,
        _ => 0.74,
    };
    let verdicts = verdicts("slice harm", false, chance);
    let named = rejected(Kind::SliceHarm { slice: "channel=3".into() });
    assert!(share(&verdicts, named) >= 0.8, "{verdicts:?}");
}

#[test]
fn a_worse_prompt_is_rejected_as_worse() {
    let verdicts = verdicts("worse", false, |prompt, _, _| 0.62 - 0.12 * prompt as f64);
    assert!(share(&verdicts, rejected(Kind::Regression)) >= 0.8, "{verdicts:?}");
}

#[test]
fn a_lucky_one_of_equal_prompts_is_never_called_memorised() {
    let world = World::new(SEEDS);
    let run = |run| {
        let mut normals = Normals::new("lucky", run);
        let evidence = lucky(&mut normals);
        let drawn = world.answers(&mut normals, 2, |_, _, _| 0.62);
        judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) }).verdict()
    };
    let verdicts: Vec<_> = (0..RUNS).map(run).collect();
    let kind = |verdict: &Verdict| match verdict {
        Verdict::Accept => None,
        Verdict::Reject { kind } | Verdict::Inconclusive { kind, .. } => Some(kind.clone()),
    };
    assert!(share(&verdicts, |verdict| kind(verdict) == Some(Kind::Memorised)) <= 0.1, "{verdicts:?}");
    assert!(share(&verdicts, |verdict| kind(verdict) == Some(Kind::SelectionNoise)) >= 0.6, "{verdicts:?}");
}

/// The best on visible rows of ten equal candidates is the finalist.
fn lucky(normals: &mut Normals) -> Evidence {
    let mut evidence = seen(normals, 0.0);
    let sum = |lead: &Vec<f64>| lead.iter().sum::<f64>();
    evidence.leads.sort_by(|a, b| sum(&b.1).total_cmp(&sum(&a.1)));
    evidence.leads.iter_mut().enumerate().for_each(|(i, (id, _))| *id = proofmark_runtime::digest(&i));
    evidence.leads[0].0 = finalists(1)[0].id;
    evidence
}
