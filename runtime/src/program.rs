//! Programs: modules wired by name.
//!
//! **Invariant:** a [`Program`] that exists is sound: modules stand in an order in which every input is there before it
//! is needed, names are unique, wired types are equal, written demonstrations fit. [`Program::new`] is the only way in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    candidate::{Calibration, Candidate, Demonstration, Param, ParamPath, Slot},
    kind,
    signature::{Field, Misfit, Signature, check_record},
};

/// Modules wired by name into one function from inputs to outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Program {
    parts: Parts,
}

/// What a program is made of; [`Program::new`] checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// What the program gets.
    pub inputs: Vec<Field>,
    /// Its modules, in any order.
    pub modules: Vec<Module>,
    /// What it gives.
    pub outputs: Vec<Output>,
}

/// One call to a model with a signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// The name of its [`kind`].
    pub kind: String,
    /// What it takes and gives.
    pub signature: Signature,
    /// Where each of its inputs comes from.
    pub wiring: BTreeMap<String, Source>,
    /// Demonstrations as written or as overlaid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demonstrations: Vec<Demonstration>,
    /// The prompt format; the first that fits if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// How label scores are corrected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calibration: Calibration,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// An input of the program.
    Input(String),
    /// An output of a module.
    Output {
        /// The module.
        module: String,
        /// Its output field.
        field: String,
    },
}

/// One output of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
}

/// Something unsound in a program.
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
        /// Where: "the program" or "module `x`".
        place: String,
    },
    /// A kind that does not exist.
    #[error("module `{module}` is of the unknown kind `{kind}`")]
    UnknownKind {
        /// The module.
        module: String,
        /// The kind it asks for.
        kind: String,
    },
    /// An input without a source, or a source that does not exist.
    #[error("`{input}` of {place} has no source: {problem}")]
    Unwired {
        /// The field.
        input: String,
        /// Whose field: "module `x`" or "the program".
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
        /// What the input takes.
        expected: String,
        /// What the source gives.
        found: String,
    },
    /// Modules that wait for each other.
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
        /// Which, counted from 1.
        number: usize,
        /// What does not fit.
        misfit: Misfit,
    },
}

/// A candidate that does not belong to a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCandidate {
    /// A parameter that the program does not declare.
    #[error("the program has no parameter `{path}`")]
    Undeclared {
        /// Its path.
        path: String,
    },
    /// A value of another kind than the slot takes.
    #[error("the value given for `{path}` is of another kind")]
    WrongKind {
        /// Its path.
        path: String,
    },
    /// A value that does not fit the signature.
    #[error("the value given for `{path}` does not fit: {problem}")]
    Misfit {
        /// Its path.
        path: String,
        /// What does not fit.
        problem: String,
    },
}

impl Program {
    /// Checks the parts and puts the modules in running order.
    ///
    /// # Errors
    /// Everything unsound, not only the first.
    pub fn new(mut parts: Parts) -> Result<Self, Vec<Unsound>> {
        let mut problems = names(&parts);
        for module in &parts.modules {
            problems.extend(module_problems(&parts, module));
        }
        for output in &parts.outputs {
            if let Err(problem) = source_field(&parts, &output.source) {
                problems.push(Unsound::Unwired {
                    input: output.name.clone(),
                    place: "the program".into(),
                    problem,
                });
            }
        }
        if problems.is_empty() {
            match running_order(&parts.modules) {
                Ok(modules) => parts.modules = modules,
                Err(circle) => problems.push(circle),
            }
        }
        if problems.is_empty() { Ok(Self { parts }) } else { Err(problems) }
    }

    /// A program of one module called `name`, wired straight through.
    ///
    /// # Errors
    /// Everything unsound, not only the first.
    pub fn single(
        name: &str,
        kind: &str,
        signature: Signature,
        demonstrations: Vec<Demonstration>,
    ) -> Result<Self, Vec<Unsound>> {
        let input = |field: &Field| (field.name.clone(), Source::Input(field.name.clone()));
        let output = |field: &Field| Output {
            name: field.name.clone(),
            source: Source::Output { module: name.to_owned(), field: field.name.clone() },
        };
        Self::new(Parts {
            inputs: signature.inputs.clone(),
            outputs: signature.outputs.iter().map(output).collect(),
            modules: vec![Module {
                name: name.to_owned(),
                kind: kind.to_owned(),
                wiring: signature.inputs.iter().map(input).collect(),
                signature,
                demonstrations,
                format: None,
                calibration: Calibration::None,
            }],
        })
    }

