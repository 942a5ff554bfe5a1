//! What a task file may hold, as data: one table of keys per section. The checker, the JSON schema and the docs read
//! the same tables, so they cannot disagree.
//!
//! **Invariant:** after [`check_table`] found no problem, every value that a [`super::TableReader`] finds has the right shape.
//! Rules across sections (wiring, types of demonstrations) are checked by the readers of the sections.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    nearest::{nearest, suggest},
    problem::Problem,
};

/// A table with named keys.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name in the schema.
    pub(crate) name: &'static str,
    /// What it is for, for the schema and the docs.
    pub(crate) about: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
    /// Additional keys that depend on the value of one key.
    pub(crate) variants: Option<Variants>,
}

/// Additional keys that depend on the value of one key.
#[derive(Debug)]
pub(crate) struct Variants {
    /// The key that decides.
    pub(crate) by: &'static str,
    /// Its value if it is absent.
    pub(crate) default: &'static str,
    /// The additional keys for each of its values.
    pub(crate) all: fn() -> Vec<(&'static str, Vec<&'static Key>)>,
}

/// One key of a section.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// The values that it takes.
    pub(crate) shape: Shape,
    /// Whether it must be present.
    pub(crate) required: bool,
    /// What it means, for the schema and the docs.
    pub(crate) about: &'static str,
}

/// The values that a key takes.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// A whole number within bounds, both included.
    Integer(i64, i64),
    /// A number within bounds, both included.
    Number(f64, f64),
    /// True or false.
    Boolean,
    /// A known name; the text says what it names ("metric").
    Name(&'static str, fn() -> Vec<&'static str>),
    /// A list of known names.
    Names(&'static str, fn() -> Vec<&'static str>),
    /// A table with named keys.
    Table(&'static Section),
    /// Any number of such tables: `[[module]]`.
    Tables(&'static Section),
    /// A table with keys of the user's choice; all values have one shape.
    Map(&'static Shape),
    /// A short form (text or name) or a table in full.
    Either(&'static Shape, &'static Section),
    /// A table with any keys and values.
    Free,
    /// Any number of such tables: `[[demos]]`.
    Frees,
    /// No value: a key that users may expect but that is not supported. The text says what to write instead.
    Refused(&'static str),
}

impl Key {
    /// A key that may be absent.
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, required: false, about }
    }

    /// A key that must be there.
    pub(crate) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, required: true, about }
    }
}

impl Section {
    /// The keys of a table, and whether each is required: the common keys and those of its variant. Where the variant is
    /// unknown, the keys of all variants, none of them required, so that one mistake is not reported twice.
    fn keys_for(&self, table: &DeTable<'_>) -> Vec<(&'static Key, bool)> {
        let mut keys: Vec<_> = self.keys.iter().map(|key| (key, key.required)).collect();
        let Some(variants) = &self.variants else { return keys };
        let written = table.get(variants.by).and_then(|value| value.get_ref().as_str());
        let kind = written.unwrap_or(variants.default);
        let all = (variants.all)();
        let known = all.iter().any(|(name, _)| *name == kind);
        let further = all.into_iter().filter(|(name, _)| !known || *name == kind).flat_map(|(_, keys)| keys);
        keys.extend(further.map(|key| (key, known && key.required)));
        keys
    }

    /// A hint that names the variants with a key: "`choices` goes with type = \"choice\"".
    fn takers(&self, key: &str) -> Option<String> {
        let variants = self.variants.as_ref()?;
        let takers =
            (variants.all)().into_iter().filter(|(_, keys)| keys.iter().any(|taken| taken.name == key));
        let takers: Vec<_> = takers.map(|(name, _)| format!("\"{name}\"")).collect();
        (!takers.is_empty()).then(|| format!("`{key}` goes with {} = {}", variants.by, takers.join(" or ")))
    }
}

impl Shape {
    /// Any finite number.
    pub(crate) const ANY_NUMBER: Self = Self::Number(f64::NEG_INFINITY, f64::INFINITY);

