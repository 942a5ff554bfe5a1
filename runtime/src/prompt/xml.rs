//! `xml`: every field between tags of its name.

use super::{Format, Templates};
use crate::{
    model::Role,
    reply::{Action, Reading, Repair, ReplyError, past_reasoning, read_texts, read_unmarked},
    signature::{Field, Signature},
    value::Value,
};

/// See the [module](self).
pub struct Xml;

const TEMPLATES: Templates = Templates {
    system: "{{ instructions }}
{%- for field in described %}
{{ field.name }}: {{ field.about }}
{%- endfor %}

Reply in this form:
{%- for field in outputs %}
<{{ field.name }}>{% if field.form %}{{ field.form }}{% else %}the {{ field.label | lower }}{% endif %}</{{ field.name }}>
{%- endfor %}",
    user: "{% for field in fields %}<{{ field.name }}>{{ field.value }}</{{ field.name }}>
{% endfor %}",
    assistant: "{% for field in fields %}<{{ field.name }}>{{ field.value }}</{{ field.name }}>
{% endfor %}",
};

/// The entities that XML defines.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\""), ("&apos;", "'")];

impl Format for Xml {
    fn name(&self) -> &'static str {
        "xml"
    }

    fn about(&self) -> &'static str {
        "every field between tags of its name"
    }

    fn templates(&self) -> &'static Templates {
        &TEMPLATES
    }

    fn write(&self, value: &Value, _: Role, signature: &Signature) -> String {
        match value {
            Value::Null => "null".into(),
            _ => escape(&value.to_string(), signature),
        }
    }

    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
        let names: Vec<_> = signature.outputs.iter().map(|field| field.name.as_str()).collect();
        past_reasoning(text, &names, |text| {
            let found: Vec<_> = signature.outputs.iter().map(|field| (field, element(text, field))).collect();
            if found.iter().all(|(_, element)| element.is_none()) {
                return read_unmarked(text, signature, ReplyError::all_missing(signature));
            }
            let is_cut = found.iter().any(|(_, found)| found.as_ref().is_some_and(|element| !element.closed));
            let texts = found.iter().map(|(field, found)| (*field, found.as_ref().map(|e| e.text.as_str())));
            let mut reading = read_texts(texts)?;
            if is_cut {
                reading.repairs.insert(0, Repair::new("", Action::MendedSyntax));
            }
            Ok(reading)
        })
    }
}

/// The text between the tags of a field.
struct Element {
    text: String,
    closed: bool,
}

/// The first element with the field's name. An element that is never closed ends with the reply.
fn element(text: &str, field: &Field) -> Option<Element> {
    let open = format!("<{}>", field.name);
    let from = text.find(&open)? + open.len();
    let end = text[from..].find(&format!("</{}>", field.name));
    let inner = &text[from..end.map_or(text.len(), |end| from + end)];
    Some(Element { text: unescape(inner.trim()), closed: end.is_some() })
}

/// Escapes only what would be misread: tags of the signature's fields, and text that looks like an escape. The rest stays
/// readable.
fn escape(text: &str, signature: &Signature) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        escaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let sign = &rest[..1];
        let special = if sign == "<" {
            is_tag(rest, signature)
        } else {
            ENTITIES.iter().any(|(entity, _)| rest.starts_with(entity))
        };
        escaped.push_str(match (special, sign) {
            (true, "<") => "&lt;",
            (true, _) => "&amp;",
            (false, sign) => sign,
        });
        rest = &rest[1..];
    }
    escaped + rest
}

fn is_tag(text: &str, signature: &Signature) -> bool {
    let name = text.trim_start_matches(['<', '/', ' ']);
    let mut fields = signature.inputs.iter().chain(&signature.outputs);
    fields
        .any(|field| name.get(..field.name.len()).is_some_and(|head| head.eq_ignore_ascii_case(&field.name)))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (entity, sign) = ENTITIES.into_iter().find(|(e, _)| rest.starts_with(e)).unwrap_or(("&", "&"));
        plain.push_str(sign);
        rest = &rest[entity.len()..];
    }
    plain + rest
}
