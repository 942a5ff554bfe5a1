//! Planted candidates: each must get the verdict and the name it deserves.

use super::probit::{Drawn, Normals, World, finalists, gate};
use crate::{Evidence, Gate, Judgement, Kind, MemoryLedger, Policy, Verdict};

const UNITS: usize = 200;
const TRAIN: usize = 100;
const RUNS: u64 = 20;

/// Verdicts of `RUNS` runs of one planted candidate: `chance(prompt, slice, is clean)`.
fn verdicts(name: &str, evidence: bool, chance: impl Fn(usize, usize, bool) -> f64 + Copy) -> Vec<Verdict> {
    let world = World::new(UNITS);
    let run = |run| {
        let mut normals = Normals::new(name, run);
        let evidence = if evidence { seen(&mut normals, TRAIN, 0.25) } else { Evidence::default() };
        let drawn = world.answers(&mut normals, 2, chance);
        judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) }).verdict()
    };
    (0..RUNS).map(run).collect()
}

fn judge(world: &World, mut drawn: Drawn, gate: Gate) -> Judgement {
    gate.judge(&world.sealed, &finalists(1), &mut drawn, &mut MemoryLedger::default()).unwrap()
}

/// What the search saw: ten candidates, of which the finalist gains by `gain` and the others by nothing.
fn seen(normals: &mut Normals, train: usize, gain: f64) -> Evidence {
    let right = normals.answers(11, train, 1, |prompt, _, _| if prompt == 1 { 0.62 + gain } else { 0.62 });
    let difference = |prompt: usize, row: usize| f64::from(right[prompt][row]) - f64::from(right[0][row]);
    let gains = (1..=10).map(|prompt| {
        let id = if prompt == 1 { finalists(1)[0].id } else { proofmark_runtime::digest(&prompt) };
        (id, (0..train).map(|row| difference(prompt, row)).collect())
    });
    Evidence { gains: gains.collect() }
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

/// The rule that names memory was set on the draws of the test above. These are others: other streams, numbers of rows,
/// gains on visible rows and on sealed ones.
#[test]
fn memory_is_named_on_fresh_draws_and_nothing_else_is_called_so() {
    let share_named = |name: &str, train: usize, units: usize, seen_gain: f64, gain: f64| {
        let world = World::new(units);
        let run = |run| {
            let mut normals = Normals::new(name, run);
            let evidence = seen(&mut normals, train, seen_gain);
            let drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.62 + gain * prompt as f64);
            judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) }).verdict()
        };
        let verdicts: Vec<_> = (0..RUNS).map(run).collect();
        let named = share(&verdicts, |verdict| named(verdict) == Some(Kind::Memorised));
        let accepted = share(&verdicts, |verdict| *verdict == Verdict::Accept);
        println!("{name}: {:.0} % named, {:.0} % accepted", 100.0 * named, 100.0 * accepted);
        (named, accepted)
    };
    for (rows, gains) in [((60, 120), (0.30, 0.0)), ((150, 150), (0.20, -0.03)), ((80, 100), (0.35, -0.05))] {
        let name = format!("fresh memory {rows:?}");
        let (named, accepted) = share_named(&name, rows.0, rows.1, gains.0, gains.1);
        assert!(named >= 0.6 && accepted <= 0.2, "{rows:?} {gains:?}: {named} named, {accepted} accepted");
    }
    for (rows, gain) in [((60, 120), 0.08), ((150, 150), 0.12), ((80, 100), 0.15)] {
        let (named, _) = share_named(&format!("fresh honesty {rows:?}"), rows.0, rows.1, gain, gain);
        assert!(named <= 0.1, "{rows:?} {gain}: {named} of honest prompts are called memorised");
    }
}

/// The same answers, and a search that saw nothing: what was seen decides about nothing but how long a hopeless trial lasts.
#[test]
fn a_hopeless_trial_goes_on_while_memory_is_likely_to_be_shown() {
    let world = World::new(100);
    let judged = |run, remembers: bool| {
        let mut normals = Normals::new("patience", run);
        let evidence = seen(&mut normals, 60, 0.25);
        let evidence = if remembers { evidence } else { Evidence::default() };
        let drawn = world.answers(&mut normals, 2, |_, _, _| 0.62);
        let judgement = judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) });
        judgement.trials[0].looks.last().unwrap().units
    };
    let pairs: Vec<_> = (0..RUNS).map(|run| (judged(run, true), judged(run, false))).collect();
    assert!(pairs.iter().all(|(remembers, nothing)| remembers >= nothing), "{pairs:?}");
    assert!(pairs.iter().any(|(remembers, nothing)| remembers > nothing), "{pairs:?}");
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
    assert!(share(&verdicts, named) >= 0.7, "{verdicts:?}");
}

