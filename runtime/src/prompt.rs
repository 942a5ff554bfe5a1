//! Prompts: messages from a signature, demonstrations and a record, and values from the reply. One file per format, one
//! line in [`ALL`].
//!
//! Every format sends a system message (instruction, descriptions, form of the reply), a user and an assistant message per
//! demonstration, and a user message with the inputs. The inputs of the row come last, so that the rows of a batch share
//! the longest possible prefix.
//!
//! **Invariant:** texts by people or models are values, never templates, and a value cannot pass for another field: each
//! format neutralizes its own markers ([`Format::write`]). A format reads its own writing without loss. [`crate::reply`]
//! has the readers.

mod fields;
mod json;
mod marker;
mod plain;
mod template;
mod xml;

pub use fields::Fields;
pub use json::JsonObject;
pub use plain::{BARE, PLAIN, Plain};
pub use template::{RenderError, Templates, label};
pub use xml::Xml;

use crate::{
    candidate::Demonstration,
    model::{Abilities, Message, Role, Shape},
    reply::{Reading, ReplyError},
    signature::Signature,
    value::{Record, Value},
};

/// A way to write a prompt and to read the reply.
pub trait Format: Sync {
    /// The name used in task files and candidates.
    fn name(&self) -> &'static str;
    /// One line for help and docs.
    fn about(&self) -> &'static str;
    /// Whether replies to this signature can be read.
    fn fits(&self, signature: &Signature) -> bool {
        !signature.outputs.is_empty()
    }
    /// The Tera templates of its messages.
    fn templates(&self) -> &'static Templates;
    /// A value as text for a message of this role, with everything that looks like a marker neutralized.
    fn write(&self, value: &Value, role: Role, signature: &Signature) -> String;
    /// The form of the reply that a model can be made to keep.
    fn shape(&self, _: &Signature) -> Shape {
        Shape::Free
    }
    /// Reads a reply.
    ///
    /// # Errors
    /// The reason why it cannot be read, in words that help the model to correct it.
    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError>;
}

/// The content of messages.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// Instruction and fields.
    pub signature: &'a Signature,
    /// Demonstrations in the order in which they are shown. Outputs that one lacks are left out.
    pub demonstrations: &'a [Demonstration],
    /// The record to answer.
    pub inputs: &'a Record,
}

/// Every format.
pub const ALL: &[&dyn Format] = &[&PLAIN, &BARE, &Fields, &JsonObject, &Xml];

/// The format of that name.
pub fn find(name: &str) -> Option<&'static dyn Format> {
    ALL.iter().copied().find(|format| format.name() == name)
}

/// The format of a module that names none: `plain` where it fits, because small models do best with it; else `json` if the
/// model enforces schemas, because every reply is then readable; else `fields`.
pub fn default_format(signature: &Signature, abilities: Abilities) -> &'static dyn Format {
    if PLAIN.fits(signature) {
        &PLAIN
    } else if abilities.enforces_schema {
        &JsonObject
    } else {
        &Fields
    }
}

/// The messages of a prompt in a format.
///
/// # Errors
/// If a template fails. The tests show that none of this crate does.
pub fn render(format: &dyn Format, prompt: &Prompt<'_>) -> Result<Vec<Message>, RenderError> {
    template::render(format, prompt)
}

#[cfg(test)]
mod tests;
