//! The program of a task file: one `[signature]`, or several `[[module]]` wired by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use proofmark_runtime::{
    Calibration, Field, Module, Output, Program, Signature, Source, Type, kind,
    program::{Parts, Unsound},
};
use toml::{Spanned, de::DeValue};

use super::{
    demos,
    fields::{self, is_identifier},
};
use crate::config::{Key, Problem, Section, Shape, TableReader, nearest, suggest};

/// The name of the only module of a program written as `[signature]`.
pub const SOLE_MODULE: &str = "main";

/// `[signature]`
pub(crate) static SIGNATURE: Section = Section {
    name: "signature",
    about: "A program of one module.",
    keys: &[
        Key::required("instructions", Shape::Text, "what the model should do"),
        Key::new("kind", KIND, "kind of the module; \"predict\" if left out"),
        Key::required("inputs", Shape::Map(&fields::FIELD), "its inputs, in the order of the prompt"),
        Key::required("outputs", Shape::Map(&fields::FIELD), "its outputs, in the order of the reply"),
    ],
    variants: None,
};

/// `[[module]]`
pub(crate) static MODULE: Section = Section {
    name: "module",
    about: "One module of a program of several.",
    keys: &[
        Key::required("name", Shape::Text, "its name; other modules read its outputs as `name.field`"),
        Key::required("instructions", Shape::Text, "what the model should do"),
        Key::new("kind", KIND, "kind of the module; \"predict\" if left out"),
        Key::required("inputs", Shape::Map(&WIRE), "the source of each input: `input` or `module.field`"),
        Key::required("outputs", Shape::Map(&fields::FIELD), "its outputs, in the order of the reply"),
        Key::new("demos", Shape::Frees, "demonstrations, part of the baseline"),
    ],
    variants: None,
};

const KIND: Shape = Shape::Name("kind of module", kinds);

static WIRE: Shape = Shape::Either(
    &Shape::Text,
    &Section {
        name: "wire",
        about: "The source of an input of a module.",
        keys: &[
            Key::required("from", Shape::Text, "`input` of the program, or `module.field`"),
            Key::new(
                "about",
                Shape::Text,
                "what it means to this module; the description of the source if left out",
            ),
        ],
        variants: None,
    },
);

fn kinds() -> Vec<&'static str> {
    kind::ALL.iter().map(|kind| kind.name()).collect()
}

/// Reads the program; none if it has mistakes (all reported).
pub(crate) fn read(root: TableReader<'_>, problems: &mut Vec<Problem>) -> Option<Program> {
    let before = problems.len();
    let parts = match (root.get("signature"), root.get("module")) {
        (Some(_), Some(_)) => {
            let span = root.key_span("module").unwrap_or_default();
            let problem =
                Problem::new(span, "a task has either `signature` or `module`, not both", "second program");
            problems.push(problem.hint("turn [signature] into one more [[module]]"));
            return None;
        }
        (None, None) => {
            let problem = Problem::new(0..0, "the task has no program", "no program");
            problems.push(
                problem.hint("add [signature] with instructions, inputs and outputs, or several [[module]]"),
            );
            return None;
        }
        (Some(_), None) => sole(root, problems),
        (None, Some(_)) => several(root, problems),
    };
    if problems.len() > before {
        return None;
    }
    match Program::new(parts) {
        Ok(program) => Some(program),
        Err(unsound) => {
            // The checks above found every mistake of a single module. What is left is about the whole program, such as
            // modules in a circle. Unknown kinds are reported at their place.
            let span = root.key_span("module").or_else(|| root.key_span("signature")).unwrap_or_default();
            for found in unsound.iter().filter(|found| !matches!(found, Unsound::UnknownKind { .. })) {
                problems.push(Problem::new(span.clone(), found.to_string(), "in this program"));
            }
            None
        }
    }
}

fn sole(root: TableReader<'_>, problems: &mut Vec<Problem>) -> Parts {
    let table = root.table("signature");
    for key in ["inputs", "outputs"] {
        if let Some(span) = root.key_span(key) {
            let problem = Problem::new(span, format!("`{key}` at the top goes with [[module]]"), "misplaced");
            problems.push(problem.hint(format!("with [signature] it is [signature.{key}]")));
        }
    }
    let inputs = fields::read(table.table("inputs"), problems);
    let wiring = inputs.iter().map(|field| (field.name.clone(), Source::Input(field.name.clone()))).collect();
    let wired = WiredInputs { fields: inputs.clone(), wiring };
    let module = module(SOLE_MODULE, table, wired, root.items("demos"), problems);
    let outputs = module.signature.outputs.iter().map(|field| output(SOLE_MODULE, field)).collect();
    Parts { inputs, outputs, modules: vec![module] }
}

