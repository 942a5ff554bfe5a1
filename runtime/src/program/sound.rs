//! The checks of a program: names, kinds, wires, types, demonstrations, and a running order.

use std::collections::BTreeMap;

use super::{Module, Parts, Source};
use crate::{
    candidate::Demonstration,
    kind,
    signature::{Field, Misfit, Signature, check_record},
};

/// A problem of a program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsound {
    /// No module at all.
    #[error("the program has no module")]
    Empty,
    /// Two modules, or two fields of one module, share a name.
    #[error("the name `{name}` is used twice in {place}")]
    Duplicate {
        /// The name.
        name: String,
        /// Its place: "the program" or "module `x`".
        place: String,
    },
    /// A kind that does not exist.
    #[error("module `{module}` is of the unknown kind `{kind}`")]
    UnknownKind {
        /// The module.
        module: String,
        /// The unknown kind.
        kind: String,
    },
    /// An input without a source, or a source that does not exist.
    #[error("`{input}` of {place} has no source: {problem}")]
    Unwired {
        /// The field.
        input: String,
        /// The owner of the field: "module `x`" or "the program".
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A source of another type.
    #[error("`{input}` of module `{module}` takes {expected}, but `{from}` gives {found}")]
    Mismatch {
        /// The module.
        module: String,
        /// Its input.
        input: String,
        /// The source, as written.
        from: String,
        /// The type of the input.
        expected: String,
        /// The type of the source.
        found: String,
    },
    /// Modules that feed each other in a circle.
    #[error("modules {} wait for each other in a circle", modules.join(", "))]
    Circle {
        /// The modules.
        modules: Vec<String>,
    },
    /// A written demonstration that does not fit.
    #[error("demonstration {number} of module `{module}`: {misfit}")]
    Demonstration {
        /// The module.
        module: String,
        /// Its number, counted from 1.
        number: usize,
        /// What does not fit.
        misfit: Misfit,
    },
}

/// All problems of the parts except circles, which [`running_order`] finds.
pub(super) fn problems(parts: &Parts) -> Vec<Unsound> {
    let mut problems = names(parts);
    problems.extend(parts.modules.iter().flat_map(|module| module_problems(parts, module)));
    for output in &parts.outputs {
        for source in output.sources() {
            if let Err(problem) = source_field(parts, source) {
                let input = output.name.clone();
                let place = "the program".into();
                problems.push(Unsound::Unwired { input, place, problem });
            }
        }
    }
    problems
}

fn names(parts: &Parts) -> Vec<Unsound> {
    let mut problems = Vec::new();
    if parts.modules.is_empty() {
        problems.push(Unsound::Empty);
    }
    problems.extend(duplicates(parts.modules.iter().map(|module| module.name.as_str()), "the program"));
    problems
        .extend(duplicates(parts.outputs.iter().map(|output| output.name.as_str()), "the program's outputs"));
    for module in &parts.modules {
        let fields = module.signature.inputs.iter().chain(&module.signature.outputs);
        problems.extend(duplicates(
            fields.map(|field| field.name.as_str()),
            &format!("module `{}`", module.name),
        ));
    }
    problems
}

fn duplicates<'a>(names: impl Iterator<Item = &'a str>, place: &str) -> Vec<Unsound> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    let twice = counts.into_iter().filter(|(_, count)| *count > 1);
    twice.map(|(name, _)| Unsound::Duplicate { name: name.to_owned(), place: place.to_owned() }).collect()
}

fn module_problems(parts: &Parts, module: &Module) -> Vec<Unsound> {
    let mut problems = Vec::new();
    if kind::find(&module.kind).is_none() {
        problems.push(Unsound::UnknownKind { module: module.name.clone(), kind: module.kind.clone() });
    }
    for field in &module.signature.inputs {
        let unwired = |problem| Unsound::Unwired {
            input: field.name.clone(),
            place: format!("module `{}`", module.name),
            problem,
        };
        let Some(source) = module.wiring.get(&field.name) else {
            problems.push(unwired("nothing is wired to it".into()));
            continue;
        };
        match source_field(parts, source) {
            Err(problem) => problems.push(unwired(problem)),
            Ok(from) if from.ty != field.ty => problems.push(Unsound::Mismatch {
                module: module.name.clone(),
                input: field.name.clone(),
                from: source.written(),
                expected: field.ty.phrase(),
                found: from.ty.phrase(),
            }),
            Ok(_) => {}
        }
    }
    if let Some((number, misfit)) = demonstration_misfit(&module.signature, &module.demonstrations) {
        problems.push(Unsound::Demonstration { module: module.name.clone(), number, misfit });
    }
    problems
}

/// The first demonstration that does not fit, counted from 1, and why.
pub(super) fn demonstration_misfit(signature: &Signature, list: &[Demonstration]) -> Option<(usize, Misfit)> {
    for (demonstration, number) in list.iter().zip(1..) {
        if let Some(misfit) = first_misfit(signature, demonstration) {
            return Some((number, misfit));
        }
    }
    None
}

