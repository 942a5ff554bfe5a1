//! `[metric]` of a task file.

use std::path::Path;

use proofmark_optimizers::Score;
use proofmark_runtime::{Field, Program, Type};

use super::{ALL, Judge, Measure, Metric, WeightedOutput, command};
use crate::{
    command::{Command, OPTIONS},
    config::{Key, Problem, Section, Shape, TableReader, Variants, suggest},
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

/// The key that names the measure.
pub(crate) const KIND: Key = Key::new("kind", Shape::Name("metric", kinds), "\"exact\" if left out");
/// The additional keys of each measure.
pub(crate) const KINDS: Variants = Variants { by: "kind", default: "exact", all: by_kind };

static OUTPUT: Section = Section {
    name: "metric_output",
    about: "How one output is scored.",
    keys: &[
        Key::new("kind", Shape::Name("metric", measures), "the kind of the whole metric if left out"),
        Key::new(
            "weight",
            Shape::Number(0.0, 1e6),
            "its weight in the mean; 1 if left out, 0 if it is not scored",
        ),
    ],
    variants: Some(Variants { by: "kind", default: "exact", all: by_measure }),
};

static OUTPUTS: Key =
    Key::new("outputs", Shape::Map(&OUTPUT_TABLE), "outputs with a kind or weight of their own");
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

/// Reads `[metric]` or a `[[guard]]` for a program; none if it has a mistake (reported). `role` names a program of the user's in
/// messages.
pub(crate) fn read(
    table: TableReader<'_>,
    role: &str,
    program: &Program,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Metric> {
    let before = problems.len();
    let default_pass;
    let judge = if table.text("kind") == Some(command::NAME) {
        default_pass = 1.0;
        Judge::Command(Command::read(role, table, folder, problems)?)
    } else {
        let outputs = outputs(table, program, problems);
        default_pass = outputs.pass;
        Judge::Outputs(outputs.weighted)
    };
    let pass = Score::new(table.number("pass").unwrap_or(default_pass)).ok()?;
    (problems.len() == before).then_some(Metric { judge, pass })
}

/// The scored outputs.
struct Outputs {
    weighted: Vec<WeightedOutput>,
    /// The weighted mean of their default passing scores.
    pass: f64,
}

/// Reads how every output is scored.
fn outputs(table: TableReader<'_>, program: &Program, problems: &mut Vec<Problem>) -> Outputs {
    let fields = program.output_fields();
    let own = table.table("outputs");
    for (key, _) in own.entries().filter(|(key, _)| fields.iter().all(|field| field.name != *key.get_ref())) {
        let known: Vec<_> = fields.iter().map(|field| &field.name).collect();
        let message = format!("the program has no output `{}`", key.get_ref());
        problems
            .push(Problem::new(key.span(), message, "unknown output").hint(suggest(key.get_ref(), &known)));
    }
    let mut weighted = Vec::new();
    let mut pass = 0.0;
    let mut weights = 0.0;
    for field in &fields {
        let options = own.table(&field.name);
        let weight = options.number("weight").unwrap_or(1.0);
        let from = if options.text("kind").is_some() { options } else { table };
        let kind = from.text("kind").unwrap_or("exact");
        // An unknown kind is reported already.
        let Some(measure) = ALL.iter().find(|measure| measure.name() == kind) else { continue };
        if weight <= 0.0 {
            continue;
        }
        if !measure.judges(bare(&field.ty)) {
            problems.push(unfit(*measure, field, from));
            continue;
        }
        match measure.build(from) {
            Ok(scorer) => weighted.push(WeightedOutput { output: field.name.clone(), weight, scorer }),
            Err(problem) if problems.contains(&problem) => {}
            Err(problem) => problems.push(problem),
        }
        pass += weight * measure.pass();
        weights += weight;
    }
    if weights <= 0.0 && problems.is_empty() {
        let span = table.span("outputs").unwrap_or_default();
        problems.push(Problem::new(span, "every output has weight 0, so nothing is scored", "all 0"));
    }
    let pass = if weights > 0.0 { (pass / weights).min(1.0) } else { 1.0 };
    Outputs { weighted, pass }
}

/// The problem of a measure that cannot score an output.
fn unfit(measure: &dyn Measure, field: &Field, from: TableReader<'_>) -> Problem {
    let ty = bare(&field.ty);
    let fitting: Vec<_> = ALL.iter().filter(|other| other.judges(ty)).map(|other| other.name()).collect();
    let message = format!("`{}` cannot score `{}`, which is {}", measure.name(), field.name, ty.phrase());
    Problem::new(from.span("kind").unwrap_or_default(), message, "does not fit").hint(format!(
        "use {}, such as outputs.{} = {{ kind = \"{}\" }}",
        fitting.join(" or "),
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