    /// The modules in running order.
    pub fn modules(&self) -> &[Module] {
        &self.parts.modules
    }

    /// The module of that name.
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.parts.modules.iter().find(|module| module.name == name)
    }

    /// What the program gets.
    pub fn inputs(&self) -> &[Field] {
        &self.parts.inputs
    }

    /// What the program gives, and from where.
    pub fn outputs(&self) -> &[Output] {
        &self.parts.outputs
    }

    /// The typed outputs under their public names.
    pub fn output_fields(&self) -> Vec<Field> {
        let fields = self.parts.outputs.iter();
        fields
            .filter_map(|output| {
                let field = source_field(&self.parts, &output.source).ok()?;
                Some(Field { name: output.name.clone(), ..field.clone() })
            })
            .collect()
    }

    /// Model calls that one record costs.
    pub fn calls_per_record(&self) -> usize {
        self.parts.modules.len()
    }

    /// Every parameter that a candidate may set.
    pub fn parameters(&self) -> Vec<ParamPath> {
        self.parts.modules.iter().flat_map(Module::parameters).collect()
    }

    /// The program with a candidate laid over it.
    ///
    /// # Errors
    /// The first parameter that is undeclared or does not fit.
    pub fn apply(&self, candidate: &Candidate) -> Result<Self, BadCandidate> {
        let mut program = self.clone();
        for (path, param) in candidate.iter() {
            let module = program.parts.modules.iter_mut().find(|module| module.name == path.module);
            let module = module.ok_or_else(|| BadCandidate::Undeclared { path: path.to_string() })?;
            module.set(path, param)?;
        }
        Ok(program)
    }
}

impl Module {
    /// The parameters of this module.
    pub fn parameters(&self) -> Vec<ParamPath> {
        let fields = self.signature.inputs.iter().chain(&self.signature.outputs);
        let mut slots = vec![Slot::Instruction, Slot::Demonstrations, Slot::Format];
        if self.effective().sole_choice().is_some() {
            slots.push(Slot::Calibration);
        }
        slots.extend(fields.map(|field| Slot::About(field.name.clone())));
        slots.into_iter().map(|slot| ParamPath::new(&self.name, slot)).collect()
    }

    /// The signature that is really sent; see [`kind::Kind::effective`].
    pub fn effective(&self) -> Signature {
        kind::find(&self.kind).map_or_else(|| self.signature.clone(), |kind| kind.effective(&self.signature))
    }

    /// The value of every parameter that is said: what an overlay must hold to give this module.
    pub fn values(&self) -> Vec<(Slot, Param)> {
        let fields = self.signature.inputs.iter().chain(&self.signature.outputs);
        let mut values = vec![
            (Slot::Instruction, Param::Instruction(self.signature.instructions.clone())),
            (Slot::Demonstrations, Param::Demonstrations(self.demonstrations.clone())),
        ];
        values.extend(self.format.iter().map(|name| (Slot::Format, Param::Format(name.clone()))));
        if self.effective().sole_choice().is_some() {
            values.push((Slot::Calibration, Param::Calibration(self.calibration)));
        }
        values
            .extend(fields.map(|field| (Slot::About(field.name.clone()), Param::About(field.about.clone()))));
        values
    }

    fn set(&mut self, path: &ParamPath, param: &Param) -> Result<(), BadCandidate> {
        if !self.parameters().contains(path) {
            return Err(BadCandidate::Undeclared { path: path.to_string() });
        }
        let misfit = |problem: String| BadCandidate::Misfit { path: path.to_string(), problem };
        match (&path.slot, param) {
            (Slot::Instruction, Param::Instruction(text)) => {
                text.clone_into(&mut self.signature.instructions)
            }
            (Slot::Demonstrations, Param::Demonstrations(list)) => {
                if let Some((number, problem)) = demonstration_misfit(&self.signature, list) {
                    return Err(misfit(format!("demonstration {number}: {problem}")));
                }
                self.demonstrations.clone_from(list);
            }
            (Slot::Format, Param::Format(name)) => self.format = Some(name.clone()),
            (Slot::Calibration, Param::Calibration(calibration)) => self.calibration = *calibration,
            (Slot::About(name), Param::About(text)) => {
                let mut fields = self.signature.inputs.iter_mut().chain(&mut self.signature.outputs);
                if let Some(field) = fields.find(|field| field.name == *name) {
                    text.clone_into(&mut field.about);
                }
            }
            _ => return Err(BadCandidate::WrongKind { path: path.to_string() }),
        }
        Ok(())
    }
}

