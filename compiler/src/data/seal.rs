//! From rows to sealed rows: perturbed once, then out of everybody's sight.

use proofmark_runtime::{Field, Type};

use super::error::DataError;
use crate::{
    attack::{Plan, freeze, protected_words},
    gate::{GateRow, Sealed},
    task::Task,
};

/// The family of natural adversarial rows.
pub const NATURAL: &str = "natural";

/// Perturbs the rows (natural adversarial ones are hard as they are) and seals them.
pub(super) fn seal(task: &Task, rows: Vec<GateRow>) -> Result<Sealed, DataError> {
    let outputs = task.program.output_fields();
    let choices = |field: &Field| match &field.ty {
        Type::Choice(choices) => choices.clone(),
        _ => vec![],
    };
    let words: Vec<_> = outputs.iter().flat_map(choices).collect();
    let fields = outputs.iter().chain(task.program.inputs()).map(|field| field.name.as_str());
    let plan = Plan {
        families: task.gate.families(),
        variants: task.gate.variants,
        seed: task.data.seed,
        protected: protected_words(words.iter().map(String::as_str).chain(fields)),
        choices: if let [only] = outputs.as_slice() { choices(only) } else { vec![] },
    };
    let clean: Vec<_> = rows.iter().filter(|row| row.natural.is_none()).map(|row| &row.example).collect();
    let mut variants = freeze(&clean, &plan)?.into_iter();
    let of_row =
        |row: &GateRow| if row.natural.is_none() { variants.next().unwrap_or_default() } else { vec![] };
    let variants = rows.iter().map(of_row).collect();
    Ok(Sealed::freeze(rows, variants)?)
}
