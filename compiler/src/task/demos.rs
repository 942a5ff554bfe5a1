//! Demonstrations written in a task file: one flat table each, inputs and outputs side by side.

use proofmark_runtime::{Demonstration, Origin, Record, Signature, Type, Value, kind};
use toml::{Spanned, de::DeValue};

use super::{
    nearest::{nearest, suggest},
    problem::Problem,
    read,
};

/// Reads the demonstrations of one module.
pub(crate) fn read(
    items: &[Spanned<DeValue<'_>>],
    signature: &Signature,
    kind: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Demonstration> {
    items.iter().filter_map(|item| demonstration(item, signature, kind, problems)).collect()
}

fn demonstration(
    item: &Spanned<DeValue<'_>>,
    signature: &Signature,
    kind: &str,
    problems: &mut Vec<Problem>,
) -> Option<Demonstration> {
    let table = item.get_ref().as_table()?;
    let effective = kind::find(kind).map_or_else(|| signature.clone(), |kind| kind.effective(signature));
    let fields = || effective.inputs.iter().chain(&effective.outputs);
    let names: Vec<_> = fields().map(|field| field.name.as_str()).collect();
    let (mut inputs, mut outputs, mut meant) = (Record::new(), Record::new(), Vec::new());
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some(field) = fields().find(|field| field.name == name) else {
            meant.extend(nearest(name, names.iter().copied()));
            let message = format!("`{name}` is no field of this signature");
            problems.push(Problem::new(key.span(), message, "unknown field").hint(suggest(name, &names)));
            continue;
        };
        let given = read::value(value.get_ref());
        if let Err(misfit) = field.check(Some(&given)) {
            let problem = Problem::new(value.span(), misfit.to_string(), "does not fit");
            let meant = match (&field.ty, &given) {
                (Type::Choice(choices), Value::Text(text)) => {
                    nearest(text, choices.iter().map(String::as_str))
                }
                _ => None,
            };
            problems.push(match meant {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
        let side =
            if signature.inputs.iter().any(|input| input.name == name) { &mut inputs } else { &mut outputs };
        side.insert(name, given);
    }
    for field in signature.inputs.iter().chain(&signature.outputs) {
        if !table.contains_key(field.name.as_str())
            && !meant.contains(&field.name.as_str())
            && let Err(misfit) = field.check(None)
        {
            problems.push(Problem::new(item.span(), format!("this demonstration: {misfit}"), "incomplete"));
        }
    }
    Some(Demonstration { origin: Origin::Task, inputs, outputs })
}
