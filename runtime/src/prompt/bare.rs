//! `bare`: the instruction exactly as written and nothing added to it. For prompts written by hand, and for models that
//! score the choices and need not be told them.

use super::{
    Format, Templates, is_single_value,
    plain::{guard_labels, read, shape},
};
use crate::{
    model::{Role, Shape},
    reply::{Reading, ReplyError},
    signature::Signature,
    value::Value,
};

/// See the [module](self).
pub struct Bare;

const TEMPLATES: Templates = Templates {
    system: "{{ instructions }}",
    user: "{% for field in fields %}{{ field.label }}: {{ field.value }}
{% endfor %}",
    assistant: "{% for field in fields %}{{ field.value }}{% endfor %}",
};

impl Format for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn about(&self) -> &'static str {
        "the instruction as written, labelled inputs; the reply is the value"
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
