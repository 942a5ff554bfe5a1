//! Demonstrations in a task file: one flat table each, with inputs and outputs side by side.

use proofmark_runtime::{Demonstration, Field, Origin, Record, Signature, Type, Value, kind};
use toml::{Spanned, de::DeValue};

use crate::config::{Problem, nearest, suggest, to_value};

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
    let fields: Vec<_> = effective.inputs.iter().chain(&effective.outputs).collect();
    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    let mut inputs = Record::new();
    let mut outputs = Record::new();
    let mut meant = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            meant.extend(nearest(name, names.iter().copied()));
            let message = format!("the signature has no field `{name}`");
            problems.push(Problem::new(key.span(), message, "unknown field").hint(suggest(name, &names)));
            continue;
        };
        let given = to_value(value.get_ref());
        if let Err(misfit) = field.check(Some(&given)) {
            let problem = Problem::new(value.span(), misfit.to_string(), "does not fit");
            problems.push(match similar_choice(field, &given) {
                Some(choice) => problem.hint(format!("did you mean `{choice}`?")),
                None => problem,
            });
        }
        let is_input = signature.inputs.iter().any(|input| input.name == name);
        if is_input { &mut inputs } else { &mut outputs }.insert(name, given);
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

/// The choice of a field that a wrong text probably means.
fn similar_choice<'f>(field: &'f Field, given: &Value) -> Option<&'f str> {
    match (&field.ty, given) {
        (Type::Choice(choices), Value::Text(text)) => nearest(text, choices.iter().map(String::as_str)),
        _ => None,
    }
}
