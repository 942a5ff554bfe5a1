//! Coercion: from text or JSON to the type of a field.
//!
//! **Invariant:** the results of [`field_from_text`] and [`record_from_json`] pass [`Field::check`], and every step beyond
//! the type's own notation leaves a [`Repair`].

use serde_json::Value as Json;

use super::{
    Action, Repair, choice, json,
    number::{self, truth},
};
use crate::{
    signature::{Field, Misfit, Type},
    value::{Record, Value},
};

/// 2^53: from here on a float cannot tell whole numbers from others.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Reads the text of one field. It may be absent only if the field is optional.
pub(crate) fn field_from_text(
    field: &Field,
    text: Option<&str>,
    repairs: &mut Vec<Repair>,
) -> Result<Value, Misfit> {
    let value = match text {
        Some(text) => from_text(text, &field.ty, &mut FieldPlace { path: field.name.clone(), repairs })?,
        None => Value::Null,
    };
    field.check(Some(&value))?;
    Ok(value)
}

/// Reads a JSON object as a record of these fields. Names are matched loosely where none fits exactly; other names are
/// dropped.
pub(crate) fn record_from_json(
    object: &serde_json::Map<String, Json>,
    fields: &[Field],
    place: &mut FieldPlace<'_>,
) -> Result<Record, Vec<Misfit>> {
    let mut record = Record::new();
    let mut misfits = Vec::new();
    let mut used = 0;
    for field in fields {
        let mut inner = place.inside(&field.name);
        let exact = object.get(&field.name);
        let found = exact.or_else(|| similar(object, &field.name, fields));
        if found.is_some() && exact.is_none() {
            inner.repair(Action::MatchedName);
        }
        used += usize::from(found.is_some());
        let value = found.map_or(Ok(Value::Null), |json| from_json(json, &field.ty, &mut inner));
        match value.and_then(|value| checked(field, value, &inner.path)) {
            Ok(value) => record.insert(field.name.clone(), value),
            Err(misfit) => misfits.push(misfit),
        }
    }
    if used < object.len() {
        place.repair(Action::DroppedField);
    }
    if misfits.is_empty() { Ok(record) } else { Err(misfits) }
}

/// The value of the only name that resembles this one and is no other field.
fn similar<'a>(object: &'a serde_json::Map<String, Json>, name: &str, fields: &[Field]) -> Option<&'a Json> {
    let mut similar = object.iter().filter(|(other, _)| is_similar(other, name) && !named(fields, other));
    let (_, json) = similar.next()?;
    similar.next().is_none().then_some(json)
}

/// The place of a value, and the repairs so far.
pub(crate) struct FieldPlace<'a> {
    pub(crate) path: String,
    pub(crate) repairs: &'a mut Vec<Repair>,
}

impl FieldPlace<'_> {
    fn inside(&mut self, name: &str) -> FieldPlace<'_> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        FieldPlace { path, repairs: self.repairs }
    }

    fn item(&mut self, place: usize) -> FieldPlace<'_> {
        FieldPlace { path: format!("{}[{place}]", self.path), repairs: self.repairs }
    }

    fn repair(&mut self, action: Action) {
        self.repairs.push(Repair::new(&self.path, action));
    }

    fn misfit(&self, ty: &Type, value: &Value) -> Misfit {
        match ty.check(value, &self.path) {
            Err(misfit) => misfit,
            Ok(()) => Misfit::Missing { field: self.path.clone() },
        }
    }
}

fn checked(field: &Field, value: Value, path: &str) -> Result<Value, Misfit> {
    let named = Field { name: path.to_owned(), ..field.clone() };
    named.check(Some(&value)).map(|()| value)
}

