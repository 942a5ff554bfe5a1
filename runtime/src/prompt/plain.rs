//! `plain`: labelled inputs, and a reply that is nothing but the value. What small models do best with.

use super::{Format, Templates, is_single_value, label, marker};
use crate::{
    model::{Role, Shape},
    reply::{Action, Reading, Repair, ReplyError, read_value, without_reasoning},
    signature::Signature,
    value::Value,
};

/// See the [module](self).
pub struct Plain;

const TEMPLATES: Templates = Templates {
    system: "{{ instructions }}
{%- for field in described %}
{{ field.label }}: {{ field.about }}
{%- endfor %}
{% for field in outputs %}
Reply with nothing but {% if field.form %}{{ field.form }}{% else %}the {{ field.label | lower }}{% endif %}
{%- endfor %}",
    user: "{% for field in fields %}{{ field.label }}: {{ field.value }}
{% endfor %}",
    assistant: "{% for field in fields %}{{ field.value }}{% endfor %}",
};

impl Format for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn about(&self) -> &'static str {
        "labelled inputs; the reply is the value (one text, choice, number or truth value)"
    }

    fn fits(&self, signature: &Signature) -> bool {
        is_single_value(signature)
    }

    fn templates(&self) -> &'static Templates {
        &TEMPLATES
    }

    fn write(&self, value: &Value, role: Role, signature: &Signature) -> String {
        guard_labels(value, role, signature)
    }

    fn shape(&self, signature: &Signature) -> Shape {
        shape(signature)
    }

    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
        read(text, signature)
    }
}

/// A single input is everything after its label, and an output stands alone, so only several inputs can pass for one
/// another.
pub(super) fn guard_labels(value: &Value, role: Role, signature: &Signature) -> String {
    let text = value.to_string();
    if role != Role::User || signature.inputs.len() < 2 {
        return text;
    }
    let labels: Vec<_> = signature.inputs.iter().map(|field| label(&field.name)).collect();
    let starts = |line: &str, label: &str| {
        let head = line.get(..label.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(label))
            && line[label.len()..].trim_start().starts_with(':')
    };
    marker::guard(&text, |line| labels.iter().any(|label| starts(line, label)))
}

/// A choice where the output is one, else anything.
pub(super) fn shape(signature: &Signature) -> Shape {
    signature
        .sole_choice()
        .map_or(Shape::Free, |choices| Shape::Choice { choices: choices.to_vec(), content_free: vec![] })
}

/// The whole reply as the value of the only output.
pub(super) fn read(text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
    let (text, cut) = without_reasoning(text, &[])?;
    let [field] = signature.outputs.as_slice() else {
        return Err(ReplyError::NoObject);
    };
    let mut reading = read_value(text, field)?;
    if cut {
        reading.repairs.insert(0, Repair::new("", Action::CutReasoning));
    }
    Ok(reading)
}
