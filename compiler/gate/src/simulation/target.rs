//! Targets: how often a prompt is said to meet or to miss one, through the whole gate.

use std::convert::Infallible;

use proofmark_runtime::model::Usage;

use super::probit::{Drawn, Normals, World, finalists, gate};
use crate::{
    Cell, Contender, Demands, Gate, Kind, Measure, Measured, MemoryLedger, Policy, Reached, Verdict,
};

const RUNS: u64 = 400;
const UNITS: usize = 80;
const TARGET: f64 = 0.85;

/// Verdicts on a prompt that is right so often, and what they say about the target, on fresh draws per run. The baseline is
/// 15 points behind, so that acceptance depends on luck, and most trials end before all units are in.
fn judged(rate: f64) -> Vec<(Verdict, Option<Reached>)> {
    let world = World::new(UNITS);
    let demands = Demands { target: Some(TARGET), ..Demands::default() };
    let gate = Gate { demands, ..gate(Policy::Strict) };
    let run = |run| {
        let mut normals = Normals::new("target", run);
        let mut drawn =
            world.answers(&mut normals, 2, |prompt, _, _| rate - if prompt == 0 { 0.15 } else { 0.0 });
        let ledger = &mut MemoryLedger::default();
        let judgement = gate.judge(&world.sealed, &finalists(1), &mut drawn, ledger).unwrap();
        let result = &judgement.trials[0];
        if let Some(rate) = result.pass_rate {
            assert_eq!(rate.units, UNITS, "all clean rows are asked, wherever the trial ended");
        }
        (result.verdict.clone(), result.pass_rate.map(|rate| rate.reached))
    };
    (0..RUNS).map(run).collect()
}

fn share(judged: &[(Verdict, Option<Reached>)], of: impl Fn(Reached) -> bool) -> f64 {
    judged.iter().filter(|(_, reached)| reached.is_some_and(&of)).count() as f64 / RUNS as f64
}

#[test]
fn a_rate_at_the_target_is_called_at_most_one_in_twenty() {
    let judged = judged(TARGET);
    let limit = 0.05 + 3.0 * (0.05 * 0.95 / RUNS as f64).sqrt();
    let [met, missed] = [Reached::Met, Reached::Missed].map(|it| share(&judged, |reached| reached == it));
    println!("at the target, {UNITS} units: met {:.1} %, missed {:.1} %", 100.0 * met, 100.0 * missed);
    assert!(met <= limit && missed <= limit, "{met} {missed}");
    assert!(met > 0.0 && share(&judged, |_| true) > 0.7, "a test that says nothing tests nothing");
}

#[test]
fn rates_far_from_the_target_are_met_or_missed() {
    let above = judged(0.97);
    assert!(share(&above, |reached| reached == Reached::Met) > 0.8, "{above:?}");
    let below = judged(0.65);
    let result = below.iter().filter(|(_, reached)| reached.is_some()).count();
    let refused = (Verdict::Reject { kind: Kind::BelowTarget }, Some(Reached::Missed));
    let refused = below.iter().filter(|run| **run == refused).count();
    assert!(result > 100 && refused * 10 > result * 9, "{refused} of {result}");
}

#[test]
fn demands_make_another_question_and_no_demands_the_same() {
    let world = World::new(20);
    let question = |demands| {
        let mut drawn = world.answers(&mut Normals::new("question", 0), 2, |_, _, _| 0.7);
        let gate = Gate { demands, ..gate(Policy::Strict) };
        let ledger = &mut MemoryLedger::default();
        gate.judge(&world.sealed, &finalists(1), &mut drawn, ledger).unwrap().question()
    };
    let target = |target| question(Demands { target: Some(target), ..Demands::default() });
    assert_eq!(question(Demands::default()), question(Demands::default()));
    assert_ne!(target(0.8), question(Demands::default()));
    assert_ne!(target(0.8), target(0.9));
}

#[test]
fn tokens_that_are_not_counted_are_not_within_a_limit() {
    let world = World::new(40);
    let demands = Demands { max_tokens: Some(100), ..Demands::default() };
    let gate = Gate { demands, ..gate(Policy::Strict) };
    let mut drawn =
        world.answers(&mut Normals::new("tokens", 0), 2, |prompt, _, _| 0.5 + 0.4 * prompt as f64);
    let judged = gate.judge(&world.sealed, &finalists(1), &mut drawn, &mut MemoryLedger::default());
    assert!(judged.unwrap_err().to_string().contains("does not count them"));
}

/// Every row has its own length, and the baseline takes ten tokens more than every finalist.
struct Counted(Drawn);

impl Measure for Counted {
    type Error = Infallible;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Infallible> {
        let fixed = if matches!(contender, Contender::Baseline) { 100 } else { 90 };
        let measured = self.0.measure(contender, cells)?.into_iter().zip(cells);
        let usage =
            |cell: &Cell<'_>| Usage { input: fixed + cell.index as u64, output: 1, ..Usage::default() };
        Ok(measured.map(|(it, cell)| Measured { usage: usage(cell), ..it }).collect())
    }
}

/// The first finalist is tried on more units than the second, which is accepted: the baseline has answered rows that it has not.
#[test]
fn tokens_of_both_prompts_are_of_the_same_rows() {
    let world = World::new(80);
    let rate = |prompt, _, _| [0.5, 0.56, 0.97][prompt];
    let mut counted = Counted(world.answers(&mut Normals::new("counted", 0), 3, rate));
    let ledger = &mut MemoryLedger::default();
    let judgement = gate(Policy::Strict).judge(&world.sealed, &finalists(2), &mut counted, ledger).unwrap();
    let [first, second] = &judgement.trials[..] else { panic!("{} trials", judgement.trials.len()) };
    assert_eq!(second.verdict, Verdict::Accept);
    assert!(first.looks.len() > second.looks.len(), "{} {}", first.looks.len(), second.looks.len());
    let tokens = judgement.certificate().unwrap().look().unwrap().tokens.unwrap();
    assert!((tokens.baseline - tokens.finalist - 10.0).abs() < 1e-9, "{tokens:?}");
}
