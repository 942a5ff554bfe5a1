//! Guards of other metrics and limits on tokens, through the whole gate.

use std::convert::Infallible;

use proofmark_runtime::{Score, model::Usage};

use super::probit::{Drawn, Normals, World, finalists, gate};
use crate::{
    Cell, Contender, Demands, Gate, Kind, Margin, Measure, Measured, MemoryLedger, Policy, Verdict,
    statistics::normal::below,
};

const RUNS: u64 = 200;
const UNITS: usize = 120;

/// Answers with another score each, and a reply of some length.
struct Further {
    drawn: Drawn,
    normals: Normals,
    /// The mean of the other score, by contender.
    other: [f64; 2],
    /// The mean length of a reply, by contender; its standard deviation is a tenth of that.
    tokens: [f64; 2],
}

impl Measure for Further {
    type Error = Infallible;

    fn measure(&mut self, contender: Contender, cells: &[Cell<'_>]) -> Result<Vec<Measured>, Infallible> {
        let who = usize::from(contender != Contender::Baseline);
        let (other, tokens) = (self.other[who], self.tokens[who]);
        let measured = self.drawn.measure(contender, cells)?;
        let further = |it: Measured| {
            let is_good = below(self.normals.next(1.0)) < other;
            let output = (tokens * (1.0 + 0.1 * self.normals.next(1.0))).max(1.0).round() as u64;
            let guards = vec![if is_good { Score::ONE } else { Score::ZERO }];
            Measured { guards, usage: Usage { input: 100, output, ..Usage::default() }, ..it }
        };
        Ok(measured.into_iter().map(further).collect())
    }
}

/// Verdicts on a prompt that is 30 points better by its own metric.
fn verdicts(demands: &Demands, other: [f64; 2], tokens: [f64; 2]) -> Vec<Verdict> {
    let world = World::new(UNITS);
    let gate = Gate { demands: demands.clone(), ..gate(Policy::Strict) };
    let run = |run| {
        let mut normals = Normals::new("demands", run);
        let drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.55 + 0.3 * prompt as f64);
        let mut further = Further { drawn, normals, other, tokens };
        let ledger = &mut MemoryLedger::default();
        gate.judge(&world.sealed, &finalists(1), &mut further, ledger).unwrap().verdict()
    };
    (0..RUNS).map(run).collect()
}

fn share(verdicts: &[Verdict], holds: impl Fn(&Verdict) -> bool) -> f64 {
    verdicts.iter().filter(|verdict| holds(verdict)).count() as f64 / verdicts.len() as f64
}

fn accepted(verdicts: &[Verdict]) -> f64 {
    share(verdicts, |verdict| *verdict == Verdict::Accept)
}

fn at_most(level: f64) -> f64 {
    level + 3.0 * (level * (1.0 - level) / RUNS as f64).sqrt()
}

fn tone(margin: f64) -> Demands {
    Demands { guards: vec![Margin { name: "tone".into(), margin }], ..Demands::default() }
}

#[test]
fn no_gain_makes_up_for_another_metric_that_falls() {
    let verdict = |finalist| verdicts(&tone(0.05), [0.9, finalist], [20.0; 2]);
    assert!(accepted(&verdict(0.95)) > 0.95);
    let fallen = verdict(0.70);
    let broken = Verdict::Reject { kind: Kind::GuardBroken { guard: "tone".into() } };
    assert!(share(&fallen, |verdict| *verdict == broken) > 0.9 && accepted(&fallen) <= 0.0, "{fallen:?}");
    // What falls by just as much as it may is let through as seldom as its bound is wrong.
    let at_the_margin = accepted(&verdict(0.85));
    assert!(at_the_margin <= at_most(0.20) && at_the_margin > 0.05, "{at_the_margin}");
}

#[test]
fn a_gain_held_back_by_a_guard_names_the_rows_needed() {
    let held_back = verdicts(&tone(0.01), [0.9, 0.9], [20.0; 2]);
    let unguarded = |verdict: &Verdict| match verdict {
        Verdict::Inconclusive { kind: Kind::Unguarded { guard }, n_needed } => {
            guard == "tone" && *n_needed > UNITS
        }
        _ => false,
    };
    assert!(share(&held_back, unguarded) > 0.5, "{held_back:?}");
    let sentence = held_back.iter().find(|verdict| unguarded(verdict)).unwrap().sentence();
    assert!(sentence.contains("The new prompt has a gain") && sentence.contains("tone"), "{sentence}");
}

