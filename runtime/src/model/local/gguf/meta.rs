//! The values of a GGUF file's metadata, and typed access to them.

use std::{collections::BTreeMap, path::Path};

use super::GgufError;

/// A value. Integers and floats of every width are widened.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Meta {
    Integer(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Integers(Vec<i128>),
    Floats(Vec<f64>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
}

/// A type that metadata values can be read as.
pub trait FromMeta<'a>: Sized {
    /// Its name in errors.
    const NAME: &'static str;
    /// The value, if it has that type and fits.
    fn from_meta(meta: &'a Meta) -> Option<Self>;
}

impl Meta {
    /// The kind of the value, for errors.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Integers(_) => "a list of integers",
            Self::Floats(_) => "a list of numbers",
            Self::Bools(_) => "a list of true and false",
            Self::Texts(_) => "a list of texts",
        }
    }
}

/// The value of `key` as `T`, if there is one.
pub(super) fn find<'a, T: FromMeta<'a>>(
    path: &Path,
    metadata: &'a BTreeMap<String, Meta>,
    key: &str,
) -> Result<Option<T>, GgufError> {
    let Some(meta) = metadata.get(key) else { return Ok(None) };
    match T::from_meta(meta) {
        Some(value) => Ok(Some(value)),
        None => Err(GgufError::Mistyped {
            path: path.to_owned(),
            key: key.to_owned(),
            wanted: T::NAME,
            found: meta.describe(),
        }),
    }
}

macro_rules! from_meta {
    ($($type:ty, $name:literal, $pattern:pat => $value:expr;)*) => {$(
        impl<'a> FromMeta<'a> for $type {
            const NAME: &'static str = $name;
            fn from_meta(meta: &'a Meta) -> Option<Self> {
                match meta {
                    $pattern => $value,
                    _ => None,
                }
            }
        }
    )*};
}

from_meta! {
    u32, "an integer of 32 bits", Meta::Integer(number) => u32::try_from(*number).ok();
    usize, "a size", Meta::Integer(number) => usize::try_from(*number).ok();
    f32, "a number", Meta::Float(number) => Some(*number as f32);
    bool, "true or false", Meta::Bool(flag) => Some(*flag);
    &'a str, "a text", Meta::Text(text) => Some(text);
    &'a [String], "a list of texts", Meta::Texts(texts) => Some(texts);
    &'a [f64], "a list of numbers", Meta::Floats(numbers) => Some(numbers);
    &'a [i128], "a list of integers", Meta::Integers(numbers) => Some(numbers);
}