fn named(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

fn is_similar(a: &str, b: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    letters(a) == letters(b)
}

/// Reads JSON as a value of a type.
fn from_json(json: &Json, ty: &Type, place: &mut FieldPlace<'_>) -> Result<Value, Misfit> {
    match (ty, json) {
        (Type::Optional(_), Json::Null) => Ok(Value::Null),
        (Type::Optional(inner), json) => from_json(json, inner, place).or_else(|misfit| match json {
            Json::String(text) if is_nothing(text) => {
                place.repair(Action::ReadNothing);
                Ok(Value::Null)
            }
            _ => Err(misfit),
        }),
        (_, Json::Null) => Err(Misfit::Missing { field: place.path.clone() }),
        (Type::Text, Json::String(text)) => Ok(Value::Text(text.clone())),
        (Type::Text, other) => {
            place.repair(Action::MadeText);
            Ok(Value::Text(other.to_string()))
        }
        (Type::List(inner), Json::Array(items)) => list_from_json(items, inner, place),
        (Type::List(inner), scalar @ (Json::Bool(_) | Json::Number(_) | Json::Object(_))) => {
            place.repair(Action::MadeList);
            Ok(Value::List(vec![from_json(scalar, inner, &mut place.item(0))?]))
        }
        (Type::Record(fields), Json::Object(object)) => record_from_json(object, fields, place)
            .map(Value::Record)
            .map_err(|mut misfits| misfits.swap_remove(0)),
        (_, Json::Array(items)) if items.len() == 1 => {
            place.repair(Action::Unwrapped);
            from_json(&items[0], ty, place)
        }
        (_, Json::String(text)) => from_text(text, ty, place),
        (Type::Integer | Type::Number, Json::Number(_)) => number_of(Value::from(json), ty, place),
        (Type::Boolean, Json::Bool(value)) => Ok(Value::Boolean(*value)),
        (Type::Boolean | Type::Choice(_), Json::Number(_) | Json::Bool(_)) => {
            from_text(&json.to_string(), ty, place)
        }
        _ => Err(place.misfit(ty, &Value::from(json))),
    }
}

fn list_from_json(items: &[Json], inner: &Type, place: &mut FieldPlace<'_>) -> Result<Value, Misfit> {
    let items = items.iter().enumerate().map(|(i, item)| from_json(item, inner, &mut place.item(i)));
    Ok(Value::List(items.collect::<Result<_, _>>()?))
}

/// Reads a text as a value of a type.
fn from_text(text: &str, ty: &Type, place: &mut FieldPlace<'_>) -> Result<Value, Misfit> {
    let misfit = |place: &FieldPlace<'_>| place.misfit(ty, &text.trim().into());
    match ty {
        Type::Text => Ok(Value::Text(text.to_owned())),
        Type::Choice(choices) => match choice::find(text, choices) {
            Some(found) => {
                if found != text {
                    place.repair(Action::MatchedChoice);
                }
                Ok(Value::Text(found.to_owned()))
            }
            None => Err(misfit(place)),
        },
        Type::Boolean => match truth(text) {
            Some(value) => {
                if text != "true" && text != "false" {
                    place.repair(Action::ReadValue);
                }
                Ok(Value::Boolean(value))
            }
            None => Err(misfit(place)),
        },
        Type::Integer | Type::Number => match number::find(text) {
            Some(value) => {
                if number::exact(text).is_none() {
                    place.repair(Action::ReadValue);
                }
                number_of(value, ty, place)
            }
            None => Err(misfit(place)),
        },
        Type::Optional(_) if text == "null" => Ok(Value::Null),
        Type::Optional(_) if is_nothing(text) => {
            place.repair(Action::ReadNothing);
            Ok(Value::Null)
        }
        Type::Optional(inner) => from_text(text, inner, place),
        Type::List(_) if text.trim().is_empty() => Err(Misfit::Missing { field: place.path.clone() }),
        Type::List(inner) => match json::find_array(text, place) {
            Some(items) => list_from_json(&items, inner, place),
            None => list_from_text(text, inner, place),
        },
        Type::Record(fields) => match json::read_object(text, fields) {
            Ok(reading) => {
                let path = &place.path;
                let repairs = reading.repairs.into_iter().map(|repair| repair.within(path));
                place.repairs.extend(repairs);
                Ok(Value::Record(reading.outputs))
            }
            Err(error) => Err(error.first_misfit(&place.path).unwrap_or_else(|| misfit(place))),
        },
    }
}

/// Reads lines, bullets or, for items that are not text, commas as a list.
fn list_from_text(text: &str, inner: &Type, place: &mut FieldPlace<'_>) -> Result<Value, Misfit> {
    place.repair(Action::MadeList);
    let lines: Vec<_> = text.lines().map(without_bullet).filter(|line| !line.is_empty()).collect();
    let parts = match lines.as_slice() {
        [line] if !matches!(inner, Type::Text) => line.split(',').map(str::trim).collect(),
        _ => lines,
    };
    let items = parts.iter().enumerate().map(|(i, part)| from_text(part, inner, &mut place.item(i)));
    Ok(Value::List(items.collect::<Result<_, _>>()?))
}

fn without_bullet(line: &str) -> &str {
    let line = line.trim();
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = after_number.len() < line.len() && after_number.starts_with(['.', ')']);
    let rest = if numbered { &after_number[1..] } else { line.trim_start_matches(['-', '*', '•']) };
    if rest.len() < line.len() && rest.starts_with(' ') { rest.trim_start() } else { line }
}

fn number_of(value: Value, ty: &Type, place: &mut FieldPlace<'_>) -> Result<Value, Misfit> {
    match (ty, value) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        (Type::Integer, Value::Number(number)) if number.fract() == 0.0 && number.abs() < WHOLE => {
            place.repair(Action::ReadValue);
            Ok(Value::Integer(number as i64))
        }
        (Type::Integer, value @ Value::Number(_)) => Err(place.misfit(ty, &value)),
        (_, value) => Ok(value),
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "" | "null" | "none" | "n/a" | "nothing")
}
