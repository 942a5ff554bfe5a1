//! Undecided trials that go on with the number of fresh rows that their verdict named.

use std::convert::Infallible;

use proofmark_runtime::digest;

use super::{
    probit::{Drawn, Normals, World, finalists, gate},
    size::runs,
};
use crate::{
    Continuation, GateError, Judgement, Ledger, MemoryLedger, Policy, Sealed, UndecidedTrial, Verdict,
};

const UNITS: usize = 60;

/// Fresh rows come in steps of this size: at least one step, at most [`MOST`].
const STEP: usize = 30;
const MOST: usize = 8;

fn trial() -> UndecidedTrial {
    UndecidedTrial { finalists: vec![finalists(1)[0].id], position: 0 }
}

/// Rows to begin with, and fresh ones in every size that is needed.
struct Worlds {
    first: World,
    fresh: Vec<World>,
}

/// What came of a trial and, if it was undecided, of its continuation.
struct Run {
    first: Verdict,
    /// The continuation, with the units that it took, and whether the fresh rows alone would have been enough.
    then: Option<(Judgement, usize, bool)>,
}

impl Worlds {
    fn new() -> Self {
        Self { first: World::new(UNITS), fresh: (1..=MOST).map(|steps| World::fresh(steps * STEP)).collect() }
    }

    fn draw(&self, world: &World, name: &str, run: u64, gain: f64) -> Drawn {
        world.answers(&mut Normals::new(name, run), 2, |prompt, _, _| 0.62 + gain * prompt as f64)
    }

    fn run(&self, run: u64, gain: f64) -> Run {
        let ledger = &mut MemoryLedger::default();
        let mut drawn = self.draw(&self.first, "trial", run, gain);
        let strict = gate(Policy::Strict);
        let first = strict.judge(&self.first.sealed, &finalists(1), &mut drawn, ledger).unwrap().verdict();
        let Verdict::Inconclusive { n_needed, .. } = first else { return Run { first, then: None } };
        let steps = (n_needed - UNITS).div_ceil(STEP).clamp(1, MOST);
        let fresh = &self.fresh[steps - 1];
        let mut answers = self.draw(fresh, "fresh", run, gain);
        let mut all = drawn.and(&answers);
        let then = go_on(&self.first.sealed, std::slice::from_ref(&fresh.sealed), &mut all, ledger).unwrap();
        let alone = strict.judge(&fresh.sealed, &finalists(1), &mut answers, &mut MemoryLedger::default());
        let alone = alone.unwrap().certificate().is_some();
        Run { first, then: Some((then, UNITS + steps * STEP, alone)) }
    }
}

/// Goes on with the only finalist of the trial.
fn go_on(
    first: &Sealed,
    fresh: &[Sealed],
    answers: &mut Drawn,
    ledger: &mut MemoryLedger,
) -> Result<Judgement, GateError<Infallible>> {
    let continuation = Continuation { trial: &trial(), finalist: &finalists(1)[0], first, fresh };
    gate(Policy::Strict).go_on(continuation, answers, ledger)
}

/// How many of some runs did what.
#[derive(Default)]
struct Counts {
    first: u64,
    went_on: u64,
    then: u64,
    alone: u64,
    too_high: u64,
    units: usize,
}

fn counts(worlds: &Worlds, gain: f64, runs: u64) -> Counts {
    let mut counts = Counts::default();
    for run in 0..runs {
        let Run { first, then } = worlds.run(run, gain);
        counts.first += u64::from(first == Verdict::Accept);
        let Some((judgement, units, alone)) = then else { continue };
        counts.went_on += 1;
        counts.units += units;
        counts.alone += u64::from(alone);
        if let Some(certificate) = judgement.certificate() {
            counts.then += 1;
            let found = certificate.record().gain;
            assert!(found.lower >= 0.0 && found.lower <= found.estimate, "accepted with {found:?}");
            counts.too_high += u64::from(found.lower > gain);
        }
    }
    counts
}

/// The size of a trial with its continuation, and what the rows of the first trial are worth in it.
#[test]
fn going_on_costs_a_fresh_question_and_shows_more() {
    let full = runs();
    let worlds = Worlds::new();
    let gains: &[f64] = if full.is_some() { &[-0.05, 0.0, 0.03, 0.05, 0.08] } else { &[0.0, 0.05] };
    let runs = full.unwrap_or(300);
    for gain in gains {
        let counts = counts(&worlds, *gain, runs);
        let share = |count: u64| count as f64 / runs as f64;
        println!(
            "{UNITS} units, gain {:+.0}: accepted {:.1} %, undecided {:.1} %, of all accepted then {:.1} % (fresh rows \
             alone {:.1} %), {:.0} units in all, bound too high {:.1} %",
            100.0 * gain,
            100.0 * share(counts.first),
            100.0 * share(counts.went_on),
            100.0 * share(counts.then),
            100.0 * share(counts.alone),
            counts.units as f64 / counts.went_on.max(1) as f64,
            100.0 * share(counts.too_high),
        );
        let noise = 3.0 * (0.05 * 0.95 / runs as f64).sqrt();
        assert!(share(counts.too_high) <= 0.05 + noise, "{gain}: {}", counts.too_high);
        if *gain <= 0.0 {
            assert!(share(counts.then) <= 0.05 + noise, "{gain}: {}", counts.then);
            assert!(share(counts.first) <= 0.05 + noise, "{gain}: {}", counts.first);
        } else {
            assert!(counts.then >= counts.alone, "{gain}: {} against {}", counts.then, counts.alone);
        }
    }
}