    /// The shape in words.
    pub(crate) fn phrase(&self) -> String {
        match self {
            Self::Text => "a text in quotes".into(),
            Self::Texts => "a list of texts".into(),
            Self::Integer(0, i64::MAX) => "a whole number, not negative".into(),
            Self::Integer(1, i64::MAX) => "a whole number, at least 1".into(),
            Self::Integer(low, high) if low == high => format!("{low}"),
            Self::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Self::Number(low, high) if high.is_finite() && low.is_finite() => {
                format!("a number from {low} to {high}")
            }
            Self::Number(low, _) if low.is_finite() => format!("a number, at least {low}"),
            Self::Number(..) => "a number".into(),
            Self::Boolean => "true or false".into(),
            Self::Name(what, _) => format!("the name of a {what}"),
            Self::Names(what, _) => format!("a list of names, each of a {what}"),
            Self::Table(_) | Self::Map(_) | Self::Free => "a table".into(),
            Self::Tables(_) | Self::Frees => "a list of tables".into(),
            Self::Either(short, _) => format!("{} or a table", short.phrase()),
            Self::Refused(_) => "absent".into(),
        }
    }
}

/// Checks a table against its section. `place` is its path in the file, empty for the file itself; `span` is where a missing
/// key is reported.
pub(crate) fn check_table(
    section: &'static Section,
    table: &DeTable<'_>,
    place: &str,
    span: Range<usize>,
    problems: &mut Vec<Problem>,
) {
    let keys = section.keys_for(table);
    let taken = keys.iter().filter(|(key, _)| !matches!(key.shape, Shape::Refused(_)));
    let names: Vec<_> = taken.map(|(key, _)| key.name).collect();
    let mut meant = Vec::new();
    for (key, value) in table {
        let path = join(place, key.get_ref());
        match keys.iter().find(|(known, _)| known.name == key.get_ref().as_ref()) {
            Some((known, _)) => check(&known.shape, value, &path, problems),
            None => {
                meant.extend(nearest(key.get_ref(), names.iter().copied()));
                problems.push(unknown(section, key, place, &names));
            }
        }
    }
    // A required key with a typing mistake is reported as unknown, so it is not reported as missing too.
    let absent = |key: &Key| !table.contains_key(key.name) && !meant.contains(&key.name);
    for (key, _) in keys.iter().filter(|(key, required)| *required && absent(key)) {
        let place = if place.is_empty() { "the task file".into() } else { format!("`{place}`") };
        let problem = Problem::new(span.clone(), format!("{place} needs `{}`", key.name), "missing here");
        problems.push(problem.hint(format!("{} = {}: {}", key.name, example(&key.shape), key.about)));
    }
}

/// Checks one value against its shape.
fn check(shape: &'static Shape, value: &Spanned<DeValue<'_>>, path: &str, problems: &mut Vec<Problem>) {
    let span = value.span();
    let inner = value.get_ref();
    match (shape, inner) {
        (Shape::Text, DeValue::String(_)) | (Shape::Boolean, DeValue::Boolean(_)) => {}
        (Shape::Integer(low, high), DeValue::Integer(_)) => match integer(inner) {
            Some(number) if (*low..=*high).contains(&number) => {}
            _ => problems.push(misfit(shape, value, path)),
        },
        (Shape::Number(low, high), DeValue::Integer(_) | DeValue::Float(_)) => match number(inner) {
            Some(number) if (*low..=*high).contains(&number) => {}
            _ => problems.push(misfit(shape, value, path)),
        },
        (Shape::Name(what, known), DeValue::String(name)) => {
            check_name(what, &known(), name, span, problems);
        }
        (Shape::Texts, DeValue::Array(items)) => {
            items.iter().for_each(|item| check(&Shape::Text, item, path, problems));
        }
        (Shape::Names(what, known), DeValue::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                match item.get_ref().as_str() {
                    Some(name)
                        if items[..i].iter().any(|earlier| earlier.get_ref().as_str() == Some(name)) =>
                    {
                        let problem = Problem::new(item.span(), format!("`{name}` is listed twice"), "again");
                        problems.push(problem.hint("remove one of them"));
                    }
                    Some(name) => check_name(what, &known(), name, item.span(), problems),
                    None => problems.push(misfit(&Shape::Text, item, path)),
                }
            }
        }
        (Shape::Table(section) | Shape::Either(_, section), DeValue::Table(table)) => {
            check_table(section, table, path, span, problems);
        }
        (Shape::Either(short, _), _) => match inner {
            DeValue::String(_) => check(short, value, path, problems),
            _ => problems.push(misfit(shape, value, path)),
        },
        (Shape::Tables(section), DeValue::Array(items)) => {
            for item in items {
                match item.get_ref() {
                    DeValue::Table(table) => check_table(section, table, path, item.span(), problems),
                    _ => problems.push(misfit(&Shape::Free, item, path)),
                }
            }
        }
        (Shape::Map(shape), DeValue::Table(table)) => {
            table.iter().for_each(|(key, value)| check(shape, value, &join(path, key.get_ref()), problems));
        }
        (Shape::Free, DeValue::Table(_)) => {}
        (Shape::Refused(instead), _) => {
            let problem = Problem::new(span, format!("`{path}` is not supported"), "not supported");
            problems.push(problem.hint(*instead));
        }
        (Shape::Frees, DeValue::Array(items)) => {
            items.iter().for_each(|item| check(&Shape::Free, item, path, problems));
        }
        _ => problems.push(misfit(shape, value, path)),
    }
}

