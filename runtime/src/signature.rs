//! Signatures: the typed inputs and outputs of a module.
//!
//! **Invariant:** a value is used only after it passed [`Type::check`]. The maker of a [`Type::Choice`] gives it at
//! least one text and none twice; this is not checked here.
//! [`crate::prompt`] turns a signature into messages.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::value::{Record, Value};

/// An instruction with typed inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The instruction to the model.
    pub instructions: String,
    /// The inputs, in the order of the prompt.
    pub inputs: Vec<Field>,
    /// The outputs, in the order of the reply.
    pub outputs: Vec<Field>,
}

/// One named, typed field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// An identifier: letters, digits and `_`, not starting with a digit.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Its description; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Further limits on the value.
    #[serde(default, skip_serializing_if = "Constraints::is_empty")]
    pub constraints: Constraints,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Type {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A finite number.
    Number,
    /// True or false.
    Boolean,
    /// One of these texts; at least one, none twice.
    Choice(Vec<String>),
    /// Any number of values of one type.
    List(Box<Type>),
    /// Named values.
    Record(Vec<Field>),
    /// A value or nothing.
    Optional(Box<Type>),
}

/// Limits on the values of a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// The smallest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The longest text (in characters) or list (in items) allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
}

/// The reason why a value does not fit its field. The model is shown these words when it gets one more turn, so they are
/// part of cache keys.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Misfit {
    /// A required field is absent.
    #[error("`{field}` is missing")]
    Missing {
        /// Path of the field, such as `address.city`.
        field: String,
    },
    /// A field that the signature does not have.
    #[error("`{field}` is not a field of this signature")]
    Unknown {
        /// Path of the field.
        field: String,
    },
    /// A value of another type.
    #[error("`{field}` is {found}, but must be {expected}")]
    Mistyped {
        /// Path of the field.
        field: String,
        /// The type as a phrase.
        expected: String,
        /// The value as a phrase.
        found: String,
    },
    /// A value outside its constraints.
    #[error("`{field}` {problem}")]
    OutOfBounds {
        /// Path of the field.
        field: String,
        /// The problem as a phrase that follows the name.
        problem: String,
    },
}

impl Signature {
    /// Checks a record against the inputs: every field there, typed, none unknown.
    ///
    /// # Errors
    /// All misfits, in the order of the fields.
    pub fn check_inputs(&self, record: &Record) -> Result<(), Vec<Misfit>> {
        check_record(&self.inputs, record)
    }

    /// Checks a record against the outputs.
    ///
    /// # Errors
    /// All misfits, in the order of the fields.
    pub fn check_outputs(&self, record: &Record) -> Result<(), Vec<Misfit>> {
        check_record(&self.outputs, record)
    }

    /// The choices of the only output, if there is one output and it is a choice.
    pub fn sole_choice(&self) -> Option<&[String]> {
        match self.outputs.as_slice() {
            [Field { ty: Type::Choice(choices), .. }] => Some(choices),
            _ => None,
        }
    }

    /// A JSON schema that a reply with all outputs must satisfy.
    pub fn output_schema(&self) -> Json {
        object_schema(&self.outputs)
    }
}

impl Field {
    /// A field without description and constraints.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self { name: name.into(), ty, about: String::new(), constraints: Constraints::default() }
    }

    /// Checks one value, absent or present.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, value: Option<&Value>) -> Result<(), Misfit> {
        match (value, &self.ty) {
            (None | Some(Value::Null), Type::Optional(_)) => Ok(()),
            (None | Some(Value::Null), _) => Err(Misfit::Missing { field: self.name.clone() }),
            (Some(value), ty) => {
                ty.check(value, &self.name)?;
                self.constraints.check(value, &self.name)
            }
        }
    }
}

impl Type {
    /// Checks a value; `path` names it in the error.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, value: &Value, path: &str) -> Result<(), Misfit> {
        let mistyped = || {
            let found = match value {
                Value::Text(text) => format!("{:?}", shorten(text)),
                other => other.noun().to_owned(),
            };
            Err(Misfit::Mistyped { field: path.to_owned(), expected: self.phrase(), found })
        };
        match (self, value) {
            (Self::Text, Value::Text(_))
            | (Self::Integer, Value::Integer(_))
            | (Self::Number, Value::Integer(_) | Value::Number(_))
            | (Self::Boolean, Value::Boolean(_))
            | (Self::Optional(_), Value::Null) => Ok(()),
            (Self::Choice(choices), Value::Text(text)) if choices.contains(text) => Ok(()),
            (Self::Optional(inner), value) => inner.check(value, path),
            (Self::List(inner), Value::List(items)) => {
                items.iter().enumerate().try_for_each(|(i, item)| inner.check(item, &format!("{path}[{i}]")))
            }
            (Self::Record(fields), Value::Record(record)) => match check_record(fields, record) {
                Ok(()) => Ok(()),
                Err(misfits) => misfits.into_iter().next().map_or(Ok(()), |misfit| Err(misfit.within(path))),
            },
            _ => mistyped(),
        }
    }

    /// The type as a phrase for people: "an integer", "one of billing, shipping", ...
    pub fn phrase(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Integer => "an integer".into(),
            Self::Number => "a number".into(),
            Self::Boolean => "true or false".into(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::List(inner) => format!("a list, each item {}", inner.phrase()),
            Self::Record(fields) => {
                let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("a record with {}", names.join(", "))
            }
            Self::Optional(inner) => format!("{} or nothing", inner.phrase()),
        }
    }

    /// The JSON schema of values of this type.
    pub fn schema(&self) -> Json {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Integer => json!({"type": "integer"}),
            Self::Number => json!({"type": "number"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::Choice(choices) => json!({"type": "string", "enum": choices}),
            Self::List(inner) => json!({"type": "array", "items": inner.schema()}),
            Self::Record(fields) => object_schema(fields),
            Self::Optional(inner) => json!({"anyOf": [inner.schema(), {"type": "null"}]}),
        }
    }
}