/// An output of the program that a field of a module gives under its own name.
fn output(module: &str, field: &Field) -> Output {
    let source = Source::Output { module: module.to_owned(), field: field.name.clone() };
    Output { name: field.name.clone(), source, voters: vec![] }
}

/// The inputs of a module and their sources.
struct WiredInputs {
    fields: Vec<Field>,
    wiring: BTreeMap<String, Source>,
}

/// Reads a module and checks its fields and demonstrations.
fn module(
    name: &str,
    table: TableReader<'_>,
    wired: WiredInputs,
    demonstrations: &[Spanned<DeValue<'_>>],
    problems: &mut Vec<Problem>,
) -> Module {
    let inputs = wired.fields;
    let outputs = fields::read(table.table("outputs"), problems);
    for side in ["inputs", "outputs"] {
        if table.table(side).is_present() && table.table(side).entries().next().is_none() {
            let message = format!("`{name}` has no {side}");
            problems.push(Problem::new(table.span(side).unwrap_or_default(), message, "empty"));
        }
    }
    for output in outputs.iter().filter(|output| inputs.iter().any(|input| input.name == output.name)) {
        let span = table.table("outputs").key_span(&output.name).unwrap_or_default();
        let message = format!("`{}` is the name of an input and of an output", output.name);
        problems.push(Problem::new(span, message, "used twice").hint("give one of them another name"));
    }
    let instructions = table.string("instructions").unwrap_or_default();
    let is_empty = table.text("instructions").is_some_and(|text| text.trim().is_empty());
    if let Some(span) = table.span("instructions").filter(|_| is_empty) {
        let problem = Problem::new(span, format!("the instructions of `{name}` are empty"), "empty");
        problems.push(problem.hint("say in a sentence what the model should do"));
    }
    let signature = Signature { instructions, inputs, outputs };
    let kind = table.text("kind").unwrap_or("predict");
    let demonstrations = demos::read(demonstrations, &signature, kind, problems);
    Module {
        name: name.to_owned(),
        kind: kind.to_owned(),
        signature,
        wiring: wired.wiring,
        demonstrations,
        nearest: 0,
        format: None,
        calibration: Calibration::None,
    }
}

/// A `[[module]]` table with its place.
struct ModuleTable<'t> {
    span: Range<usize>,
    table: TableReader<'t>,
}

/// Everything that inputs of modules and outputs of the program can be wired to: the inputs of the program and the outputs of
/// its modules, by their written names (`input`, `module.field`).
struct Sources {
    known: BTreeMap<String, (Source, Field)>,
    /// The written names that are in use.
    used: BTreeSet<String>,
}

fn several(root: TableReader<'_>, problems: &mut Vec<Problem>) -> Parts {
    if let Some(span) = root.key_span("demos") {
        let problem = Problem::new(span, "`demos` at the top goes with [signature]", "module unknown");
        problems.push(problem.hint("write [[module.demos]] below the module"));
    }
    if !root.table("inputs").is_present() {
        let span = root.key_span("module").unwrap_or_default();
        let problem = Problem::new(span, "a program of several modules needs `inputs`", "missing");
        problems.push(problem.hint("[inputs] with the inputs of the program, such as document = \"text\""));
    }
    let inputs = fields::read(root.table("inputs"), problems);
    let tables = root.items("module").iter();
    let tables: Vec<_> =
        tables.map(|item| ModuleTable { span: item.span(), table: TableReader::of(item) }).collect();
    check_names(&tables, problems);
    let mut sources = Sources::new(&inputs, &tables);
    let mut modules = Vec::new();
    for ModuleTable { table, .. } in &tables {
        let wired = sources.wire(table.table("inputs"), problems);
        let name = table.text("name").unwrap_or_default();
        modules.push(module(name, *table, wired, table.items("demos"), problems));
    }
    let outputs = outputs(root, &modules, &mut sources, problems);
    check_unused(root, &tables, &sources.used, problems);
    Parts { inputs, modules, outputs }
}

