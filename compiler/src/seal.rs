//! From split rows to sealed rows: variants are made here, once, and go straight into the gate.

use proofmark_runtime::{Program, Type};

use crate::{
    attack::{self, Plan, PlanError},
    data,
    gate::{GateRow, SealError, Sealed},
    task::Task,
};

/// Why the gate's rows could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum Unsealable {
    /// The families make no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The rows make no sense.
    #[error(transparent)]
    Rows(#[from] SealError),
}

/// The family under which rows of the user's adversarial file are reported.
const NATURAL: &str = "natural";

/// Makes the variants of the gate's rows and seals both. Everything depends on the task alone, not on the run's seed:
/// sealed rows stay the same from run to run, so that the ledger can count looks at them.
///
/// # Errors
/// If a family or a row makes no sense.
pub(crate) fn seal(task: &Task, rows: Vec<data::GateRow>) -> Result<Sealed, Unsealable> {
    let plan = plan(task);
    let rows = rows.into_iter().map(|row| GateRow {
        group: row.group.to_string(),
        must_pass: row.must_pass,
        mined_by: row.mined_by,
        natural: row.adversarial.then(|| NATURAL.to_owned()),
        example: row.example,
    });
    let rows: Vec<_> = rows.collect();
    let examples: Vec<_> = rows.iter().map(|row| &row.example).collect();
    let variants = attack::freeze(&examples, &plan)?;
    Ok(Sealed::freeze(rows, variants)?)
}

/// What the task's rows are attacked with.
fn plan(task: &Task) -> Plan {
    let choices = choices(&task.program);
    let fields = task.program.inputs().iter().map(|field| field.name.as_str());
    let outputs = task.program.outputs().iter().map(|output| output.name.as_str());
    let protected = attack::protected_words(fields.chain(outputs).chain(choices.iter().map(String::as_str)));
    let families = match task.gate.families.as_slice() {
        [] => attack::default_families(task.gate.case_insensitive),
        named => named.to_vec(),
    };
    Plan { families, variants: task.gate.variants, seed: task.data.seed, protected, choices }
}

/// All choices of the program's outputs.
fn choices(program: &Program) -> Vec<String> {
    let choices = program.output_fields().into_iter().filter_map(|field| match field.ty {
        Type::Choice(choices) => Some(choices),
        _ => None,
    });
    choices.flatten().collect()
}
