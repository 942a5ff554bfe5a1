//! Size and power of the whole chain: search, shortlist, looks, guards.

use super::probit::{Normals, VARIANTS, World, finalists, gate};
use crate::{MemoryLedger, Policy, Verdict, planning};

const TRAIN: usize = 60;
const UNITS: usize = 100;

pub(super) fn runs() -> Option<u64> {
    std::env::var("PROOFMARK_SIMULATIONS").ok()?.parse().ok()
}

/// The three best of `k` equal prompts on visible rows, judged. Returns whether one was accepted.
fn null_run(run: u64, k: usize, world: &World) -> bool {
    let mut normals = Normals::new("null", run);
    // Drawn so that the chain is the real one, though being chosen on other rows changes nothing about equal prompts.
    let seen = normals.answers(k + 1, TRAIN, 1, |_, _, _| 0.68);
    let mut ranked: Vec<_> = (1..=k).collect();
    ranked.sort_by_key(|prompt| std::cmp::Reverse(seen[*prompt].iter().filter(|right| **right).count()));
    let mut measure =
        world.answers(&mut normals, ranked.len().min(3) + 1, |_, _, clean| if clean { 0.68 } else { 0.60 });
    let ledger = &mut MemoryLedger::default();
    let judgement = gate(Policy::Strict).judge(&world.sealed, &finalists(3), &mut measure, ledger).unwrap();
    judgement.certificate().is_some()
}

#[test]
fn equal_prompts_are_accepted_at_most_alpha_of_the_time() {
    let runs = runs().unwrap_or(2000);
    let world = World::new(UNITS);
    let accepted = (0..runs).filter(|run| null_run(*run, 20, &world)).count();
    let (share, n) = (accepted as f64 / runs as f64, runs as f64);
    let limit = 0.05 + 3.0 * (0.05 * 0.95 / n).sqrt();
    println!("null, K = 20, {UNITS} units: {accepted} of {runs} accepted ({:.2} %)", 100.0 * share);
    assert!(share <= limit, "{share} > {limit}");
    assert!(accepted > 0, "a test that never accepts tests nothing");
}

/// Accept share, mean units and rejected share of one candidate with a true gain, clean and perturbed.
fn power_cell(n: usize, gain: f64, runs: u64) -> (f64, f64, f64, f64) {
    let world = World::new(n);
    let (mut accepted, mut rejected, mut units, mut calls) = (0, 0, 0, 0);
    for run in 0..runs {
        let mut normals = Normals::new("power", run);
        let mut measure = world.answers(&mut normals, 2, |prompt, _, _| 0.62 + gain * prompt as f64);
        let ledger = &mut MemoryLedger::default();
        let judgement =
            gate(Policy::Strict).judge(&world.sealed, &finalists(1), &mut measure, ledger).unwrap();
        let result = &judgement.trials[0];
        accepted += u64::from(result.verdict == Verdict::Accept);
        rejected += u64::from(matches!(result.verdict, Verdict::Reject { .. }));
        units += result.looks.last().unwrap().units;
        calls += measure.calls;
        if let Some(certificate) = judgement.certificate() {
            let gain = certificate.record().gain;
            assert!(gain.lower >= 0.0 && gain.lower <= gain.estimate, "accepted with {gain:?}");
        }
    }
    let runs = runs as f64;
    let share = |count: u64| 100.0 * count as f64 / runs;
    (share(accepted), units as f64 / runs, share(rejected), calls as f64 / runs / (8 * n) as f64)
}

/// What `check` says that rows can show is shown as often as it says, by the first of three finalists.
#[test]
fn a_detectable_gain_is_shown_four_times_out_of_five() {
    let runs = runs().unwrap_or(150);
    let world = World::new(UNITS);
    let gain = planning::detectable(UNITS, VARIANTS as f64, 0.20, 0.28, 0.05);
    let accepted = (0..runs).filter(|run| {
        let mut normals = Normals::new("detectable", *run);
        let chance = |prompt, _, _| 0.62 + if prompt == 1 { gain } else { 0.0 };
        let mut drawn = world.answers(&mut normals, 4, chance);
        let ledger = &mut MemoryLedger::default();
        let judged = gate(Policy::Strict).judge(&world.sealed, &finalists(3), &mut drawn, ledger).unwrap();
        judged.accepted().is_some_and(|accepted| accepted.position() == 0)
    });
    let share = accepted.count() as f64 / runs as f64;
    println!(
        "{UNITS} units: a gain of {:.1} points is shown in {:.1} % of runs",
        100.0 * gain,
        100.0 * share
    );
    let noise = 3.0 * (0.8 * 0.2 / runs as f64).sqrt();
    assert!((0.77 - noise..=0.83 + noise).contains(&share), "{gain}: {share}");
}

/// Power with guards, against the power of the test alone.
#[test]
fn power_with_guards_is_near_that_of_the_test() {
    let full = runs();
    let sizes: &[(usize, [f64; 5])] = match full {
        Some(_) => &[
            (50, [0.3, 4.9, 27.0, 70.0, 96.0]),
            (100, [0.1, 4.4, 43.0, 91.0, 100.0]),
            (200, [0.0, 4.5, 68.0, 99.0, 100.0]),
            (400, [0.0, 4.6, 94.0, 100.0, 100.0]),
        ],
        None => &[(100, [0.1, 4.4, 43.0, 91.0, 100.0])],
    };
    let runs = full.unwrap_or(150);
    for (n, expected) in sizes {
        for (gain, expected) in [-0.05, 0.0, 0.05, 0.10, 0.15].into_iter().zip(expected) {
            let (accepted, units, rejected, calls) = power_cell(*n, gain, runs);
            println!(
                "{n} units, gain {:+.0}: accept {accepted:.1} % (expected {expected}), reject {rejected:.1} %, \
                 {units:.0} units, {:.0} % of the calls",
                100.0 * gain,
                100.0 * calls
            );
            // The guards may cost a few points of power; noise is three standard errors.
            let noise = 300.0 * (0.25 / runs as f64).sqrt();
            assert!(accepted <= expected + noise, "{n} {gain}: {accepted}");
            assert!(accepted >= expected - noise - 6.0, "{n} {gain}: {accepted}");
        }
    }
}