impl Constraints {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self, value: &Value, path: &str) -> Result<(), Misfit> {
        let out = |problem: String| Err(Misfit::OutOfBounds { field: path.to_owned(), problem });
        let number = match value {
            #[expect(clippy::cast_precision_loss, reason = "bounds are compared, not stored")]
            Value::Integer(value) => Some(*value as f64),
            Value::Number(value) => Some(*value),
            _ => None,
        };
        let length = match value {
            Value::Text(text) => Some((text.chars().count(), "characters")),
            Value::List(items) => Some((items.len(), "items")),
            _ => None,
        };
        match (number, self.min, self.max, length, self.max_length) {
            (Some(n), Some(min), _, _, _) if n < min => out(format!("is {n}, less than {min}")),
            (Some(n), _, Some(max), _, _) if n > max => out(format!("is {n}, more than {max}")),
            (_, _, _, Some((n, unit)), Some(max)) if n > max => {
                out(format!("has {n} {unit}, more than {max}"))
            }
            _ => Ok(()),
        }
    }
}

impl Misfit {
    /// Path of the field that does not fit.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field }
            | Self::Unknown { field }
            | Self::Mistyped { field, .. }
            | Self::OutOfBounds { field, .. } => field,
        }
    }

    /// The same misfit of a field inside `path`.
    pub(crate) fn within(mut self, path: &str) -> Self {
        match &mut self {
            Self::Missing { field }
            | Self::Unknown { field }
            | Self::Mistyped { field, .. }
            | Self::OutOfBounds { field, .. } => *field = format!("{path}.{field}"),
        }
        self
    }
}

/// Checks a record against fields: every required one there, typed, none unknown.
///
/// # Errors
/// All misfits: those of known fields in field order, then unknown names.
pub fn check_record(fields: &[Field], record: &Record) -> Result<(), Vec<Misfit>> {
    let known = fields.iter().filter_map(|field| field.check(record.get(&field.name)).err());
    let unknown = record
        .iter()
        .filter(|(name, _)| !fields.iter().any(|field| field.name == *name))
        .map(|(name, _)| Misfit::Unknown { field: name.to_owned() });
    let misfits: Vec<_> = known.chain(unknown).collect();
    if misfits.is_empty() { Ok(()) } else { Err(misfits) }
}

fn object_schema(fields: &[Field]) -> Json {
    let properties: serde_json::Map<_, _> = fields
        .iter()
        .map(|field| {
            let mut schema = field.ty.schema();
            if let (Json::Object(map), false) = (&mut schema, field.about.is_empty()) {
                map.insert("description".into(), field.about.clone().into());
            }
            (field.name.clone(), schema)
        })
        .collect();
    let required: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> Signature {
        let mut year = Field::new("year", Type::Integer);
        year.constraints.min = Some(1900.0);
        Signature {
            instructions: "Read.".into(),
            inputs: vec![Field::new("text", Type::Text)],
            outputs: vec![
                Field::new("team", Type::Choice(vec!["a".into(), "b".into()])),
                Field::new("when", Type::Optional(Box::new(Type::Record(vec![year])))),
            ],
        }
    }

    #[test]
    fn all_misfits_are_reported_with_their_path() {
        let record: Record = serde_json::from_str(r#"{"team":"c","when":{"year":1800},"extra":1}"#).unwrap();
        let found: Vec<_> =
            signature().check_outputs(&record).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "`team` is \"c\", but must be one of a, b",
                "`when.year` is 1800, less than 1900",
                "`extra` is not a field of this signature"
            ]
        );
    }

    #[test]
    fn optional_may_be_absent_and_required_may_not() {
        assert!(signature().check_outputs(&Record::new().with("team", "a")).is_ok());
        assert_eq!(
            signature().check_outputs(&Record::new()).unwrap_err(),
            [Misfit::Missing { field: "team".into() }]
        );
    }
}
