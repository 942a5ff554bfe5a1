//! A test answer for a program of the user's before a run: the labels of a row.

use proofmark_runtime::{Example, Field, Module, Program, Record, Source, Type, Value, run::Step};

/// The text of an output that no row labels, such as the reasoning.
const UNLABELLED: &str = "(tried before the run: no model has answered yet)";

/// The first row whose labels are a complete answer, and the step that would have given it. None if several modules answer, or if
/// an unlabelled output is not a text, because its value cannot be made up.
pub(crate) fn answered<'r>(program: &Program, rows: &[&'r Example]) -> Option<(&'r Example, Step)> {
    let [module] = program.modules() else { return None };
    let is_answered = |row: &&&Example| {
        let mut outputs = program.outputs().iter();
        outputs.all(|output| row.outputs.get(&output.name).is_some())
    };
    let row = rows.iter().find(is_answered)?;
    let signature = module.effective();
    let mut inputs = Record::new();
    for field in &signature.inputs {
        inputs.insert(&field.name, input_of(module, field, row));
    }
    let mut outputs = Record::new();
    for field in &signature.outputs {
        outputs.insert(&field.name, output_of(program, field, row)?);
    }
    Some((row, Step { module: module.name.clone(), inputs, outputs, repairs: vec![], calls: 0 }))
}

/// The value of an input of the module; null if the row has none.
fn input_of(module: &Module, field: &Field, row: &Example) -> Value {
    let value = match module.wiring.get(&field.name) {
        Some(Source::Input(name)) => row.inputs.get(name).cloned(),
        _ => None,
    };
    value.unwrap_or(Value::Null)
}

/// The value of an output of the module: its label, or a text that stands for one; none if it is not a text.
fn output_of(program: &Program, field: &Field, row: &Example) -> Option<Value> {
    let gives = |source: &Source| matches!(source, Source::Output { field: name, .. } if *name == field.name);
    match program.outputs().iter().find(|output| gives(&output.source)) {
        Some(output) => row.outputs.get(&output.name).cloned(),
        None => matches!(field.ty, Type::Text).then(|| Value::from(UNLABELLED)),
    }
}

#[cfg(test)]
mod tests {
    use proofmark_runtime::{ExampleId, Signature, program::Parts};

    use super::*;

    fn field(name: &str, ty: Type) -> Field {
        Field::new(name, ty)
    }

    fn program(kind: &str) -> Program {
        let signature = Signature {
            instructions: "Answer.".into(),
            inputs: vec![field("question", Type::Text)],
            outputs: vec![field("answer", Type::Text), field("sure", Type::Boolean)],
        };
        Program::single("main", kind, signature, vec![]).unwrap()
    }

    fn row(id: &str, outputs: Record) -> Example {
        let inputs = Record::new().with("question", "why?");
        Example { id: ExampleId(id.into()), inputs, outputs, slices: [].into() }
    }

    #[test]
    fn labels_are_the_answer_of_a_single_module() {
        let half = row("half", Record::new().with("answer", "so"));
        let whole = row("whole", Record::new().with("answer", "so").with("sure", Value::Boolean(true)));
        let rows = [&half, &whole];
        let (found, step) = answered(&program("predict"), &rows).unwrap();
        assert_eq!((&found.id, &step.inputs, &step.outputs), (&whole.id, &whole.inputs, &whole.outputs));
        assert_eq!(answered(&program("predict"), &rows[..1]), None);

        let (_, step) = answered(&program("chain_of_thought"), &rows).unwrap();
        assert_eq!(step.outputs.get("reasoning"), Some(&Value::from(UNLABELLED)));

        // The program gives one of the two outputs of the module, so the other one is not labelled.
        let mut parts = Parts::from(program("predict"));
        let sure = parts.outputs.pop();
        assert_eq!(answered(&Program::new(parts.clone()).unwrap(), &rows), None);
        parts.outputs = sure.into_iter().collect();
        let (_, step) = answered(&Program::new(parts).unwrap(), &rows).unwrap();
        assert_eq!(step.outputs, Record::new().with("answer", UNLABELLED).with("sure", Value::Boolean(true)));
    }
}
