//! Pruning on the way to the gate: the first finalist goes on without the edits that it does not need.

use proofmark_optimizers::{Aim, Board, Effects as _, Event, Lineage, Standing, Stop};
use proofmark_runtime::{Candidate, Example, ExampleId};

use super::Setting;
use crate::{
    attack::Variant,
    engine::Engine,
    prune::{Class, Known, Pruned, Pruning, Question, Weighing, prune},
};

/// Weighs the edits of the first finalist, and puts what is left of it in its place. None if there is none, or nothing may be
/// spent on it.
pub(super) fn prune_first(
    setting: &Setting<'_>,
    (board, finalists): (&mut Board, &mut Vec<Standing>),
    visible: &[&Example],
    engine: &mut Engine<'_>,
) -> Result<Option<Pruning>, Stop> {
    let budget = match setting.optimizer.aim() {
        Aim::Score => setting.task.optimizer.budget.pruning(),
        // Its edits leave parts out; to take one back would put a part in again.
        Aim::Brevity => 0,
    };
    // What a part does in one of several that vote cannot be told from the vote without as many votes again.
    let weighable = |first: &&Standing| budget > 0 && first.candidate.votes() == 1;
    let Some(first) = finalists.first().filter(weighable) else { return Ok(None) };
    engine.note(Event::Stage { name: "Weighing the parts of the first finalist".into() });
    engine.allow(budget);
    let full = first.candidate.clone();
    let question = Question {
        program: &setting.program,
        candidate: &full,
        rows: known(setting, board, first, visible),
        seed: setting.seed,
        budget,
    };
    let (pruning, pruned) = prune(&question, &mut |cells| engine.try_out(cells, 0))?;
    match &pruning {
        Pruning::Skipped { why } => engine.note(remark(format!("not weighed: {why}"))),
        Pruning::Weighed(weighing) => engine.note(remark(told(weighing))),
    }
    if let Some(pruned) = pruned {
        let rows = question.rows.iter().map(|row| row.example.id.clone()).collect::<Vec<_>>();
        let Pruned { candidate, how, outcomes } = pruned;
        let applied = setting.program.apply(&candidate);
        let applied = applied.map_err(|error| Stop::Broken { message: error.to_string() })?;
        let lineage = Lineage { id: candidate.id(), parents: vec![full.id()], how };
        engine.note(Event::Born(lineage.clone()));
        board.admit(&candidate, &applied, lineage, rows.into_iter().zip(outcomes).collect());
        replace(board, finalists, &candidate);
    }
    Ok(Some(pruning))
}

/// The rows that the finalist and the baseline were measured on, with their variants.
fn known<'v>(
    setting: &Setting<'_>,
    board: &Board,
    finalist: &Standing,
    visible: &[&'v Example],
) -> Vec<Known<'v>> {
    let rows = &board.common()[..finalist.rows.min(board.common().len())];
    let found = |id: &ExampleId| visible.iter().copied().find(|example| example.id == *id);
    let examples: Vec<_> = rows.iter().filter_map(found).collect();
    // The same plan has sealed the gate's rows, so it is a good one.
    let frozen = setting.task.plan().and_then(|plan| plan.freeze(&examples));
    let mut variants = frozen.map(|frozen| frozen.variants).unwrap_or_default().into_iter();
    let rewritten = |example: &Example, variants: Vec<Variant>| {
        // A family may change the right answer along with the row; then both need not get the same one. Or it changes
        // the prompt, and the row stays.
        let variants = variants.iter().filter(|variant| variant.listing().is_none());
        let variants = variants.map(|variant| variant.example().clone());
        variants.filter(|variant| variant.outputs == example.outputs).collect()
    };
    let scores = |candidate: &Candidate| board.scores(candidate.id(), finalist.rows);
    let scores = scores(&finalist.candidate).into_iter().zip(scores(&Candidate::baseline()));
    let known = |(example, (full, base))| Known {
        example,
        variants: rewritten(example, variants.next().unwrap_or_default()),
        full,
        base,
    };
    examples.into_iter().zip(scores).map(known).collect()
}

/// Puts a candidate in the place of the first finalist.
fn replace(board: &Board, finalists: &mut Vec<Standing>, candidate: &Candidate) {
    let Some(rows) = finalists.first().map(|first| first.rows) else { return };
    let standing = board.ranking(&[candidate.id()], rows).into_iter().next();
    if let Some(standing) = standing {
        finalists.remove(0);
        finalists.retain(|finalist| finalist.candidate.id() != candidate.id());
        finalists.insert(0, standing);
    }
}

fn told(weighing: &Weighing) -> String {
    let count = |class| weighing.count(class);
    let outcome = match (weighing.taken_away(), weighing.tried.len()) {
        (0, 0) => "nothing was taken away".to_owned(),
        (0, _) => "without the rest it was worse, so nothing was taken away".to_owned(),
        (parts, _) => format!("{parts} taken away, it does as well without them"),
    };
    format!(
        "{} parts, weighed with {} answers: {} help, {} harm, {} could not be shown to do anything; {outcome}",
        weighing.edits.len(),
        weighing.answers,
        count(Class::Supported),
        count(Class::Harmful),
        count(Class::Unsupported)
    )
}

fn remark(text: String) -> Event {
    Event::Remark { text }
}