/// The gain is clear before fifteen units of the slice are in, and in most runs the slice alone holds acceptance back then.
#[test]
fn a_slice_that_looks_harmed_is_waited_for() {
    let world = World::new(240);
    let chance = |prompt, slice, _| match (prompt, slice) {
        (0, 3) => 0.95,
        (_, 3) => 0.30,
        (0, _) => 0.55,
        _ => 0.90,
    };
    let run = |run| {
        let drawn = world.answers(&mut Normals::new("waited for", run), 2, chance);
        judge(&world, drawn, gate(Policy::Strict))
    };
    let runs: Vec<_> = (0..RUNS).map(run).collect();
    let early = |judgement: &Judgement| judgement.trials[0].looks.iter().any(|look| look.suspected.is_some());
    assert!(runs.iter().filter(|judgement| early(judgement)).count() > RUNS as usize / 2);
    let verdicts: Vec<_> = runs.iter().map(Judgement::verdict).collect();
    assert!(share(&verdicts, |verdict| *verdict == Verdict::Accept) <= 0.1, "{verdicts:?}");
    assert!(share(&verdicts, rejected(Kind::SliceHarm { slice: "channel=3".into() })) >= 0.8, "{verdicts:?}");
}

/// A trial that is refused early says less about why, but it is refused.
#[test]
fn a_worse_prompt_is_rejected_mostly_as_worse() {
    let verdicts = verdicts("worse", false, |prompt, _, _| 0.62 - 0.12 * prompt as f64);
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Reject { .. })), "{verdicts:?}");
    assert!(share(&verdicts, rejected(Kind::Regression)) >= 0.6, "{verdicts:?}");
}

#[test]
fn a_lucky_one_of_equal_prompts_is_never_called_memorised() {
    let world = World::new(UNITS);
    let run = |run| {
        let mut normals = Normals::new("lucky", run);
        let evidence = lucky(&mut normals);
        let drawn = world.answers(&mut normals, 2, |_, _, _| 0.62);
        judge(&world, drawn, Gate { evidence, ..gate(Policy::Strict) }).verdict()
    };
    let verdicts: Vec<_> = (0..RUNS).map(run).collect();
    assert!(share(&verdicts, |verdict| named(verdict) == Some(Kind::Memorised)) <= 0.1, "{verdicts:?}");
    assert!(share(&verdicts, |verdict| named(verdict) == Some(Kind::SelectionNoise)) >= 0.6, "{verdicts:?}");
}

fn named(verdict: &Verdict) -> Option<Kind> {
    match verdict {
        Verdict::Accept => None,
        Verdict::Reject { kind } | Verdict::Inconclusive { kind, .. } => Some(kind.clone()),
    }
}

/// The best on visible rows of ten equal candidates is the finalist.
fn lucky(normals: &mut Normals) -> Evidence {
    let mut evidence = seen(normals, TRAIN, 0.0);
    let sum = |gain: &Vec<f64>| gain.iter().sum::<f64>();
    evidence.gains.sort_by(|a, b| sum(&b.1).total_cmp(&sum(&a.1)));
    evidence.gains.iter_mut().enumerate().for_each(|(i, (id, _))| *id = proofmark_runtime::digest(&i));
    evidence.gains[0].0 = finalists(1)[0].id;
    evidence
}

#[test]
fn a_loss_on_clean_rows_is_named_despite_other_gains() {
    let verdicts = verdicts("clean regression", false, |prompt, _, clean| {
        let change = if clean { -0.25 } else { 0.10 };
        0.62 + change * prompt as f64
    });
    assert!(share(&verdicts, rejected(Kind::CleanRegression)) > 0.8, "{verdicts:?}");
}

#[test]
fn too_few_rows_are_named_where_nothing_else_is_wrong() {
    let world = World::new(40);
    let run = |run| {
        let drawn =
            world.answers(&mut Normals::new("few", run), 2, |prompt, _, _| 0.62 + 0.06 * prompt as f64);
        judge(&world, drawn, gate(Policy::Strict)).verdict()
    };
    let verdicts: Vec<_> = (0..RUNS).map(run).collect();
    let few = |verdict: &Verdict| matches!(verdict, Verdict::Inconclusive { kind: Kind::TooSmallN, n_needed } if *n_needed > 40);
    assert!(share(&verdicts, few) > 0.5, "{verdicts:?}");
}
