//! Fields of a signature in a task file: `message = "text"` as short form, or a table with `type`, `about` and limits.

use std::ops::Range;

use proofmark_runtime::{Constraints, Field, Type};
use toml::{Spanned, de::DeValue};

use crate::config::{Key, Problem, Section, Shape, TableReader, Variants};

/// A field: the name of a type, or a table.
pub(crate) static FIELD: Shape = Shape::Either(&TYPE_NAME, &FIELD_TABLE);

static TYPE_NAME: Shape = Shape::Name("type", types);

static FIELD_TABLE: Section = Section {
    name: "field",
    about: "A typed field.",
    keys: &[
        Key::required("type", Shape::Name("type", types), "the type of its values"),
        Key::new("about", Shape::Text, "what it means; part of the prompt"),
        Key::new("optional", Shape::Boolean, "whether it may be left out"),
    ],
    variants: Some(Variants { by: "type", default: "text", all: by_type }),
};

static LENGTH: Key =
    Key::new("max_length", Shape::Integer(1, i64::MAX), "most characters of a text, or items of a list");
static MIN: Key = Key::new("min", Shape::ANY_NUMBER, "smallest number allowed");
static MAX: Key = Key::new("max", Shape::ANY_NUMBER, "largest number allowed");
static CHOICES: Key = Key::required("choices", Shape::Texts, "the texts to choose from");
static ITEMS: Key =
    Key::new("items", Shape::Either(&TYPE_NAME, &FIELD_TABLE), "the type of each item; text if left out");
static INNER: Key = Key::required("fields", Shape::Map(&FIELD), "the fields of the record");

fn by_type() -> Vec<(&'static str, Vec<&'static Key>)> {
    vec![
        ("text", vec![&LENGTH]),
        ("integer", vec![&MIN, &MAX]),
        ("number", vec![&MIN, &MAX]),
        ("boolean", vec![]),
        ("choice", vec![&CHOICES]),
        ("list", vec![&ITEMS, &LENGTH]),
        ("record", vec![&INNER]),
    ]
}

fn types() -> Vec<&'static str> {
    by_type().into_iter().map(|(name, _)| name).collect()
}

/// Reads named fields, in the order of the file.
pub(crate) fn read(table: TableReader<'_>, problems: &mut Vec<Problem>) -> Vec<Field> {
    let mut fields = Vec::new();
    for (key, value) in table.entries() {
        if !is_identifier(key.get_ref()) {
            let problem = Problem::new(
                key.span(),
                format!("`{}` cannot be the name of a field", key.get_ref()),
                "name",
            );
            problems.push(problem.hint("letters, digits and `_`, not starting with a digit"));
        }
        fields.extend(field(key.get_ref(), value, problems));
    }
    fields
}

/// Reads one field; none if it has no type (reported already).
pub(crate) fn field(name: &str, value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Field> {
    let table = TableReader::of(value);
    let written = value.get_ref().as_str().or_else(|| table.text("type"))?;
    let mut ty = match written {
        "text" => Type::Text,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "choice" => Type::Choice(choices(name, table, value.span(), problems)),
        "list" => Type::List(Box::new(match table.get("items") {
            Some(items) => field(name, items, problems)?.ty,
            None => Type::Text,
        })),
        "record" => {
            let fields = read(table.table("fields"), problems);
            if fields.is_empty() && (!table.is_present() || table.table("fields").is_present()) {
                let problem = Problem::new(value.span(), format!("record `{name}` has no fields"), "record");
                problems.push(problem.hint("fields = { city = \"text\", ... }"));
            }
            Type::Record(fields)
        }
        // Reported already. It is taken as text, so that other uses of the field are still checked.
        _ => Type::Text,
    };
    if table.boolean("optional") == Some(true) {
        ty = Type::Optional(Box::new(ty));
    }
    let constraints = Constraints {
        min: table.number("min"),
        max: table.number("max"),
        max_length: table.whole("max_length"),
    };
    if let (Some(min), Some(max), Some(span)) = (constraints.min, constraints.max, table.span("max"))
        && min > max
    {
        problems.push(Problem::new(span, format!("`{name}` has max {max} below min {min}"), "too small"));
    }
    let about = table.string("about").unwrap_or_default();
    Some(Field { name: name.to_owned(), ty, about, constraints })
}

/// The choices of a field. An absent list in a table is reported elsewhere, as a missing key.
fn choices(
    name: &str,
    table: TableReader<'_>,
    span: Range<usize>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let choices = table.texts("choices");
    let is_empty_list = table.get("choices").is_some() && table.items("choices").is_empty();
    if choices.is_empty() && (is_empty_list || !table.is_present()) {
        let problem = Problem::new(span, format!("choice `{name}` has no choices"), "choice");
        problems.push(problem.hint("{ type = \"choice\", choices = [\"...\", \"...\"] }"));
    }
    if let [only] = choices.as_slice() {
        let message = format!("choice `{name}` has only one choice");
        problems.push(
            Problem::new(only.span(), message, "the only one")
                .hint("list all answers that are possible, at least two"),
        );
    }
    let plain = |text: &str| text.trim().to_lowercase();
    for (i, choice) in choices.iter().enumerate() {
        let text = choice.get_ref();
        if text.trim().is_empty() {
            problems.push(Problem::new(choice.span(), format!("`{name}` has an empty choice"), "empty"));
        } else if let Some(earlier) =
            choices[..i].iter().find(|earlier| plain(earlier.get_ref()) == plain(text))
        {
            let message = if earlier.get_ref() == text {
                format!("`{name}` has the choice \"{text}\" twice")
            } else {
                format!("\"{text}\" differs only in case or spaces from another choice of `{name}`")
            };
            problems.push(Problem::new(choice.span(), message, "again"));
        }
    }
    table.strings("choices")
}

/// Whether a name can be used in prompts, templates and code.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