#[test]
fn only_undecided_trials_go_on_and_only_with_fresh_rows() {
    let worlds = Worlds::new();
    let undecided = (0..).find(|run| worlds.run(*run, 0.05).then.is_some()).unwrap();
    let strict = gate(Policy::Strict);
    let fresh = &worlds.fresh[3];
    let answers = |gain: f64| {
        let first = worlds.draw(&worlds.first, "trial", undecided, gain);
        first.and(&worlds.draw(fresh, "fresh", undecided, gain))
    };
    let go_on = |rows: &[Sealed], ledger: &mut MemoryLedger, gain: f64| {
        go_on(&worlds.first.sealed, rows, &mut answers(gain), ledger)
    };
    let (only, ledger) = (std::slice::from_ref(&fresh.sealed), &mut MemoryLedger::default());
    assert!(matches!(go_on(only, ledger, 0.05), Err(GateError::NeverAsked)));

    let judged = strict.judge(&worlds.first.sealed, &finalists(1), &mut answers(0.05), ledger).unwrap();
    let same = std::slice::from_ref(&worlds.first.sealed);
    assert!(matches!(go_on(same, ledger, 0.05), Err(GateError::NotFresh { rows: UNITS })));
    let once = go_on(only, ledger, 0.05).unwrap();
    assert_eq!((judged.look().t, once.look().t), (1, 2));
    assert!((once.look().alpha - 0.05).abs() < 1e-12, "the old rows are not paid for again");
    let again = go_on(only, ledger, 0.05).unwrap();
    assert_eq!(again.question(), once.question());
    assert_eq!(format!("{:?}", again.disclosed()), format!("{:?}", once.disclosed()));

    // The next question to any of these rows is the third to the old ones, and the second to the fresh ones.
    let looks = |sealed: &crate::Sealed| ledger.looks(sealed.holdout()).unwrap().len();
    assert_eq!((looks(&worlds.first.sealed), looks(&fresh.sealed)), (2, 1));

    // Both sets were shown: neither supports a claim any more.
    once.unseal(ledger).unwrap();
    assert!(matches!(go_on(only, ledger, 0.05), Err(GateError::Unsealed { .. })));
    let alone = strict.judge(&fresh.sealed, &finalists(1), &mut worlds.draw(fresh, "x", 0, 0.0), ledger);
    assert!(matches!(alone, Err(GateError::Unsealed { .. })), "{alone:?}");

    // What was decided does not go on.
    let ledger = &mut MemoryLedger::default();
    strict.judge(&worlds.first.sealed, &finalists(1), &mut answers(-0.4), ledger).unwrap();
    assert!(matches!(go_on(only, ledger, -0.4), Err(GateError::Decided { .. })));
}

/// Equal prompts, and a trial that is continued with one set of fresh rows after the other until one of them says yes.
#[test]
fn trying_other_fresh_rows_again_and_again_is_paid_for() {
    const WAYS: usize = 6;
    let runs = runs().unwrap_or(150);
    let first = World::new(UNITS);
    let ways: Vec<_> = (0..WAYS).map(|way| World::named(&format!("way {way}"), STEP)).collect();
    let (mut accepted, mut levels) = (0, vec![]);
    for run in 0..runs {
        let strict = gate(Policy::Strict);
        let draw = |world: &World, name: &str| world.answers(&mut Normals::new(name, run), 2, |_, _, _| 0.62);
        let ledger = &mut MemoryLedger::default();
        let mut drawn = draw(&first, "first way");
        let begins = strict.judge(&first.sealed, &finalists(1), &mut drawn, ledger).unwrap().verdict();
        if !matches!(begins, Verdict::Inconclusive { .. }) {
            continue;
        }
        levels.clear();
        let mut one_says_yes = false;
        for (way, world) in ways.iter().enumerate() {
            let fresh = draw(world, &format!("way {way}"));
            let mut all = draw(&first, "first way").and(&fresh);
            let fresh = std::slice::from_ref(&world.sealed);
            let judged = go_on(&first.sealed, fresh, &mut all, ledger).unwrap();
            levels.push(judged.look().alpha);
            one_says_yes |= judged.certificate().is_some();
        }
        accepted += u64::from(one_says_yes);
    }
    let expected: Vec<_> = (1..=WAYS).map(|t| crate::ledger::price(0.05, t as u32, 0)).collect();
    assert!(levels.iter().zip(&expected).all(|(level, price)| *level <= price + 1e-12), "{levels:?}");
    let share = accepted as f64 / runs as f64;
    println!("one of {WAYS} ways to go on says yes: {:.1} %", 100.0 * share);
    assert!(share <= 0.10 + 3.0 * (0.1 * 0.9 / runs as f64).sqrt(), "{share}");
}

/// The p-value of the certificate can be computed again from what it says about its stages.
#[test]
fn the_certificate_of_a_continuation_can_be_computed_again() {
    let worlds = Worlds::new();
    let accepted = (0..).find_map(|run| {
        worlds.run(run, 0.08).then.filter(|(judgement, ..)| judgement.certificate().is_some())
    });
    let (judgement, units, _) = accepted.unwrap();
    let record = judgement.certificate().unwrap().record();
    assert_eq!(record.stages.iter().map(|stage| stage.units).sum::<usize>(), units);
    assert_eq!(record.units, units);
    let p = |stage: &crate::Stage| {
        let scores: Vec<_> =
            stage.scores.counts.iter().flat_map(|(score, count)| vec![*score; *count]).collect();
        crate::statistics::signflip::p_greater(&scores)
    };
    let [first, fresh] = record.stages.as_slice() else { panic!("{:?}", record.stages) };
    let combined = crate::statistics::combination::combined(p(first), p(fresh));
    let look = record.looks.last().unwrap();
    assert!((look.p - combined).abs() < 1e-12 && look.p <= look.level, "{look:?}");
    assert_eq!(first.holdout, worlds.first.sealed.fingerprint());
    assert_ne!(record.holdout, digest("nothing"));
}
