//! A cell of a row as a value of a field.

use proofmark_runtime::{Field, Type, Value, signature::Misfit};
use serde_json::{Map, Value as Json};

use crate::config::suggest;

/// The typed value of a cell; null for an optional field without a value. Cells of CSV are text that is read as the type; an
/// empty one has no value.
pub(super) fn value(cell: Option<&Json>, field: &Field, typed: bool) -> Result<Value, String> {
    let value = match cell {
        Some(Json::String(text)) if !typed => untyped(text, &field.ty),
        other => other.map(Value::from),
    };
    let value = value.map(|value| whole(value, &field.ty));
    if let Some(column) = value.as_ref().and_then(|value| nul(value).then_some(&field.name)) {
        return Err(format!("`{column}` contains a NUL character"));
    }
    match field.check(value.as_ref()) {
        Ok(()) => Ok(value.unwrap_or(Value::Null)),
        Err(misfit) => Err(explain(&misfit, &field.ty, value.as_ref())),
    }
}

/// The trimmed text of a cell, numbers as written; none if it is absent or empty.
pub(super) fn text(cells: &Map<String, Json>, column: &str) -> Option<String> {
    let text = match cells.get(column)? {
        Json::Null => return None,
        Json::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// A boolean cell; false if it is absent or empty.
pub(super) fn flag(cell: Option<&Json>, column: &str) -> Result<bool, String> {
    match cell {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Bool(flag)) => Ok(*flag),
        Some(Json::Number(number)) if number.as_i64() == Some(0) => Ok(false),
        Some(Json::Number(number)) if number.as_i64() == Some(1) => Ok(true),
        Some(Json::String(text)) if text.trim().is_empty() => Ok(false),
        Some(Json::String(text)) => {
            boolean(text).ok_or_else(|| format!("`{column}` is {text:?}, neither true nor false"))
        }
        Some(other) => Err(format!("`{column}` is {other}, neither true nor false")),
    }
}

/// Reads the text of a CSV cell as a type. A text that cannot be read stays text, and the type check reports it.
fn untyped(text: &str, ty: &Type) -> Option<Value> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let read = match ty {
        Type::Optional(inner) => return untyped(text, inner),
        Type::Text => None,
        Type::Choice(choices) if choices.iter().any(|choice| choice == text) => None,
        Type::Choice(_) => Some(Value::from(trimmed)),
        Type::Integer => trimmed.parse().ok().map(Value::Integer),
        Type::Number => trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number),
        Type::Boolean => boolean(trimmed).map(Value::Boolean),
        Type::List(_) | Type::Record(_) => {
            serde_json::from_str::<Json>(trimmed).ok().map(|json| Value::from(&json))
        }
    };
    Some(read.unwrap_or_else(|| Value::from(text)))
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Turns 3.0 into 3 for integer fields, because some tools write only floats.
fn whole(value: Value, ty: &Type) -> Value {
    match (ty, value) {
        (Type::Optional(inner), value) => whole(value, inner),
        (Type::Integer, Value::Number(number))
            if number.fract().abs() < f64::EPSILON && number.abs() < 9e15 =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and within the range of exact doubles"
            )]
            Value::Integer(number as i64)
        }
        (_, value) => value,
    }
}

/// Whether a value contains a NUL character.
fn nul(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.contains('\0'),
        Value::List(items) => items.iter().any(nul),
        Value::Record(record) => record.iter().any(|(_, value)| nul(value)),
        _ => false,
    }
}

/// The message about a value that does not fit. For an unknown choice it names the most similar one instead of all.
fn explain(misfit: &Misfit, ty: &Type, value: Option<&Value>) -> String {
    let choices = match ty {
        Type::Choice(choices) => choices,
        Type::Optional(inner) => return explain(misfit, inner, value),
        _ => return misfit.to_string(),
    };
    match value {
        Some(Value::Text(text)) => {
            let short: String = text.chars().take(60).collect();
            let count = choices.len();
            format!(
                "`{}` is {short:?}, which is not one of its {count} choices ({})",
                misfit.field(),
                suggest(text, choices)
            )
        }
        _ => misfit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn csv_cells_are_read_as_their_type() {
        let read = |text: &str, ty: Type| value(Some(&json!(text)), &Field::new("x", ty), false);
        assert_eq!(read(" 7 ", Type::Integer), Ok(Value::Integer(7)));
        assert_eq!(read("7.0", Type::Number), Ok(Value::Number(7.0)));
        assert_eq!(read("Yes", Type::Boolean), Ok(Value::Boolean(true)));
        assert_eq!(read("007", Type::Text), Ok("007".into()));
        assert_eq!(read("", Type::Optional(Box::new(Type::Integer))), Ok(Value::Null));
        assert!(read("", Type::Text).unwrap_err().contains("missing"));
        assert!(read("inf", Type::Number).is_err());
        let list = Type::List(Box::new(Type::Integer));
        assert_eq!(
            read("[1, 2]", list.clone()),
            Ok(Value::List(vec![1, 2].into_iter().map(Value::Integer).collect()))
        );
        assert!(read("1, 2", list).is_err());
    }

    #[test]
    fn json_cells_keep_their_type() {
        let read = |json: Json, ty: Type| value(Some(&json), &Field::new("x", ty), true);
        assert_eq!(read(json!(3.0), Type::Integer), Ok(Value::Integer(3)));
        assert!(read(json!("3"), Type::Integer).is_err());
        assert!(read(json!(3), Type::Text).is_err());
        assert!(read(json!("a\0b"), Type::Text).unwrap_err().contains("NUL"));
        let team = Type::Choice(vec!["billing".into(), "shipping".into()]);
        let problem = read(json!("shiping"), team).unwrap_err();
        assert_eq!(
            problem,
            "`x` is \"shiping\", which is not one of its 2 choices (did you mean `shipping`?)"
        );
    }
}
