//! Templates of a format's messages. They are compiled once, undefined variables are errors, and nothing is escaped.

use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use super::{ALL, Format, Prompt};
use crate::{
    model::{Message, Role},
    signature::{Constraints, Field, Signature, Type},
    value::Record,
};

/// The templates of a format's three messages. Their variables:
///
/// - `system`: `instructions`, `outputs` and `described`, the fields with a description (lists of `name`, `label`,
///   `about`, `form`), `schema`
/// - `user` and `assistant`: `fields` (a list of `name`, `label`, `value`), `record` (all values as JSON)
#[derive(Clone, Copy, Debug)]
pub struct Templates {
    /// Instruction, descriptions and the form of the reply.
    pub system: &'static str,
    /// The inputs of a demonstration or of the record to answer.
    pub user: &'static str,
    /// The outputs of a demonstration.
    pub assistant: &'static str,
}

/// The error for a template that cannot be filled in: a mistake in the format, not in its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prompt format `{format}` is broken: {message}")]
pub struct RenderError {
    /// The format.
    pub format: String,
    /// What is wrong.
    pub message: String,
}

/// A field as the system message shows it.
#[derive(Serialize)]
struct DescribedField<'a> {
    name: &'a str,
    label: String,
    about: &'a str,
    form: String,
}

/// A field as the other messages show it.
#[derive(Serialize)]
struct FieldValue<'a> {
    name: &'a str,
    label: String,
    value: String,
}

static TEMPLATES: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    let named = ALL.iter().flat_map(|format| {
        let Templates { system, user, assistant } = format.templates();
        [(Role::System, system), (Role::User, user), (Role::Assistant, assistant)]
            .map(|(role, text)| (template_name(*format, role), *text))
    });
    tera.add_raw_templates(named).map_err(|error| report(&error))?;
    Ok(tera)
});

/// The name of a field as a label: `customer_message` is "Customer message".
pub fn label(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

pub(super) fn render(format: &dyn Format, prompt: &Prompt<'_>) -> Result<Vec<Message>, RenderError> {
    let Signature { inputs, outputs, .. } = prompt.signature;
    let mut messages = Vec::with_capacity(2 * prompt.demonstrations.len() + 2);
    let system = fill(format, Role::System, &describe(prompt.signature))?;
    if !system.content.is_empty() {
        messages.push(system);
    }
    let values = |role, fields: &[Field], record: &Record| {
        let context = show(format, role, prompt.signature, fields, record);
        fill(format, role, &context)
    };
    for demonstration in prompt.demonstrations {
        messages.push(values(Role::User, inputs, &demonstration.inputs)?);
        messages.push(values(Role::Assistant, outputs, &demonstration.outputs)?);
    }
    messages.push(values(Role::User, inputs, prompt.inputs)?);
    Ok(messages)
}

fn fill(format: &dyn Format, role: Role, context: &Context) -> Result<Message, RenderError> {
    let broken = |message| RenderError { format: format.name().to_owned(), message };
    let tera = TEMPLATES.as_ref().map_err(|message| broken(message.clone()))?;
    let text = tera.render(&template_name(format, role), context).map_err(|error| broken(report(&error)))?;
    Ok(Message::new(role, text.trim()))
}

fn describe(signature: &Signature) -> Context {
    let Signature { instructions, inputs, outputs } = signature;
    let described = inputs.iter().chain(outputs).filter(|field| !field.about.trim().is_empty());
    let mut context = Context::new();
    context.insert("instructions", instructions.trim());
    context.insert("described", &described.map(DescribedField::new).collect::<Vec<_>>());
    context.insert("outputs", &outputs.iter().map(DescribedField::new).collect::<Vec<_>>());
    context.insert("schema", &signature.output_schema().to_string());
    context
}

impl<'a> DescribedField<'a> {
    fn new(field: &'a Field) -> Self {
        let Field { name, about, .. } = field;
        Self { name, label: label(name), about: about.trim(), form: form(field) }
    }
}

fn show(
    format: &dyn Format,
    role: Role,
    signature: &Signature,
    fields: &[Field],
    record: &Record,
) -> Context {
    let present = fields.iter().filter_map(|field| Some((field, record.get(&field.name)?)));
    let shown: Vec<_> = present
        .clone()
        .map(|(field, value)| FieldValue {
            name: &field.name,
            label: label(&field.name),
            value: format.write(value, role, signature),
        })
        .collect();
    let record: Record = present.map(|(field, value)| (field.name.clone(), value.clone())).collect();
    let mut context = Context::new();
    context.insert("fields", &shown);
    context.insert("record", &record.to_json().to_string());
    context
}

/// The required form of a value as a phrase; empty if any text fits. Choices stand on one line, or on lines of their own
/// if one contains a comma.
fn form(field: &Field) -> String {
    let limits = limits(&field.constraints);
    match (form_of(&field.ty), limits.is_empty()) {
        (form, true) => form,
        (form, false) if form.is_empty() => format!("text {limits}"),
        (form, false) => format!("{form} {limits}"),
    }
}

fn form_of(ty: &Type) -> String {
    match ty {
        Type::Text => String::new(),
        Type::Integer => "a whole number".into(),
        Type::Number => "a number".into(),
        Type::Boolean => "true or false".into(),
        Type::Choice(choices) if choices.iter().any(|choice| choice.contains([',', '\n'])) => {
            choices.iter().fold("one of:".into(), |list, choice| list + "\n- " + choice)
        }
        Type::Choice(choices) => format!("one of: {}", choices.join(", ")),
        Type::Optional(inner) => match form_of(inner) {
            form if form.is_empty() => "text or null".into(),
            form => format!("null or {form}"),
        },
        Type::List(_) | Type::Record(_) => format!("JSON that satisfies this schema: {}", ty.schema()),
    }
}

fn limits(Constraints { min, max, max_length }: &Constraints) -> String {
    let range = match (min, max) {
        (Some(min), Some(max)) => Some(format!("from {min} to {max}")),
        (Some(min), None) => Some(format!("of at least {min}")),
        (None, Some(max)) => Some(format!("of at most {max}")),
        (None, None) => None,
    };
    let length = max_length.map(|length| format!("of length {length} at most"));
    range.into_iter().chain(length).collect::<Vec<_>>().join(" ")
}

fn template_name(format: &dyn Format, role: Role) -> String {
    format!("{}/{role}", format.name())
}

/// An error of Tera with its causes.
fn report(error: &tera::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
