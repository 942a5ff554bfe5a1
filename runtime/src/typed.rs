//! Rust types as values and signatures: the traits that `#[derive(Signature)]`, `#[derive(Record)]` and
//! `#[derive(Choice)]` implement.
//!
//! **Invariant:** reading a written value gives the same value, and reading checks everything that the signature demands.

use crate::{
    signature::{Misfit, Signature, Type},
    value::{Record, Value},
};

/// A Rust type that corresponds to a type of fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a signature",
    label = "not String, i64, f64, bool, Option, Vec, a choice or a record",
    note = "derive `Choice` for an enum without data and `Record` for a struct"
)]
pub trait AsValue: Sized {
    /// Whether absence is a value of this type. An `Option` of such a type would be ambiguous and does not compile.
    const OPTIONAL: bool = false;

    /// The type of the field.
    fn ty() -> Type;

    /// The value of this.
    fn to_value(&self) -> Value;

    /// Reads a value; `path` names it in the error.
    ///
    /// # Errors
    /// [`Misfit`] if the value is of another type.
    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit>;
}

/// A Rust struct whose fields are the inputs and outputs of a signature; made by `#[derive(Signature)]`.
pub trait AsSignature: Sized {
    /// The signature.
    fn signature() -> Signature;

    /// The inputs and the outputs of this example.
    fn to_records(&self) -> (Record, Record);

    /// Reads an example.
    ///
    /// # Errors
    /// Everything that does not fit the signature.
    fn from_records(inputs: &Record, outputs: &Record) -> Result<Self, Vec<Misfit>>;
}

impl AsValue for String {
    fn ty() -> Type {
        Type::Text
    }

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(misfit::<Self>(other, path)),
        }
    }
}

impl AsValue for i64 {
    fn ty() -> Type {
        Type::Integer
    }

    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }

    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::Integer(number) => Ok(*number),
            other => Err(misfit::<Self>(other, path)),
        }
    }
}

impl AsValue for f64 {
    fn ty() -> Type {
        Type::Number
    }

    fn to_value(&self) -> Value {
        Value::Number(*self)
    }

    #[expect(clippy::cast_precision_loss, reason = "a number field takes whole numbers as numbers")]
    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::Number(number) => Ok(*number),
            Value::Integer(number) => Ok(*number as Self),
            other => Err(misfit::<Self>(other, path)),
        }
    }
}

impl AsValue for bool {
    fn ty() -> Type {
        Type::Boolean
    }

    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }

    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::Boolean(truth) => Ok(*truth),
            other => Err(misfit::<Self>(other, path)),
        }
    }
}

impl<T: AsValue> AsValue for Option<T> {
    const OPTIONAL: bool = {
        assert!(!T::OPTIONAL, "an option of an option is ambiguous");
        true
    };

    fn ty() -> Type {
        const { assert!(Self::OPTIONAL) };
        Type::Optional(Box::new(T::ty()))
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other, path).map(Some),
        }
    }
}

impl<T: AsValue> AsValue for Vec<T> {
    fn ty() -> Type {
        Type::List(Box::new(T::ty()))
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }

    fn from_value(value: &Value, path: &str) -> Result<Self, Misfit> {
        match value {
            Value::List(items) => {
                let item = |(i, item)| T::from_value(item, &format!("{path}[{i}]"));
                items.iter().enumerate().map(item).collect()
            }
            other => Err(misfit::<Self>(other, path)),
        }
    }
}

/// The misfit of a value that is not of this type; for derived code.
#[doc(hidden)]
pub fn misfit<T: AsValue>(found: &Value, path: &str) -> Misfit {
    if *found == Value::Null {
        return Misfit::Missing { field: path.to_owned() };
    }
    Misfit::Mistyped { field: path.to_owned(), expected: T::ty().phrase(), found: found.noun().to_owned() }
}

/// Reads one field of a record, absent or present; for derived code.
#[doc(hidden)]
pub fn field<T: AsValue>(record: &Record, name: &str, path: &str) -> Result<T, Misfit> {
    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    T::from_value(record.get(name).unwrap_or(&Value::Null), &path)
}
