//! `[metric]` of a task file.

use std::path::Path;

use proofmark_optimizers::Score;
use proofmark_runtime::{Field, Program, Type};

use super::{ALL, Judge, Measure, Metric, Weighted, command};
use crate::{
    command::{Command, OPTIONS},
    task::{Key, Problem, Reader, Section, Shape, Variants, suggest},
};

/// `[metric]`
pub(crate) static METRIC: Section = Section {
    name: "metric",
    about: "How answers are scored.",
    keys: &[
        KIND,
        Key::new("pass", Shape::Number(0.0, 1.0), "the score from which on an answer counts as right"),
    ],
    variants: Some(KINDS),
};

/// The key that says how answers are scored, and those that go with each of its values.
pub(crate) const KIND: Key = Key::new("kind", Shape::Name("metric", kinds), "\"exact\" if left out");
pub(crate) const KINDS: Variants = Variants { by: "kind", default: "exact", all: by_kind };

static OUTPUT: Section = Section {
    name: "metric_output",
    about: "How one output is scored.",
    keys: &[
        Key::new("kind", Shape::Name("metric", measures), "that of the whole metric if left out"),
        Key::new("weight", Shape::Number(0.0, 1e6), "its weight in the mean; 1 if left out, 0: not judged"),
    ],
    variants: Some(Variants { by: "kind", default: "exact", all: by_measure }),
};

static OUTPUTS: Key = Key::new("outputs", Shape::Map(&OUTPUT_TABLE), "outputs that are scored otherwise");
static OUTPUT_TABLE: Shape = Shape::Table(&OUTPUT);

fn measures() -> Vec<&'static str> {
    ALL.iter().map(|measure| measure.name()).collect()
}

fn kinds() -> Vec<&'static str> {
    super::all().map(|(name, _)| name).collect()
}

fn by_measure() -> Vec<(&'static str, Vec<&'static Key>)> {
    ALL.iter().map(|measure| (measure.name(), measure.options().iter().collect())).collect()
}

fn by_kind() -> Vec<(&'static str, Vec<&'static Key>)> {
    let mut all = by_measure();
    all.iter_mut().for_each(|(_, keys)| keys.push(&OUTPUTS));
    all.push((command::NAME, OPTIONS.iter().collect()));
    all
}

/// Reads `[metric]` or a `[[guard]]` for a program; nothing if something is wrong with it (reported). Messages call a program
/// of the user's by `role`.
pub(crate) fn read(
    (table, role): (Reader<'_>, &str),
    program: &Program,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Metric> {
    let before = problems.len();
    let (judge, usual) = if table.text("kind") == Some(command::NAME) {
        (Judge::Command(Command::read(role, table, folder, problems)?), 1.0)
    } else {
        let (weighted, pass) = outputs(table, program, problems);
        (Judge::Outputs(weighted), pass)
    };
    let pass = Score::new(table.number("pass").unwrap_or(usual)).ok()?;
    (problems.len() == before).then_some(Metric { judge, pass })
}

/// The judges of all outputs, and the weighted mean of their passing scores.
fn outputs(table: Reader<'_>, program: &Program, problems: &mut Vec<Problem>) -> (Vec<Weighted>, f64) {
    let fields = program.output_fields();
    let own = table.table("outputs");
    for (key, _) in own.entries().filter(|(key, _)| fields.iter().all(|field| field.name != *key.get_ref())) {
        let known: Vec<_> = fields.iter().map(|field| &field.name).collect();
        let message = format!("the program has no output `{}`", key.get_ref());
        problems
            .push(Problem::new(key.span(), message, "unknown output").hint(suggest(key.get_ref(), &known)));
    }
    let (mut weighted, mut pass, mut weights) = (Vec::new(), 0.0, 0.0);
    for field in &fields {
        let options = own.table(&field.name);
        let weight = options.number("weight").unwrap_or(1.0);
        let from = if options.text("kind").is_some() { options } else { table };
        let kind = from.text("kind").unwrap_or("exact");
        // An unknown name is reported already.
        let Some(measure) = ALL.iter().find(|measure| measure.name() == kind) else { continue };
        if weight <= 0.0 {
            continue;
        }
        if !measure.judges(bare(&field.ty)) {
            problems.push(unfit(*measure, field, from));
            continue;
        }
        match measure.build(from) {
            Ok(judge) => weighted.push(Weighted { output: field.name.clone(), weight, judge }),
            Err(problem) if problems.contains(&problem) => {}
            Err(problem) => problems.push(problem),
        }
        pass += weight * measure.pass();
        weights += weight;
    }
    if weights <= 0.0 && problems.is_empty() {
        let span = table.span("outputs").unwrap_or_default();
        problems.push(Problem::new(span, "every output has weight 0: nothing is judged", "all 0"));
    }
    (weighted, if weights > 0.0 { (pass / weights).min(1.0) } else { 1.0 })
}

fn unfit(measure: &dyn Measure, field: &Field, from: Reader<'_>) -> Problem {
    let ty = bare(&field.ty);
    let fitting: Vec<_> = ALL.iter().filter(|other| other.judges(ty)).map(|other| other.name()).collect();
    let message = format!("`{}` cannot judge `{}`, which is {}", measure.name(), field.name, ty.phrase());
    Problem::new(from.span("kind").unwrap_or_default(), message, "does not fit").hint(format!(
        "{} can; set it with outputs.{} = {{ kind = \"{}\" }}",
        fitting.join(", "),
        field.name,
        fitting[0]
    ))
}

/// The type without `optional`.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => bare(inner),
        other => other,
    }
}