#[test]
fn a_limit_on_tokens_is_shown_to_be_kept_or_refuses() {
    let total = Demands { max_tokens: Some(125), ..Demands::default() };
    let replies = Demands { max_reply_tokens: Some(25), ..Demands::default() };
    let ratio = Demands { max_token_ratio: Some(1.25), ..Demands::default() };
    for (demands, limit, baseline) in
        [(&total, "max_tokens", 50.0), (&replies, "max_reply_tokens", 50.0), (&ratio, "max_token_ratio", 0.5)]
    {
        let over = Verdict::Reject { kind: Kind::OverLimit { limit: limit.into() } };
        let verdict = |finalist| verdicts(demands, [1.0; 2], [baseline, finalist]);
        assert!(accepted(&verdict(23.0)) > 0.95, "{demands:?}");
        let long = verdict(30.0);
        assert!(
            share(&long, |verdict| *verdict == over) > 0.95 && accepted(&long) <= 0.0,
            "{demands:?}: {long:?}"
        );
        let at_the_limit = verdict(25.0 + if baseline < 1.0 { 1.25 } else { 0.0 });
        assert!(accepted(&at_the_limit) <= at_most(0.05), "{demands:?}: {}", accepted(&at_the_limit));
        let refused = share(&at_the_limit, |verdict| *verdict == over);
        assert!(
            refused <= at_most(0.05),
            "{demands:?}: {refused} are refused for what is just as long as it may be"
        );
    }
}

/// The prompt is a little worse under attack than on clean rows, as prompts are, and its gain is clear.
#[test]
fn a_limit_that_is_too_near_to_tell_is_named_and_nothing_else() {
    let world = World::new(UNITS);
    let demands = Demands { max_tokens: Some(121), ..Demands::default() };
    let gate = Gate { demands, ..gate(Policy::Strict) };
    let verdicts = (0..20).map(|run| {
        let mut normals = Normals::new("too near", run);
        let right = |prompt, _, clean| {
            0.45 + if prompt == 0 { 0.0 } else { 0.3 } + if clean && prompt == 1 { 0.2 } else { 0.0 }
        };
        let drawn = world.answers(&mut normals, 2, right);
        let mut further = Further { drawn, normals, other: [1.0; 2], tokens: [20.0, 20.9] };
        let ledger = &mut MemoryLedger::default();
        gate.judge(&world.sealed, &finalists(1), &mut further, ledger).unwrap().verdict()
    });
    let named = |verdict: &Verdict| match verdict {
        Verdict::Inconclusive { kind, .. } => kind.subject() == Some("max_tokens"),
        _ => false,
    };
    let verdicts: Vec<_> = verdicts.collect();
    assert!(share(&verdicts, |verdict| named(verdict) || *verdict == Verdict::Accept) >= 1.0, "{verdicts:?}");
    assert!(share(&verdicts, named) > 0.5, "{verdicts:?}");
}

/// All that is needed to compute the bounds of guards and slices again stands in what is written.
#[test]
fn guards_and_slices_can_be_computed_again() {
    use crate::statistics::{
        interval::{newcombe, student},
        normal::upper_quantile,
        signflip::p_less,
        spread::Spread,
    };
    let world = World::new(UNITS);
    let mut normals = Normals::new("again", 0);
    let drawn = world.answers(&mut normals, 2, |prompt, _, _| 0.55 + 0.3 * prompt as f64);
    let mut further = Further { drawn, normals, other: [0.9, 0.95], tokens: [20.0; 2] };
    let gate = Gate { demands: tone(0.05), ..gate(Policy::Strict) };
    let ledger = &mut MemoryLedger::default();
    let judgement = gate.judge(&world.sealed, &finalists(1), &mut further, ledger).unwrap();
    let record = judgement.certificate().unwrap().record();
    let look: crate::LookRecord =
        serde_json::from_str(&serde_json::to_string(record.looks.last().unwrap()).unwrap()).unwrap();
    let spelled = |scores: &crate::Scores| -> Vec<i64> {
        scores.counts.iter().flat_map(|(score, count)| vec![*score; *count]).collect()
    };
    assert_eq!(look.guards().count(), 3);
    for (name, guard) in look.guards() {
        let means: Vec<_> =
            spelled(&guard.scores).iter().map(|score| *score as f64 / guard.scores.steps as f64).collect();
        let spread = Spread::of(&means);
        assert!(
            spread.n == guard.bounded.units && (spread.mean - guard.bounded.estimate).abs() < 1e-12,
            "{name}"
        );
        assert!((spread.se() - guard.bounded.se).abs() < 1e-12, "{name}");
        let lower = match guard.pairs {
            Some(pairs) => newcombe(pairs, upper_quantile(guard.bounded.lower_level)).lower,
            None => student(spread, guard.bounded.lower_level, guard.bounded.upper_level).lower,
        };
        assert!((lower - guard.bounded.lower).abs() < 1e-12, "{name}");
    }
    assert!(look.clean.as_ref().unwrap().pairs.is_some() && look.slices.len() >= 3);
    for slice in &look.slices {
        assert!((p_less(&spelled(&slice.scores)) - slice.p_harm).abs() < 1e-12, "{}", slice.name);
    }
}
