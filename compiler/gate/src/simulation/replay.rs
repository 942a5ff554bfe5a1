//! Looks save calls, a replay ends in the same bytes, and the chain does not pay twice.

use proofmark_runtime::digest;

use super::probit::{Normals, World, finalists, gate};
use crate::{Gate, GateError, LedgerError, MemoryLedger, Policy, Verdict};

fn world_and_gain(run: u64, gain: f64) -> (World, super::probit::Drawn) {
    let world = World::new(100);
    let drawn = world
        .answers(&mut Normals::new("replay", run), 4, |prompt, _, _| 0.62 + gain * f64::from(prompt > 0));
    (world, drawn)
}

#[test]
fn looks_and_futility_save_calls() {
    for gain in [-0.10, 0.20] {
        let (mut calls, mut full) = (0, 0);
        for run in 0..10 {
            let (world, mut drawn) = world_and_gain(run, gain);
            let ledger = &mut MemoryLedger::default();
            let judgement =
                gate(Policy::Strict).judge(&world.sealed, &finalists(1), &mut drawn, ledger).unwrap();
            assert_eq!(judgement.calls(), drawn.calls, "no cell is measured twice");
            calls += drawn.calls;
            full += 2 * world.sealed.calls();
        }
        assert!(10 * calls < 8 * full, "gain {gain}: {calls} of {full}");
    }
}

#[test]
fn acceptance_6_a_replay_ends_in_the_same_bytes_and_pays_once() {
    for gain in [0.0, 0.15] {
        let mut ledger = MemoryLedger::default();
        let mut judged = || {
            let (world, mut drawn) = world_and_gain(3, gain);
            let judgement =
                gate(Policy::Strict).judge(&world.sealed, &finalists(3), &mut drawn, &mut ledger).unwrap();
            assert_eq!(judgement.look().t, 1);
            let shown = serde_json::to_string(&judgement.disclosed()).unwrap();
            (shown, serde_json::to_string(&judgement.certificate()).unwrap(), judgement.calls())
        };
        assert_eq!(judged(), judged());
    }
}

#[test]
fn a_second_question_to_the_same_rows_costs_more() {
    let mut ledger = MemoryLedger::default();
    let (world, mut drawn) = world_and_gain(0, 0.0);
    let first = gate(Policy::Strict).judge(&world.sealed, &finalists(1), &mut drawn, &mut ledger).unwrap();
    assert!((first.look().alpha - 0.05).abs() < 1e-12);

    let renamed = World::renamed(100);
    let other = Gate { context: digest("another question"), ..gate(Policy::Strict) };
    let mut drawn = renamed.answers(&mut Normals::new("renamed", 0), 2, |_, _, _| 0.62);
    let second = other.judge(&renamed.sealed, &finalists(1), &mut drawn, &mut ledger).unwrap();
    assert_eq!(second.look().t, 2);
    assert!((second.look().alpha - 0.10 / 6.0).abs() < 1e-12, "{}", second.look().alpha);

    second.unseal(&mut ledger).unwrap();
    let third = Gate { context: digest("a third question"), ..gate(Policy::Strict) };
    let refused = third.judge(&world.sealed, &finalists(1), &mut drawn, &mut ledger).unwrap_err();
    assert!(matches!(refused, GateError::Unsealed { t: 2 }), "{refused}");
}

#[test]
fn nothing_fine_leaves_without_unsealing() {
    let (world, mut drawn) = world_and_gain(1, 0.0);
    let mut ledger = MemoryLedger::default();
    let judgement =
        gate(Policy::Strict).judge(&world.sealed, &finalists(3), &mut drawn, &mut ledger).unwrap();
    assert!(judgement.certificate().is_none());
    for shown in judgement.disclosed() {
        assert!(shown.p.is_none() && shown.lower95.is_none());
        let steps = shown.gain.unwrap() * 20.0;
        assert!((steps - steps.round()).abs() < 1e-9, "{steps}");
    }
    assert!(judgement.unseal(&mut ledger).unwrap().iter().all(|result| !result.looks.is_empty()));
}

#[test]
fn the_same_question_with_another_answer_is_refused() {
    let mut ledger = MemoryLedger::default();
    let mut ask = |gain| {
        let (world, mut drawn) = world_and_gain(5, gain);
        gate(Policy::Strict).judge(&world.sealed, &finalists(1), &mut drawn, &mut ledger).map(|j| j.verdict())
    };
    assert!(ask(0.0).unwrap() != Verdict::Accept);
    assert!(matches!(ask(0.25), Err(GateError::Ledger(LedgerError::Contradicted { .. }))));
}

#[test]
fn none_and_more_than_three_finalists_are_refused() {
    let (world, mut drawn) = world_and_gain(0, 0.0);
    for count in [0, 4] {
        let judged = gate(Policy::Strict).judge(
            &world.sealed,
            &finalists(count),
            &mut drawn,
            &mut MemoryLedger::default(),
        );
        assert!(matches!(judged, Err(GateError::Finalists { count: c }) if c == count));
    }
}

#[test]
fn the_certificate_holds_what_is_needed_to_compute_p_again() {
    let (world, mut drawn) = world_and_gain(7, 0.2);
    let ledger = &mut MemoryLedger::default();
    let judgement = gate(Policy::Strict).judge(&world.sealed, &finalists(3), &mut drawn, ledger).unwrap();
    let record = judgement.certificate().unwrap().record();
    assert!((record.alpha - 0.03).abs() < 1e-12 && (record.share - 0.6).abs() < 1e-12);
    for look in &record.looks {
        let scores: Vec<_> =
            look.scores.counts.iter().flat_map(|(score, count)| vec![*score; *count]).collect();
        assert_eq!(scores.len(), look.units);
        let p = crate::statistics::signflip::p_greater(&scores);
        assert!((p - look.p).abs() < 1e-12);
        let mean = scores.iter().sum::<i64>() as f64 / (look.scores.steps * look.units as i64) as f64;
        assert!((mean - look.gain).abs() < 1e-12);
    }
    let text = serde_json::to_string(record).unwrap();
    let read: crate::CertificateRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, record);
}
