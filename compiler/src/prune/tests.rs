//! Planted effects: prompts of sentences, each of which makes answers right more or less often.

use std::collections::BTreeMap;

use proofmark_optimizers::Score;
use proofmark_runtime::{ExampleId, Field, Param, ParamPath, Record, Signature, Slot, Type};

use super::*;

const ROWS: usize = 100;

fn program() -> Program {
    let signature = Signature {
        instructions: "Answer.".into(),
        inputs: vec![Field::new("q", Type::Text)],
        outputs: vec![Field::new("a", Type::Choice(vec!["right".into(), "wrong".into()]))],
    };
    Program::single("m", "predict", signature, vec![]).unwrap()
}

fn chance(parts: impl serde::Serialize) -> f64 {
    let digest = digest(&parts);
    f64::from(u32::from_le_bytes([0, 1, 2, 3].map(|i| digest.as_bytes()[i]))) / f64::from(u32::MAX)
}

/// Sentences of which number i adds `effects[i]` to the chance of a right answer; row and luck do the rest.
struct World<'w> {
    effects: &'w [f64],
    run: u64,
    calls: usize,
}

impl World<'_> {
    fn candidate(&self) -> Candidate {
        self.without(None)
    }

    /// The candidate without one of its sentences.
    fn without(&self, left_out: Option<usize>) -> Candidate {
        let kept = (0..self.effects.len()).filter(|i| Some(*i) != left_out);
        let sentences = kept.map(|i| format!("Rule {i} holds."));
        let text = format!("Answer. {}", sentences.collect::<Vec<_>>().join(" "));
        Candidate::baseline().with(ParamPath::new("m", Slot::Instruction), Param::Instruction(text))
    }

    fn outcome(&self, candidate: &Candidate, example: &Example) -> Outcome {
        let text = match candidate.get(&ParamPath::new("m", Slot::Instruction)) {
            Some(Param::Instruction(text)) => text.as_str(),
            _ => "",
        };
        let on = |i: &usize| text.contains(&format!("Rule {i} holds."));
        let gain: f64 = (0..self.effects.len()).filter(on).map(|i| self.effects[i]).sum();
        let id = example.id.0.split('#').next().unwrap();
        let hard = 0.6 * (chance((self.run, id, "row")) - 0.5);
        let right = chance((self.run, &example.id, text)) < 0.5 + gain + hard;
        let outputs = Record::new().with("a", if right { "right" } else { "wrong" });
        let inputs = Record::new();
        let step = proofmark_optimizers::Step { module: "m".into(), inputs, outputs, remark: None };
        let score = if right { Score::ONE } else { Score::ZERO };
        Outcome::Scored { score, feedback: None, trace: vec![step] }
    }

    /// The effect of one sentence by leaving it out on every row, which takes an answer for each.
    fn left_out(&self, i: usize) -> f64 {
        let (full, less) = (self.candidate(), self.without(Some(i)));
        let lead = |row: usize| {
            let example = example(format!("r{row}"));
            [&full, &less].map(|candidate| self.outcome(candidate, &example).worth().get())
        };
        (0..ROWS).map(lead).map(|[full, less]| full - less).sum::<f64>() / ROWS as f64
    }

    fn prune(&mut self, budget: u64) -> (Pruning, Option<Pruned>) {
        let (program, candidate) = (program(), self.candidate());
        let examples: Vec<_> = (0..ROWS).map(|i| example(format!("r{i}"))).collect();
        let score = |candidate: &Candidate, example| self.outcome(candidate, example).worth().get();
        let known = |row| Known {
            example: row,
            variants: ["typo", "case"].map(|family| example(format!("{}#{family}", row.id))).into(),
            full: score(&candidate, row),
            base: score(&Candidate::baseline(), row),
        };
        let rows = examples.iter().map(known).collect();
        let question = Question { program: &program, candidate: &candidate, rows, seed: 1, budget };
        let mut calls = 0;
        let pruned = prune(&question, &mut |cells| {
            calls += cells.len();
            Ok(cells.iter().map(|(candidate, example)| self.outcome(candidate, example)).collect())
        });
        self.calls += calls;
        pruned.unwrap()
    }
}

fn example(id: String) -> Example {
    Example {
        inputs: Record::new().with("q", id.as_str()),
        id: ExampleId(id),
        outputs: Record::new().with("a", "right"),
        slices: BTreeMap::new(),
    }
}

fn weighing(pruning: &Pruning) -> &Weighing {
    match pruning {
        Pruning::Weighed(weighing) => weighing,
        Pruning::Skipped { why } => panic!("{why}"),
    }
}

