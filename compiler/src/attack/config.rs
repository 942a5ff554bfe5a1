//! `[[attack]]` of a task file: the user's own families.

use std::{ops::Range, path::Path};

use proofmark_runtime::Program;

use super::{
    NATURAL, Normalizer, names,
    own::{Own, OwnProgram, Rule, Rules},
    plan::words_of,
    protect::{Protected, meaning},
    rewrite,
    templates::{Mistake, Templates},
};
use crate::{
    command::{Command, OPTIONS},
    config::{Key, Problem, Section, Shape, TableReader, Variants, existing_file},
    gate::sealed::CLEAN,
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
    "whole words = their replacement; the right answer must stay the same",
);

static FILE: Key = Key::required(
    "file",
    Shape::Text,
    "JSON lines with one template each: `text` with holes such as {n}, `draw`, `answer` and optionally `where`",
);

/// The number of mistakes of one template file that are reported one by one.
const LISTED: usize = 20;

fn by_kind() -> Vec<(&'static str, Vec<&'static Key>)> {
    vec![("rules", vec![&REPLACE]), ("command", OPTIONS.iter().collect()), ("templates", vec![&FILE])]
}

fn kinds() -> Vec<&'static str> {
    by_kind().into_iter().map(|(kind, _)| kind).collect()
}

/// Reads all `[[attack]]`; skips those with a mistake (reported).
pub(crate) fn read(
    root: TableReader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Own> {
    let protected = program.map(words_of).unwrap_or_default();
    let mut families: Vec<Own> = vec![];
    for item in root.items("attack") {
        let table = TableReader::of(item);
        let Some((name, span)) = table.text("name").zip(table.span("name")) else { continue };
        if let Some(problem) = name_problem(name, span, &families) {
            problems.push(problem);
            continue;
        }
        families.extend(match table.text("kind") {
            Some("command") => {
                let role = format!("family `{name}`, the command");
                Command::read(&role, table, folder, problems)
                    .map(|command| Own::Program(Box::new(OwnProgram::new(name, command))))
            }
            Some("templates") => templates(name, table, program, folder, problems).map(Own::Templates),
            _ => rules(name, table, &protected, problems).map(Own::Rules),
        });
    }
    families
}

/// The problem of a name that is in use or that cannot be a name.
fn name_problem(name: &str, span: Range<usize>, families: &[Own]) -> Option<Problem> {
    let is_known = names().contains(&name)
        || rewrite::find(name).is_some()
        || families.iter().any(|other| other.name() == name);
    let taken = match name {
        CLEAN => format!("`{CLEAN}` is the name of the unperturbed rows"),
        NATURAL => format!("`{NATURAL}` is the name of your adversarial rows"),
        _ if is_known => format!("there is already a family `{name}`"),
        _ if name.trim().is_empty() || name.contains(['#', '=']) => {
            let message = "the name of a family must not be empty or contain `#` or `=`";
            return Some(Problem::new(span, message, "not a name").hint("such as name = \"slang\""));
        }
        _ => return None,
    };
    Some(Problem::new(span, taken, "taken").hint("give your family another name"))
}

/// Reads the templates of a file; none without a program, because templates compute its outputs.
fn templates(
    name: &str,
    table: TableReader<'_>,
    program: Option<&Program>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Templates> {
    let path = existing_file(table, "file", folder, problems)?;
    let file = table.text("file")?;
    let span = table.span("file")?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new(span, format!("cannot read `{file}`: {error}"), "not readable"));
            return None;
        }
    };
    let mistakes = match Templates::read(name, file, &text, program?.output_fields()) {
        Ok(templates) => return Some(templates),
        Err(mistakes) => mistakes,
    };
    for Mistake { line, message, hint } in mistakes.iter().take(LISTED) {
        problems.push(Problem::within(span.clone(), format!("{file}:{line}: {message}")).hint(hint));
    }
    if mistakes.len() > LISTED {
        let more = mistakes.len() - LISTED;
        problems.push(Problem::within(span, format!("{file}: and {more} more mistakes")));
    }
    None
}

/// Reads find/replace rules.
fn rules(
    name: &str,
    table: TableReader<'_>,
    protected: &Protected,
    problems: &mut Vec<Problem>,
) -> Option<Rules> {
    let before = problems.len();
    let mut rules: Vec<Rule> = vec![];
    let mut places = vec![];
    for (find, put) in table.table("replace").entries() {
        let Some(text) = put.get_ref().as_str() else { continue };
        rules.push(Rule { find: find.get_ref().trim().to_owned(), put: text.trim().to_owned() });
        places.push((find.span(), put.span()));
    }
    if let Some(span) = table.span("replace").filter(|_| rules.is_empty()) {
        let problem = Problem::new(span, "`replace` is empty, so this family changes nothing", "no rule");
        problems.push(problem.hint("such as replace = { car = \"automobile\" }"));
    }
    let all = Rules::new(name, rules.clone());
    for (i, (rule, (find_span, put_span))) in rules.iter().zip(places).enumerate() {
        let is_repeated =
            rules[..i].iter().any(|earlier| earlier.find.to_lowercase() == rule.find.to_lowercase());
        let (span, message) = if rule.find.is_empty() || rule.put.is_empty() {
            (find_span, "a rule needs at least one word on each side".to_owned())
        } else if is_repeated {
            (find_span, format!("an earlier rule finds `{}` too", rule.find))
        } else if let Some(message) = rule_problem(rule, &all, protected) {
            (put_span, message)
        } else {
            continue;
        };
        problems.push(Problem::new(span, message, "the right answer may change").hint(
            "rules replace one wording by another with the same meaning; remove what may change the right answer",
        ));
    }
    (problems.len() == before && !rules.is_empty()).then_some(all)
}

/// Why a rule may change the right answer, or change a text twice.
fn rule_problem(rule: &Rule, all: &Rules, protected: &Protected) -> Option<String> {
    let Rule { find, put } = rule;
    if protected.mentions(find) || protected.mentions(put) {
        let word = if protected.mentions(find) { find } else { put };
        Some(format!("`{word}` contains a word of the task's labels or fields"))
    } else if meaning(find) != meaning(put) {
        Some(format!("`{put}` for `{find}` changes a number or a negation"))
    } else if Normalizer::normal(all, put) != put.to_lowercase() {
        Some(format!("a rule finds `{put}` itself"))
    } else {
        None
    }
}