impl Source {
    /// As written in a task file: `message` or `extract.summary`.
    pub fn written(&self) -> String {
        match self {
            Self::Input(name) => name.clone(),
            Self::Output { module, field } => format!("{module}.{field}"),
        }
    }
}

impl TryFrom<Parts> for Program {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let join =
            |problems: Vec<Unsound>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::new(parts).map_err(join)
    }
}

impl From<Program> for Parts {
    fn from(program: Program) -> Self {
        program.parts
    }
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

fn demonstration_misfit(signature: &Signature, list: &[Demonstration]) -> Option<(usize, Misfit)> {
    list.iter().enumerate().find_map(|(i, demonstration)| {
        let mut outputs = demonstration.outputs.clone();
        if signature.outputs.iter().all(|field| field.name != kind::REASONING) {
            outputs.remove(kind::REASONING);
        }
        let misfits = check_record(&signature.inputs, &demonstration.inputs)
            .and_then(|()| check_record(&signature.outputs, &outputs));
        misfits.err().and_then(|found| found.into_iter().next()).map(|misfit| (i + 1, misfit))
    })
}

fn source_field<'a>(parts: &'a Parts, source: &Source) -> Result<&'a Field, String> {
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

fn running_order(modules: &[Module]) -> Result<Vec<Module>, Unsound> {
    let (mut waiting, mut ordered): (Vec<&Module>, Vec<Module>) = (modules.iter().collect(), Vec::new());
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

fn is_default(calibration: &Calibration) -> bool {
    *calibration == Calibration::None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{signature::Type, value::Record};

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
            format: None,
            calibration: Calibration::None,
        }
    }

    fn from(module: &str, field: &str) -> Source {
        Source::Output { module: module.into(), field: field.into() }
    }

    #[test]
    fn modules_are_put_in_running_order() {
        let parts = Parts {
            inputs: vec![Field::new("text", Type::Text)],
            modules: vec![
                module("second", ("summary", from("first", "summary")), "answer"),
                module("first", ("text", Source::Input("text".into())), "summary"),
            ],
            outputs: vec![Output { name: "answer".into(), source: from("second", "answer") }],
        };
        let program = Program::new(parts).unwrap();
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

    #[test]
    fn a_candidate_may_set_declared_parameters_only() {
        let signature = Signature {
            instructions: "old".into(),
            inputs: vec![Field::new("q", Type::Text)],
            outputs: vec![Field::new("a", Type::Choice(vec!["x".into()]))],
        };
        let program = Program::single("main", "predict", signature, vec![]).unwrap();
        let set =
            |path: &str, param| program.apply(&Candidate::baseline().with(path.parse().unwrap(), param));
        let applied = set("main.instruction", Param::Instruction("new".into())).unwrap();
        assert_eq!(applied.modules()[0].signature.instructions, "new");
        assert!(matches!(
            set("other.instruction", Param::Instruction(String::new())),
            Err(BadCandidate::Undeclared { .. })
        ));
        assert!(matches!(
            set("main.about.zz", Param::About(String::new())),
            Err(BadCandidate::Undeclared { .. })
        ));
        assert!(matches!(
            set("main.format", Param::About(String::new())),
            Err(BadCandidate::WrongKind { .. })
        ));
        let wrong = Demonstration {
            origin: crate::candidate::Origin::Task,
            inputs: Record::new().with("q", "?"),
            outputs: Record::new().with("a", "not a choice"),
        };
        assert!(matches!(
            set("main.demonstrations", Param::Demonstrations(vec![wrong])),
            Err(BadCandidate::Misfit { .. })
        ));
    }
}