#[test]
fn what_does_nothing_or_harm_is_taken_away_and_the_rest_is_kept() {
    let mut world = World { effects: &[0.25, 0.0, -0.2, 0.0, 0.2, 0.0], run: 1, calls: 0 };
    let (pruning, pruned) = world.prune(900);
    let found = weighing(&pruning);
    assert_eq!(
        (found.edits[0].class, found.edits[2].class),
        (Class::Supported, Class::Harmful),
        "{found:#?}"
    );
    let pruned = pruned.unwrap();
    assert_eq!(found.pruned, Some(pruned.candidate.id()));
    assert!(found.edits[0].kept && found.edits[4].kept && !found.edits[2].kept);
    assert!(!found.is_more_than_its_parts(), "planted effects add up: {} and {}", found.lead, found.sum());
    assert_eq!(pruned.outcomes.len(), ROWS);
    assert!(world.calls <= 900, "{}", world.calls);
    assert_eq!(world.prune(900).0, pruning, "the same question has the same answer");
}

#[test]
fn too_few_parts_or_calls_are_not_weighed_and_cost_nothing() {
    for (effects, budget, why) in
        [(&[0.1, 0.1][..], 900, "too few parts"), (&[0.1; 8][..], 170, "180 answers, 170 are allowed")]
    {
        let mut world = World { effects, run: 1, calls: 0 };
        let (pruning, pruned) = world.prune(budget);
        assert!(matches!(&pruning, Pruning::Skipped { why: said } if said.contains(why)), "{pruning:?}");
        assert!(pruned.is_none() && world.calls == 0);
    }
}

/// Parts of which each does a little are needed together: taking all of them away is noticed.
#[test]
fn parts_that_only_help_together_are_not_taken_away() {
    let mut world = World { effects: &[0.05; 8], run: 4, calls: 0 };
    let (pruning, pruned) = world.prune(900);
    let found = weighing(&pruning);
    let kept = found.edits.iter().filter(|edit| edit.kept).count();
    assert!(found.tried.first().is_some_and(|tried| !tried.passes), "{found:#?}");
    assert!(pruned.is_none() || kept >= 3, "{kept}");
}

/// The design of section 7.2 of the specification: 8 parts, 100 rows, 800 answers. Luck is larger here than there (every answer has
/// its own), so a part of 6 points is found in half of the cases instead of three quarters. 600 runs: found 49 %, wrong
/// 11.3 % (10 % are allowed), covered 88.8 %; leaving parts out one by one takes as many answers and errs by so much more that
/// masks need 31 % of them for the same precision.
#[test]
fn effects_are_found_and_their_intervals_hold() {
    let effects = [0.06, 0.04, 0.03, 0.0, 0.0, 0.0, -0.03, -0.05];
    let runs: u64 =
        std::env::var("PROOFMARK_SIMULATIONS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(60);
    let (mut found, mut wrong, mut covered, mut width) = (0, 0, 0, 0.0);
    let (mut by_masks, mut one_by_one) = (0.0, 0.0);
    for run in 0..runs {
        let mut world = World { effects: &effects, run, calls: 0 };
        let (pruning, _) = world.prune(800 + ROWS as u64);
        let edits = &weighing(&pruning).edits;
        found += u64::from(edits[0].class == Class::Supported);
        wrong += edits[3..6].iter().filter(|edit| edit.class != Class::Unsupported).count();
        for (i, (edit, truth)) in edits.iter().zip(effects).enumerate() {
            let score = edit.score.unwrap();
            by_masks += (score.estimate - truth).powi(2);
            one_by_one += (world.left_out(i) - truth).powi(2);
            covered += u64::from(score.lower <= truth && truth <= score.upper);
            width += (score.upper - score.lower) / 2.0;
        }
    }
    let n = runs as f64;
    let (found, wrong) = (100.0 * found as f64 / n, 100.0 * wrong as f64 / (3.0 * n));
    let (covered, width) = (100.0 * covered as f64 / (8.0 * n), 100.0 * width / (8.0 * n));
    let answers = 100.0 * by_masks / one_by_one;
    println!(
        "found {found:.0} %, wrong {wrong:.1} %, covered {covered:.1} %, half width {width:.1} points, {answers:.0} % of the \
         answers that leaving out takes"
    );
    assert!(answers < 60.0, "{answers}");
    assert!((30.0..=70.0).contains(&found), "{found}");
    // Clustered errors are a little too small at a hundred clusters: a point and a half is granted.
    assert!(wrong <= 11.5 + 300.0 * (0.1 / (3.0 * n)).sqrt(), "two bounds of 5 % each: {wrong}");
    assert!(covered >= 88.5 - 300.0 * (0.09 / (8.0 * n)).sqrt(), "{covered}");
    assert!((5.0..=7.0).contains(&width), "{width}");
}
