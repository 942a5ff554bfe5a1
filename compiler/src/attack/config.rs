//! `[[attack]]` of a task file: families of the user's.

use std::path::Path;

use proofmark_runtime::Program;

use super::{
    names,
    own::{Own, OwnProgram, Rules},
    plan::words_of,
    protect::{Protected, meaning},
    rewrite,
    templates::{Mistake, Templates},
};
use crate::{
    command::{Command, OPTIONS},
    data::NATURAL,
    gate::sealed::CLEAN,
    task::{self, Key, Problem, Reader, Section, Shape, Variants},
};

/// `[[attack]]`
pub(crate) static ATTACK: Section = Section {
    name: "attack",
    about: "A perturbation family of your own, used beside those of [gate] families.",
    keys: &[
        Key::required("name", Shape::Text, "its name in reports"),
        Key::new("kind", Shape::Name("kind of family", kinds), "\"rules\" if left out"),
    ],
    variants: Some(Variants { by: "kind", default: "rules", all: by_kind }),
};

static REPLACE: Key = Key::required(
    "replace",
    Shape::Map(&Shape::Text),
    "what is found, as whole words = what is put there; the right answer must stay",
);

static FILE: Key = Key::required(
    "file",
    Shape::Text,
    "JSON lines, one template each: `text` with holes such as {n}, `draw`, `answer` and, if need be, `where`",
);

/// Mistakes of one file of templates that are told; of the others it is said how many there are.
const TOLD: usize = 20;

fn by_kind() -> Vec<(&'static str, Vec<&'static Key>)> {
    vec![("rules", vec![&REPLACE]), ("command", OPTIONS.iter().collect()), ("templates", vec![&FILE])]
}

fn kinds() -> Vec<&'static str> {
    by_kind().into_iter().map(|(kind, _)| kind).collect()
}

/// Reads all `[[attack]]`; those with something wrong (reported) are left out.
pub(crate) fn read(
    root: Reader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Own> {
    let protected = program.map(words_of).unwrap_or_default();
    let mut families: Vec<Own> = vec![];
    for item in root.items("attack") {
        let table = Reader::of(item);
        let Some((name, span)) = table.text("name").zip(table.span("name")) else { continue };
        let known = names().contains(&name)
            || rewrite::find(name).is_some()
            || families.iter().any(|other| other.name() == name);
        let taken = match name {
            CLEAN => Some(format!("`{CLEAN}` is what rows are called that nobody perturbed")),
            NATURAL => {
                Some(format!("`{NATURAL}` is what rows of yours are called that are hard as they are"))
            }
            _ => known.then(|| format!("there is a family `{name}` already")),
        };
        if let Some(taken) = taken {
            problems.push(Problem::new(span, taken, "taken").hint("give your family another name"));
            continue;
        }
        if name.trim().is_empty() || name.contains(['#', '=']) {
            let message = "the name of a family cannot be empty nor contain `#` or `=`";
            problems.push(Problem::new(span, message, "not a name"));
            continue;
        }
        families.extend(match table.text("kind") {
            Some("command") => {
                let role = format!("family `{name}`, the command");
                Command::read(&role, table, folder, problems)
                    .map(|command| Own::Program(Box::new(OwnProgram::new(name, command))))
            }
            Some("templates") => templates((name, table), program, folder, problems).map(Own::Templates),
            _ => rules((name, table), &protected, problems).map(Own::Rules),
        });
    }
    families
}

/// The templates of a file; nothing without a program, whose outputs they work out.
fn templates(
    (name, table): (&str, Reader<'_>),
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Templates> {
    let path = task::path(table, "file", folder, problems)?;
    let (file, span) = (table.text("file")?, table.span("file")?);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new(span, format!("cannot read `{file}`: {error}"), "not readable"));
            return None;
        }
    };
    let mistakes = match Templates::read((name, file), &text, program?.output_fields()) {
        Ok(templates) => return Some(templates),
        Err(mistakes) => mistakes,
    };
    let told = mistakes.iter().take(TOLD).map(|Mistake { line, message, hint }| {
        Problem::within(span.clone(), format!("{file}:{line}: {message}")).hint(hint)
    });
    problems.extend(told);
    if let Some(more) = mistakes.len().checked_sub(TOLD).filter(|more| *more > 0) {
        problems.push(Problem::within(span.clone(), format!("{file}: and {more} more mistakes")));
    }
    None
}

fn rules(
    (name, table): (&str, Reader<'_>),
    protected: &Protected,
    problems: &mut Vec<Problem>,
) -> Option<Rules> {
    let before = problems.len();
    let entries = table.table("replace").entries();
    let entries: Vec<_> =
        entries.filter_map(|(find, put)| Some((find, put.get_ref().as_str()?.trim(), put.span()))).collect();
    let rules: Vec<_> =
        entries.iter().map(|(find, put, _)| (find.get_ref().trim().to_owned(), (*put).to_owned())).collect();
    if let Some(span) = table.span("replace").filter(|_| rules.is_empty()) {
        let problem = Problem::new(span, "`replace` is empty, so this family changes nothing", "no rule");
        problems.push(problem.hint("such as replace = { car = \"automobile\" }"));
    }
    let all = Rules::new(name, rules.clone());
    for (i, ((find, put), (key, _, span))) in rules.iter().zip(&entries).enumerate() {
        let again = rules[..i].iter().any(|(earlier, _)| earlier.to_lowercase() == find.to_lowercase());
        let problem = if find.is_empty() || put.is_empty() {
            Some((key.span(), "a rule finds and puts in at least one word".to_owned()))
        } else if again {
            Some((key.span(), format!("`{find}` is found by an earlier rule")))
        } else if protected.mentions(find) || protected.mentions(put) {
            let word = if protected.mentions(find) { find } else { put };
            Some((span.clone(), format!("`{word}` holds a word of the task's labels or fields")))
        } else if meaning(find) != meaning(put) {
            Some((span.clone(), format!("`{put}` for `{find}` changes a number or a negation")))
        } else if super::Normalizer::normal(&all, put) != put.to_lowercase() {
            Some((span.clone(), format!("`{put}` is itself found by a rule")))
        } else {
            None
        };
        problems.extend(problem.map(|(span, message)| {
            Problem::new(span, message, "the right answer may change").hint(
                "rules put one way of saying something for another; leave out what the right answer may hang on",
            )
        }));
    }
    (problems.len() == before && !rules.is_empty()).then_some(all)
}
