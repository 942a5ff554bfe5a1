//! The program of a task file: one `[signature]`, or several `[[module]]` wired by name.

use std::{collections::BTreeMap, ops::Range};

use proofmark_runtime::{
    Calibration, Field, Module, Output, Program, Signature, Source, Type, kind,
    program::{Parts, Unsound},
};
use toml::{Spanned, de::DeValue};

use super::{
    demos,
    fields::{self, is_identifier},
    nearest::{nearest, suggest},
    problem::Problem,
    read::Reader,
    shape::{Key, Section, Shape},
};

/// The name of the only module of a program written as `[signature]`.
pub const SOLE_MODULE: &str = "main";

/// `[signature]`
pub(crate) static SIGNATURE: Section = Section {
    name: "signature",
    about: "A program of one module.",
    keys: &[
        Key::required("instructions", Shape::Text, "what the model shall do"),
        Key::new("kind", KIND, "how the model is asked; \"predict\" if left out"),
        Key::required("inputs", Shape::Map(&fields::FIELD), "what it gets, in the order of the prompt"),
        Key::required("outputs", Shape::Map(&fields::FIELD), "what it gives, in the order of the reply"),
    ],
    variants: None,
};

/// `[[module]]`
pub(crate) static MODULE: Section = Section {
    name: "module",
    about: "One module of a program of several.",
    keys: &[
        Key::required("name", Shape::Text, "its name; others take its outputs as `name.field`"),
        Key::required("instructions", Shape::Text, "what the model shall do"),
        Key::new("kind", KIND, "how the model is asked; \"predict\" if left out"),
        Key::required("inputs", Shape::Map(&WIRE), "where each input comes from: `input` or `module.field`"),
        Key::required("outputs", Shape::Map(&fields::FIELD), "what it gives, in the order of the reply"),
        Key::new("demos", Shape::Frees, "worked examples, part of the baseline"),
    ],
    variants: None,
};

const KIND: Shape = Shape::Name("kind of module", kinds);

static WIRE: Shape = Shape::Either(
    &Shape::Text,
    &Section {
        name: "wire",
        about: "Where an input of a module comes from.",
        keys: &[
            Key::required("from", Shape::Text, "`input` of the program, or `module.field`"),
            Key::new("about", Shape::Text, "what it means to this module; the source's words if left out"),
        ],
        variants: None,
    },
);

fn kinds() -> Vec<&'static str> {
    kind::ALL.iter().map(|kind| kind.name()).collect()
}

/// Reads the program; nothing if it is unsound (all reported).
pub(crate) fn read(root: Reader<'_>, problems: &mut Vec<Problem>) -> Option<Program> {
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
            let problem = Problem::new(0..0, "the task declares no program", "nothing to compile");
            problems.push(
                problem.hint("[signature] with instructions, inputs and outputs, or several [[module]]"),
            );
            return None;
        }
        (Some(_), None) => sole(root, problems),
        (None, Some(_)) => several(root, problems),
    };
    if problems.len() > before {
        return None;
    }
    // What is left for the program itself to find is about the whole: modules in a circle.
    let span = root.key_span("module").or_else(|| root.key_span("signature")).unwrap_or_default();
    let report = |unsound: Vec<Unsound>| {
        // Unknown kinds are reported where they stand.
        let unsound = unsound.iter().filter(|found| !matches!(found, Unsound::UnknownKind { .. }));
        let problem = |found: &Unsound| Problem::new(span.clone(), found.to_string(), "in this program");
        problems.extend(unsound.map(problem));
    };
    Program::new(parts).map_err(report).ok()
}

