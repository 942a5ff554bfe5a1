//! `plain`: labelled inputs, and a reply that is nothing but the value. Small models do best with it. `bare` is the same
//! with nothing added to the instruction.

use super::{Format, Templates, label, marker};
use crate::{
    model::{Role, Shape},
    reply::{Reading, ReplyError, past_reasoning, read_value},
    signature::{Signature, Type},
    value::Value,
};

/// See the [module](self).
pub struct Plain {
    name: &'static str,
    about: &'static str,
    templates: &'static Templates,
}

/// The format that describes the reply after the instruction.
pub const PLAIN: Plain = Plain {
    name: "plain",
    about: "labelled inputs; the reply is the value (one text, choice, number or truth value)",
    templates: &Templates {
        system: "{{ instructions }}
{%- for field in described %}
{{ field.label }}: {{ field.about }}
{%- endfor %}
{% for field in outputs %}
Reply with nothing but {% if field.form %}{{ field.form }}{% else %}the {{ field.label | lower }}{% endif %}
{%- endfor %}",
        ..BARE_TEMPLATES
    },
};

/// The format with the instruction exactly as written: for prompts written by hand, and for models that score the choices
/// and need no list of them.
pub const BARE: Plain = Plain {
    name: "bare",
    about: "the instruction as written, labelled inputs; the reply is the value",
    templates: &BARE_TEMPLATES,
};

const BARE_TEMPLATES: Templates = Templates {
    system: "{{ instructions }}",
    user: "{% for field in fields %}{{ field.label }}: {{ field.value }}
{% endfor %}",
    assistant: "{% for field in fields %}{{ field.value }}{% endfor %}",
};

impl Format for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    /// It fits one output of a type whose text is the value.
    fn fits(&self, signature: &Signature) -> bool {
        let plain = |ty: &Type| {
            matches!(ty, Type::Text | Type::Choice(_) | Type::Number | Type::Integer | Type::Boolean)
        };
        matches!(signature.outputs.as_slice(), [field] if plain(&field.ty))
    }

    fn templates(&self) -> &'static Templates {
        self.templates
    }

    /// Only several inputs can pass for one another: a single input is everything after its label, and an output stands
    /// alone.
    fn write(&self, value: &Value, role: Role, signature: &Signature) -> String {
        let text = value.to_string();
        if role != Role::User || signature.inputs.len() < 2 {
            return text;
        }
        let labels: Vec<_> = signature.inputs.iter().map(|field| label(&field.name)).collect();
        marker::guard(&text, |line| labels.iter().any(|label| starts_with_label(line, label)))
    }

    /// A choice if the output is one, else free text.
    fn shape(&self, signature: &Signature) -> Shape {
        signature
            .sole_choice()
            .map_or(Shape::Free, |choices| Shape::Choice { choices: choices.to_vec(), content_free: vec![] })
    }

    /// Reads the whole reply as the value of the only output.
    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
        past_reasoning(text, &[], |text| match signature.outputs.as_slice() {
            [field] => read_value(text, field),
            _ => Err(ReplyError::NoObject),
        })
    }
}

/// Whether a line starts with a label and its colon.
fn starts_with_label(line: &str, label: &str) -> bool {
    let head = line.get(..label.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(label))
        && line[label.len()..].trim_start().starts_with(':')
}
