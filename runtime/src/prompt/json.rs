//! `json`: a JSON object in, a JSON object out, with the provider's schema enforcement where there is one.

use super::{Format, Templates};
use crate::{
    model::{Role, Shape},
    reply::{Action, Reading, Repair, ReplyError, json, past_reasoning, read_value},
    signature::{Field, Signature, Type},
    value::Value,
};

/// See the [module](self).
pub struct JsonObject;

const TEMPLATES: Templates = Templates {
    system: "{{ instructions }}
{%- for field in described %}
{{ field.name }}: {{ field.about }}
{%- endfor %}

Reply with one JSON object that satisfies this schema:
{{ schema }}",
    user: "{{ record }}",
    assistant: "{{ record }}",
};

impl Format for JsonObject {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "a JSON object in, a JSON object out, under a schema"
    }

    fn templates(&self) -> &'static Templates {
        &TEMPLATES
    }

    fn write(&self, value: &Value, _: Role, _: &Signature) -> String {
        value.to_json().to_string()
    }

    fn shape(&self, signature: &Signature) -> Shape {
        Shape::Schema(signature.output_schema())
    }

    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
        past_reasoning(text, &[], |text| {
            let object = json::read_object(text, &signature.outputs);
            object.or_else(|error| read_lone_value(text, signature).ok_or(error))
        })
    }
}

/// Reads a reply that is only the value of the only output. Not for text, which would accept any reply: the model gets
/// one more turn instead.
fn read_lone_value(text: &str, signature: &Signature) -> Option<Reading> {
    let [
        field @ Field {
            ty: Type::Choice(_) | Type::Number | Type::Integer | Type::Boolean | Type::List(_),
            ..
        },
    ] = signature.outputs.as_slice()
    else {
        return None;
    };
    let mut reading = read_value(text, field).ok()?;
    reading.repairs.insert(0, Repair::new("", Action::OtherFormat));
    Some(reading)
}