/// The value of a whole number that fits 64 bits.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The value of a finite number, whole or not.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value.as_float() {
        Some(float) => float.as_str().parse().ok()?,
        #[expect(clippy::cast_precision_loss, reason = "task files hold small numbers")]
        None => integer(value)? as f64,
    };
    f64::is_finite(number).then_some(number)
}

fn check_name(
    what: &str,
    known: &[&'static str],
    name: &str,
    span: Range<usize>,
    problems: &mut Vec<Problem>,
) {
    if !known.contains(&name) {
        let problem = Problem::new(span, format!("there is no {what} `{name}`"), format!("unknown {what}"));
        problems.push(problem.hint(suggest(name, known)));
    }
}

fn misfit(shape: &Shape, value: &Spanned<DeValue<'_>>, path: &str) -> Problem {
    let found = noun(value.get_ref());
    let shown = match value.get_ref() {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => found.to_owned(),
    };
    let message = format!("`{path}` is {shown}, but must be {}", shape.phrase());
    Problem::new(value.span(), message, format!("this is {found}"))
        .hint(format!("such as {}", example(shape)))
}

fn unknown(section: &Section, key: &Spanned<Cow<'_, str>>, place: &str, names: &[&str]) -> Problem {
    let place = if place.is_empty() { "the task file".into() } else { format!("`{place}`") };
    let message = format!("{place} has no key `{}`", key.get_ref());
    let hint = section.takers(key.get_ref()).unwrap_or_else(|| suggest(key.get_ref(), names));
    Problem::new(key.span(), message, "unknown key").hint(hint)
}

/// What a TOML value is, as a noun.
pub(crate) fn noun(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A round number between two: near the geometric mean if both are above 0, else near the middle.
fn between(low: f64, high: f64) -> String {
    let middle = if low > 0.0 { (low * high).sqrt() } else { (low + high) / 2.0 };
    let round = format!("{middle:.0e}").parse().ok().filter(|round| (low..=high).contains(round));
    round.unwrap_or(middle).to_string()
}

fn example(shape: &Shape) -> String {
    match shape {
        Shape::Text => "\"...\"".into(),
        Shape::Texts => "[\"...\", \"...\"]".into(),
        Shape::Integer(low, _) => low.max(&1).to_string(),
        Shape::Number(low, high) if low.is_finite() && high.is_finite() => between(*low, *high),
        Shape::Number(..) => "0.5".into(),
        Shape::Boolean => "true".into(),
        Shape::Name(_, known) => format!("{:?}", known().first().copied().unwrap_or("...")),
        Shape::Names(_, known) => format!("{:?}", known().iter().take(2).collect::<Vec<_>>()),
        Shape::Table(_) | Shape::Map(_) | Shape::Free => "{ ... }".into(),
        Shape::Tables(_) | Shape::Frees => "[{ ... }]".into(),
        Shape::Either(short, _) => example(short),
        Shape::Refused(_) => "...".into(),
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}