fn sole(root: Reader<'_>, problems: &mut Vec<Problem>) -> Parts {
    let table = root.table("signature");
    for key in ["inputs", "outputs"] {
        if let Some(span) = root.key_span(key) {
            let problem = Problem::new(span, format!("`{key}` at the top goes with [[module]]"), "misplaced");
            problems.push(problem.hint(format!("with [signature] it is [signature.{key}]")));
        }
    }
    let inputs = fields::read(table.table("inputs"), problems);
    let wiring = inputs.iter().map(|field| (field.name.clone(), Source::Input(field.name.clone()))).collect();
    let module = module(SOLE_MODULE, table, (inputs.clone(), wiring), root.items("demos"), problems);
    let output = |field: &Field| Output {
        name: field.name.clone(),
        source: Source::Output { module: SOLE_MODULE.into(), field: field.name.clone() },
        voters: vec![],
    };
    Parts { inputs, outputs: module.signature.outputs.iter().map(output).collect(), modules: vec![module] }
}

/// A module as far as its own table tells, its fields and demonstrations checked.
fn module(
    name: &str,
    table: Reader<'_>,
    (inputs, wiring): (Vec<Field>, BTreeMap<String, Source>),
    shown: &[Spanned<DeValue<'_>>],
    problems: &mut Vec<Problem>,
) -> Module {
    let outputs = fields::read(table.table("outputs"), problems);
    for side in ["inputs", "outputs"] {
        if table.table(side).is_there() && table.table(side).entries().next().is_none() {
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
    if let (Some(""), Some(span)) = (table.text("instructions").map(str::trim), table.span("instructions")) {
        let problem = Problem::new(span, format!("the instructions of `{name}` are empty"), "empty");
        problems.push(problem.hint("say in a sentence what the model shall do"));
    }
    let signature = Signature { instructions, inputs, outputs };
    let kind = table.text("kind").unwrap_or("predict");
    let demonstrations = demos::read(shown, &signature, kind, problems);
    Module {
        name: name.to_owned(),
        kind: kind.to_owned(),
        signature,
        wiring,
        demonstrations,
        nearest: 0,
        format: None,
        calibration: Calibration::None,
    }
}

/// What modules can be wired to: the inputs of the program and the outputs of its modules, by their written names.
type Sources = BTreeMap<String, (Source, Field)>;

fn several(root: Reader<'_>, problems: &mut Vec<Problem>) -> Parts {
    if let Some(span) = root.key_span("demos") {
        let problem = Problem::new(span, "`demos` at the top goes with [signature]", "of which module?");
        problems.push(problem.hint("write [[module.demos]] below the module"));
    }
    if !root.table("inputs").is_there() {
        let span = root.key_span("module").unwrap_or_default();
        let problem = Problem::new(span, "a program of several modules needs `inputs`", "missing");
        problems.push(problem.hint("[inputs] with what the program gets, such as document = \"text\""));
    }
    let inputs = fields::read(root.table("inputs"), problems);
    let tables: Vec<_> = root.items("module").iter().map(|item| (item.span(), Reader::of(item))).collect();
    names(&tables, problems);
    let sources = sources(&inputs, &tables);
    let mut used = Vec::new();
    let mut modules = Vec::new();
    for (_, table) in &tables {
        let wired = wire(table.table("inputs"), &sources, &mut used, problems);
        let name = table.text("name").unwrap_or_default();
        modules.push(module(name, *table, wired, table.items("demos"), problems));
    }
    let outputs = outputs(root, &modules, (&sources, &mut used), problems);
    unused(root, &tables, &used, problems);
    Parts { inputs, modules, outputs }
}

fn names(tables: &[(Range<usize>, Reader<'_>)], problems: &mut Vec<Problem>) {
    let mut seen = Vec::new();
    for (_, table) in tables {
        let (Some(name), Some(span)) = (table.text("name"), table.span("name")) else { continue };
        if !is_identifier(name) {
            let problem = Problem::new(span, format!("`{name}` cannot be the name of a module"), "name");
            problems.push(problem.hint("letters, digits and `_`, not starting with a digit"));
        } else if seen.contains(&name) {
            problems.push(Problem::new(span, format!("there are two modules `{name}`"), "again"));
        }
        seen.push(name);
    }
}

fn sources(inputs: &[Field], tables: &[(Range<usize>, Reader<'_>)]) -> Sources {
    let mut sources = Sources::new();
    for field in inputs {
        sources.insert(field.name.clone(), (Source::Input(field.name.clone()), field.clone()));
    }
    for (_, table) in tables {
        let Some(name) = table.text("name") else { continue };
        // Problems of these fields are reported when the module itself is read.
        for field in fields::read(table.table("outputs"), &mut Vec::new()) {
            let source = Source::Output { module: name.to_owned(), field: field.name.clone() };
            sources.insert(source.written(), (source, field));
        }
    }
    sources
}

fn wire(
    table: Reader<'_>,
    sources: &Sources,
    used: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> (Vec<Field>, BTreeMap<String, Source>) {
    let (mut inputs, mut wiring) = (Vec::new(), BTreeMap::new());
    for (key, value) in table.entries() {
        let full = Reader::of(value);
        let at = full.get("from").unwrap_or(value);
        let Some((source, field)) = find(at, sources, used, problems) else {
            // Reported; the field stays, so that demonstrations that use it are not reported as well.
            inputs.push(Field::new(key.get_ref().as_ref(), Type::Text));
            continue;
        };
        let about = full.string("about").unwrap_or(field.about);
        inputs.push(Field { name: key.get_ref().to_string(), about, ..field });
        wiring.insert(key.get_ref().to_string(), source);
    }
    (inputs, wiring)
}

/// The source that is written at a place. Where there is none it is reported, and the one that was probably meant is
/// taken, so that one slip is not reported twice.
fn find(
    at: &Spanned<DeValue<'_>>,
    sources: &Sources,
    used: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Option<(Source, Field)> {
    let mut written = at.get_ref().as_str()?;
    if !sources.contains_key(written) {
        let problem = Problem::new(at.span(), format!("there is no source `{written}`"), "unknown source");
        let known: Vec<_> = sources.keys().collect();
        problems.push(problem.hint(suggest(written, &known)));
        written = nearest(written, sources.keys().map(String::as_str))?;
    }
    used.push(written.to_owned());
    sources.get(written).cloned()
}

/// The outputs of the program: as written, else those of the last module.
fn outputs(
    root: Reader<'_>,
    modules: &[Module],
    (sources, used): (&Sources, &mut Vec<String>),
    problems: &mut Vec<Problem>,
) -> Vec<Output> {
    if root.table("outputs").is_there() {
        let entries = root.table("outputs").entries();
        return entries
            .filter_map(|(key, value)| {
                let (source, _) = find(value, sources, used, problems)?;
                Some(Output { name: key.get_ref().to_string(), source, voters: vec![] })
            })
            .collect();
    }
    let last = modules.iter().next_back();
    let fields =
        last.into_iter().flat_map(|module| module.signature.outputs.iter().map(move |f| (module, f)));
    fields
        .map(|(module, field)| {
            let source = Source::Output { module: module.name.clone(), field: field.name.clone() };
            used.push(source.written());
            Output { name: field.name.clone(), source, voters: vec![] }
        })
        .collect()
}

/// Inputs that no module reads, and modules that nobody reads: paid for and without effect.
fn unused(
    root: Reader<'_>,
    tables: &[(Range<usize>, Reader<'_>)],
    used: &[String],
    problems: &mut Vec<Problem>,
) {
    for (key, _) in root.table("inputs").entries() {
        if !used.iter().any(|name| name == key.get_ref()) {
            let message = format!("no module reads the input `{}`", key.get_ref());
            problems
                .push(Problem::new(key.span(), message, "unused").hint("wire it to a module or remove it"));
        }
    }
    for (span, table) in tables {
        let Some(name) = table.text("name") else { continue };
        if !used.iter().any(|source| source.split_once('.').is_some_and(|(module, _)| module == name)) {
            let message = format!("nothing reads the outputs of module `{name}`");
            problems.push(
                Problem::new(span.clone(), message, "unused").hint("wire one of them, or remove the module"),
            );
        }
    }
}
