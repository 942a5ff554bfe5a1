//! An answer to try a program of the user's with before a run: a row's own labels.

use proofmark_runtime::{Example, Program, Record, Source, Value, run::Step};

/// Stands for what a module gives and no row labels, such as its reasoning.
const UNLABELLED: &str = "(tried before the run: no model has answered yet)";

/// The first row whose labels are a whole answer, and the step that would have given it. None where several modules answer:
/// what they say to each other is labelled nowhere.
pub(crate) fn answered<'r>(program: &Program, rows: &[&'r Example]) -> Option<(&'r Example, Step)> {
    let [module] = program.modules() else { return None };
    let row = rows
        .iter()
        .find(|row| program.outputs().iter().all(|output| row.outputs.get(&output.name).is_some()))?;
    let wired = |name: &str| match module.wiring.get(name) {
        Some(Source::Input(input)) => row.inputs.get(input).cloned(),
        _ => None,
    };
    let label = |name: &str| {
        let gives = |source: &Source| matches!(source, Source::Output { field, .. } if field == name);
        let output = program.outputs().iter().find(|output| gives(&output.source))?;
        row.outputs.get(&output.name).cloned()
    };
    let effective = module.effective();
    let inputs =
        effective.inputs.iter().map(|field| (field.name.clone(), wired(&field.name).unwrap_or(Value::Null)));
    let outputs = effective
        .outputs
        .iter()
        .map(|field| (field.name.clone(), label(&field.name).unwrap_or_else(|| Value::from(UNLABELLED))));
    let (inputs, outputs): (Record, Record) = (inputs.collect(), outputs.collect());
    Some((row, Step { module: module.name.clone(), inputs, outputs, repairs: vec![], calls: 0 }))
}