/// Reports names of modules that are no identifiers or that are repeated.
fn check_names(tables: &[ModuleTable<'_>], problems: &mut Vec<Problem>) {
    let mut seen = Vec::new();
    for ModuleTable { table, .. } in tables {
        let Some((name, span)) = table.text("name").zip(table.span("name")) else { continue };
        if !is_identifier(name) {
            let problem = Problem::new(span, format!("`{name}` cannot be the name of a module"), "name");
            problems.push(problem.hint("letters, digits and `_`, not starting with a digit"));
        } else if seen.contains(&name) {
            problems.push(Problem::new(span, format!("there are two modules `{name}`"), "again"));
        }
        seen.push(name);
    }
}

impl Sources {
    fn new(inputs: &[Field], tables: &[ModuleTable<'_>]) -> Self {
        let mut known = BTreeMap::new();
        for field in inputs {
            known.insert(field.name.clone(), (Source::Input(field.name.clone()), field.clone()));
        }
        for ModuleTable { table, .. } in tables {
            let Some(name) = table.text("name") else { continue };
            // Problems of these fields are reported when the module itself is read.
            for field in fields::read(table.table("outputs"), &mut Vec::new()) {
                let source = Source::Output { module: name.to_owned(), field: field.name.clone() };
                known.insert(source.written(), (source, field));
            }
        }
        Self { known, used: BTreeSet::new() }
    }

    /// Reads the inputs of a module.
    fn wire(&mut self, table: TableReader<'_>, problems: &mut Vec<Problem>) -> WiredInputs {
        let mut wired = WiredInputs { fields: Vec::new(), wiring: BTreeMap::new() };
        for (key, value) in table.entries() {
            let full = TableReader::of(value);
            let Some((source, field)) = self.find(full.get("from").unwrap_or(value), problems) else {
                // Reported. The field is kept, so that demonstrations that use it are not reported too.
                wired.fields.push(Field::new(key.get_ref().as_ref(), Type::Text));
                continue;
            };
            let about = full.string("about").unwrap_or(field.about);
            wired.fields.push(Field { name: key.get_ref().to_string(), about, ..field });
            wired.wiring.insert(key.get_ref().to_string(), source);
        }
        wired
    }

    /// The source that a value names. Reports an unknown source and returns the one that was probably meant, so that one
    /// mistake is not reported twice.
    fn find(&mut self, value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<(Source, Field)> {
        let mut written = value.get_ref().as_str()?;
        if !self.known.contains_key(written) {
            let message = format!("there is no source `{written}`");
            let problem = Problem::new(value.span(), message, "unknown source");
            let known: Vec<_> = self.known.keys().collect();
            problems.push(problem.hint(suggest(written, &known)));
            written = nearest(written, self.known.keys().map(String::as_str))?;
        }
        self.used.insert(written.to_owned());
        self.known.get(written).cloned()
    }
}

/// The outputs of the program: the written ones, else those of the last module.
fn outputs(
    root: TableReader<'_>,
    modules: &[Module],
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Vec<Output> {
    let mut outputs = Vec::new();
    if root.table("outputs").is_present() {
        for (key, value) in root.table("outputs").entries() {
            if let Some((source, _)) = sources.find(value, problems) {
                outputs.push(Output { name: key.get_ref().to_string(), source, voters: vec![] });
            }
        }
    } else if let Some(last) = modules.last() {
        outputs.extend(last.signature.outputs.iter().map(|field| output(&last.name, field)));
        sources.used.extend(outputs.iter().map(|output| output.source.written()));
    }
    outputs
}

/// Reports inputs that no module reads, and modules whose outputs nothing reads: they cost calls or tokens without effect.
fn check_unused(
    root: TableReader<'_>,
    tables: &[ModuleTable<'_>],
    used: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) {
    for (key, _) in root.table("inputs").entries() {
        if !used.contains(key.get_ref().as_ref()) {
            let message = format!("no module reads the input `{}`", key.get_ref());
            problems
                .push(Problem::new(key.span(), message, "unused").hint("wire it to a module or remove it"));
        }
    }
    for ModuleTable { span, table } in tables {
        let Some(name) = table.text("name") else { continue };
        if !used.iter().any(|source| source.split_once('.').is_some_and(|(module, _)| module == name)) {
            let message = format!("nothing reads the outputs of module `{name}`");
            problems.push(
                Problem::new(span.clone(), message, "unused").hint("wire one of them, or remove the module"),
            );
        }
    }
}
