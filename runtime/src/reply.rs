//! Replies: typed values from a model's untrusted text.
//!
//! A format (see [`crate::prompt`]) finds the text of each field; [`coerce`] turns it into the field's type. Every
//! deviation from the required form is recorded as a [`Repair`].
//!
//! **Invariant:** reading is total and takes time linear in the reply. It never panics, never recurses with the reply's
//! depth, and never invents the value of a required field.

pub(crate) mod choice;
pub(crate) mod coerce;
pub(crate) mod json;
mod lenient;
pub(crate) mod number;
mod reasoning;
mod spans;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use reasoning::past_reasoning;
pub use reasoning::without_reasoning;

use crate::{
    signature::{Field, Misfit, Signature},
    value::Record,
};

/// The result of reading a reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The outputs, all of them, in the order of the signature.
    pub outputs: Record,
    /// The repairs that were needed.
    pub repairs: Vec<Repair>,
}

/// One repair that was needed to read a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Path of the field, such as `items[2].price`; empty for the reply as a whole.
    pub field: String,
    /// The kind of repair.
    pub action: Action,
}

/// The kinds of repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A leading reasoning block was cut.
    CutReasoning,
    /// Text around the answer was ignored.
    IgnoredText,
    /// Broken JSON or a missing end marker was mended.
    MendedSyntax,
    /// The answer has another format than required.
    OtherFormat,
    /// A name was matched although its case or punctuation differs.
    MatchedName,
    /// A field that is not in the signature was dropped.
    DroppedField,
    /// A value was taken out of a list or record of one.
    Unwrapped,
    /// A single value was made a list, or text was split into one.
    MadeList,
    /// A choice was recognized although it is not written exactly.
    MatchedChoice,
    /// A number or truth value was recognized in other notation or in prose.
    ReadValue,
    /// A value was written out as text.
    MadeText,
    /// A word such as `none` was read as no value.
    ReadNothing,
}

/// The reason why a reply could not be read. The model is shown these words when it gets one more turn, so they are part of
/// cache keys.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// Nothing but white space.
    #[error("the reply is empty")]
    Empty,
    /// The reply ends inside its reasoning.
    #[error("the reply ends before an answer: its reasoning block is never closed")]
    OnlyReasoning,
    /// No JSON object where one is required.
    #[error("the reply contains no JSON object")]
    NoObject,
    /// Fields that are missing or do not fit.
    #[error("{}", join(.0))]
    Misfits(Vec<Misfit>),
}

impl Repair {
    pub(crate) fn new(field: &str, action: Action) -> Self {
        Self { field: field.to_owned(), action }
    }

    /// The same repair inside the field at `path`.
    pub(crate) fn within(self, path: &str) -> Self {
        let field = if self.field.is_empty() { path.to_owned() } else { format!("{path}.{}", self.field) };
        Self { field, ..self }
    }
}

impl ReplyError {
    /// The error for a reply without any field.
    pub(crate) fn all_missing(signature: &Signature) -> Self {
        let missing = signature.outputs.iter().map(|field| Misfit::Missing { field: field.name.clone() });
        Self::Misfits(missing.collect())
    }

    /// The first misfit, as one of a field inside `path`.
    pub(crate) fn first_misfit(self, path: &str) -> Option<Misfit> {
        match self {
            Self::Misfits(misfits) => misfits.into_iter().next().map(|misfit| misfit.within(path)),
            _ => None,
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "`{}`: ", self.field)?;
        }
        f.write_str(match self.action {
            Action::CutReasoning => "cut a reasoning block",
            Action::IgnoredText => "ignored text around the answer",
            Action::MendedSyntax => "mended broken syntax",
            Action::OtherFormat => "read another format than asked for",
            Action::MatchedName => "matched a name loosely",
            Action::DroppedField => "dropped a field that was not asked for",
            Action::Unwrapped => "took a value out of its wrapping",
            Action::MadeList => "made a list of what was given",
            Action::MatchedChoice => "matched a choice loosely",
            Action::ReadValue => "read a value from other notation",
            Action::MadeText => "wrote a value out as text",
            Action::ReadNothing => "read a word as no value",
        })
    }
}

/// Reads a reply without any marker of the required format: a JSON object with the outputs or, for a single output, the
/// value alone.
///
/// # Errors
/// `otherwise`, the error of the format itself.
pub(crate) fn read_unmarked(
    text: &str,
    signature: &Signature,
    otherwise: ReplyError,
) -> Result<Reading, ReplyError> {
    let mut reading = match (json::read_object(text, &signature.outputs), signature.outputs.as_slice()) {
        (Ok(reading), _) => reading,
        (Err(_), [field]) => read_value(text, field).map_err(|_| otherwise)?,
        (Err(_), _) => return Err(otherwise),
    };
    reading.repairs.insert(0, Repair::new("", Action::OtherFormat));
    Ok(reading)
}

/// Reads a text that is the value of one field.
///
/// # Errors
/// If it does not fit.
pub(crate) fn read_value(text: &str, field: &Field) -> Result<Reading, ReplyError> {
    read_texts([(field, Some(text))])
}

/// Reads one text per field; `None` where the reply has none.
///
/// # Errors
/// All misfits, in the order of the fields.
pub(crate) fn read_texts<'a>(
    texts: impl IntoIterator<Item = (&'a Field, Option<&'a str>)>,
) -> Result<Reading, ReplyError> {
    let mut reading = Reading::default();
    let mut misfits = Vec::new();
    for (field, text) in texts {
        match coerce::field_from_text(field, text, &mut reading.repairs) {
            Ok(value) => reading.outputs.insert(field.name.clone(), value),
            Err(misfit) => misfits.push(misfit),
        }
    }
    if misfits.is_empty() { Ok(reading) } else { Err(ReplyError::Misfits(misfits)) }
}

fn join(misfits: &[Misfit]) -> String {
    misfits.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