fn first_misfit(signature: &Signature, demonstration: &Demonstration) -> Option<Misfit> {
    let mut outputs = demonstration.outputs.clone();
    if signature.outputs.iter().all(|field| field.name != kind::REASONING) {
        outputs.remove(kind::REASONING);
    }
    let misfits = check_record(&signature.inputs, &demonstration.inputs)
        .and_then(|()| check_record(&signature.outputs, &outputs));
    misfits.err()?.into_iter().next()
}

/// The field that a source refers to.
pub(super) fn source_field<'a>(parts: &'a Parts, source: &Source) -> Result<&'a Field, String> {
    match source {
        Source::Input(name) => parts
            .inputs
            .iter()
            .find(|field| field.name == *name)
            .ok_or_else(|| format!("the program has no input `{name}`")),
        Source::Output { module: name, field } => {
            let module = parts.modules.iter().find(|module| module.name == *name);
            let module = module.ok_or_else(|| format!("there is no module `{name}`"))?;
            let output = module.signature.outputs.iter().find(|output| output.name == *field);
            output.ok_or_else(|| format!("module `{name}` has no output `{field}`"))
        }
    }
}

/// The modules in an order in which each comes after the modules that feed it.
pub(super) fn running_order(modules: &[Module]) -> Result<Vec<Module>, Unsound> {
    let mut waiting: Vec<&Module> = modules.iter().collect();
    let mut ordered: Vec<Module> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|module| {
            module.wiring.values().all(|source| match source {
                Source::Input(_) => true,
                Source::Output { module, .. } => ordered.iter().any(|done| done.name == *module),
            })
        });
        let Some(next) = ready else {
            return Err(Unsound::Circle {
                modules: waiting.iter().map(|module| module.name.clone()).collect(),
            });
        };
        ordered.push(waiting.remove(next).clone());
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::{
        candidate::{Calibration, Candidate},
        fuzz,
        model::{Sampling, scripted::Scripted},
        program::{Output, Program},
        run::Runner,
        signature::Type,
        value::{Record, Value},
    };

    fn module(name: &str, input: (&str, Source), output: &str) -> Module {
        Module {
            name: name.into(),
            kind: "predict".into(),
            signature: Signature {
                instructions: String::new(),
                inputs: vec![Field::new(input.0, Type::Text)],
                outputs: vec![Field::new(output, Type::Text)],
            },
            wiring: BTreeMap::from([(input.0.to_owned(), input.1)]),
            demonstrations: vec![],
            nearest: 0,
            format: None,
            calibration: Calibration::None,
        }
    }

    /// Two modules, the first of which feeds the second.
    fn chain() -> Program {
        let parts = Parts {
            inputs: vec![Field::new("text", Type::Text)],
            modules: vec![
                module("second", ("summary", from("first", "summary")), "answer"),
                module("first", ("text", Source::Input("text".into())), "summary"),
            ],
            outputs: vec![Output { name: "answer".into(), source: from("second", "answer"), voters: vec![] }],
        };
        Program::new(parts).unwrap()
    }

    proptest! {
        #![proptest_config(fuzz::cases(300))]

        #[test]
        fn a_broken_program_is_sound_or_refused(
            place in any::<Index>(),
            value in fuzz::json(),
            changes in fuzz::changes(),
        ) {
            let document = serde_json::to_value(chain()).unwrap();
            let bytes = fuzz::changed(document.to_string().as_bytes(), &changes);
            let other = fuzz::with_value(document, place, value).to_string();
            for bytes in [bytes, other.into_bytes()] {
                let Ok(program) = serde_json::from_slice::<Program>(&bytes) else { continue };
                prop_assert_eq!(Program::new(Parts::from(program.clone())), Ok(program.clone()));
                let model = Arc::new(Scripted::from_fn("m", |_| Ok(String::new())));
                if let Ok(runner) = Runner::new(&program, &Candidate::baseline(), model, Sampling::default()) {
                    for module in program.modules() {
                        let value = |field: &Field| (field.name.clone(), Value::Null);
                        let inputs: Record = module.signature.inputs.iter().map(value).collect();
                        prop_assert!(runner.messages(&module.name, &inputs).is_ok());
                    }
                }
            }
        }
    }

    fn from(module: &str, field: &str) -> Source {
        Source::Output { module: module.into(), field: field.into() }
    }

    #[test]
    fn modules_are_put_in_running_order() {
        let program = chain();
        assert_eq!(program.modules()[0].name, "first");
        assert_eq!(program.output_fields()[0].name, "answer");
    }

    #[test]
    fn circles_and_loose_ends_are_named() {
        let parts = Parts {
            inputs: vec![],
            modules: vec![module("a", ("x", from("b", "y")), "x2"), module("b", ("x", from("a", "x2")), "y")],
            outputs: vec![],
        };
        let problems = Program::new(parts.clone()).unwrap_err();
        assert_eq!(problems, [Unsound::Circle { modules: vec!["a".into(), "b".into()] }]);
        let mut loose = parts;
        loose.modules[0].wiring.clear();
        assert_eq!(Program::new(loose).unwrap_err().len(), 1);
    }
}
