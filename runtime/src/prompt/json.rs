//! `json`: a JSON object in, a JSON object out, with the provider's schema enforcement where there is one.

use super::{Format, Templates};
use crate::{
    model::{Role, Shape},
    reply::{Action, Reading, Repair, ReplyError, json, read_value, without_reasoning},
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

    fn fits(&self, signature: &Signature) -> bool {
        !signature.outputs.is_empty()
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
        let (text, cut) = without_reasoning(text, &[])?;
        let mut reading = json::read_object(text, &signature.outputs)
            .or_else(|error| read_lone_value(text, signature).ok_or(error))?;
        if cut {
            reading.repairs.insert(0, Repair::new("", Action::CutReasoning));
        }
        Ok(reading)
    }
}

/// A reply that is only the value of the only output. Not for text: any text would do, and an answer in the wrong form
/// is better asked for again.
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
