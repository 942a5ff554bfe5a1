//! `fields`: every field under a marker line such as `[[team]]`.

use super::{Format, Templates, marker};
use crate::{
    model::Role,
    reply::{Action, Reading, Repair, ReplyError, past_reasoning, read_texts, read_unmarked},
    signature::{Field, Signature},
    value::Value,
};

/// See the [module](self).
pub struct Fields;

const TEMPLATES: Templates = Templates {
    system: "{{ instructions }}
{%- for field in described %}
{{ field.name }}: {{ field.about }}
{%- endfor %}

Reply in this form:
{%- for field in outputs %}
[[{{ field.name }}]]
({% if field.form %}{{ field.form }}{% else %}the {{ field.label | lower }}{% endif %})
{%- endfor %}",
    user: "{% for field in fields %}[[{{ field.name }}]]
{{ field.value }}
{% endfor %}",
    assistant: "{% for field in fields %}[[{{ field.name }}]]
{{ field.value }}
{% endfor %}",
};

impl Format for Fields {
    fn name(&self) -> &'static str {
        "fields"
    }

    fn about(&self) -> &'static str {
        "every field under a marker line such as [[team]]"
    }

    fn templates(&self) -> &'static Templates {
        &TEMPLATES
    }

    fn write(&self, value: &Value, _: Role, signature: &Signature) -> String {
        match value {
            Value::Null => "null".into(),
            _ => marker::guard(&value.to_string(), |line| marked(line, signature).is_some()),
        }
    }

    fn read(&self, text: &str, signature: &Signature) -> Result<Reading, ReplyError> {
        past_reasoning(text, &[], |text| {
            let sections = Sections::of(text, signature);
            match sections.found.is_empty() {
                true => read_unmarked(text, signature, ReplyError::all_missing(signature)),
                false => sections.read(signature),
            }
        })
    }
}

/// The parts of a reply.
#[derive(Default)]
struct Sections {
    /// The text before the first marker.
    preamble: String,
    /// The outputs found, each with its text. Of equal names the first counts: a second one is the start of a further
    /// example that the model invents.
    found: Vec<(String, String)>,
    /// Whether a marker differs from the required form.
    loose: bool,
}

impl Sections {
    fn of(text: &str, signature: &Signature) -> Self {
        let is_marker = |line: &str| marked(line, signature).is_some();
        let mut sections = Self::default();
        let mut body = String::new();
        let mut name: Option<String> = None;
        for line in text.split_inclusive('\n') {
            let Some(marker) = marked(line.trim_start(), signature) else {
                body.push_str(line);
                continue;
            };
            sections.end(name.take(), &marker::unguard(&body, is_marker));
            body = marker.rest.to_owned();
            sections.loose |= marker.loose;
            name = Some(match marker.field {
                Some(field) if sections.is_new(field, signature) => field.name.clone(),
                _ => String::new(),
            });
        }
        sections.end(name, &marker::unguard(&body, is_marker));
        sections
    }

    /// Whether a field is an output that was not found before.
    fn is_new(&self, field: &Field, signature: &Signature) -> bool {
        let is_output = signature.outputs.iter().any(|output| output.name == field.name);
        is_output && self.text_of(field).is_none()
    }

    /// The text found for an output.
    fn text_of(&self, field: &Field) -> Option<&str> {
        let found = self.found.iter().find(|(name, _)| *name == field.name);
        found.map(|(_, text)| text.as_str())
    }

    /// Ends a section. One with an empty name is dropped.
    fn end(&mut self, name: Option<String>, body: &str) {
        let body = body.trim().to_owned();
        match name {
            Some(name) if name.is_empty() => {}
            Some(name) => self.found.push((name, body)),
            None => self.preamble = body,
        }
    }

    /// Reads the sections. The first output may stand before the first marker, because many models leave that marker out.
    fn read(&self, signature: &Signature) -> Result<Reading, ReplyError> {
        let first_is_missing = signature.outputs.first().is_some_and(|field| self.text_of(field).is_none());
        let unmarked = first_is_missing && !self.preamble.is_empty();
        let mut texts: Vec<_> = signature.outputs.iter().map(|field| (field, self.text_of(field))).collect();
        if let (true, Some((_, text))) = (unmarked, texts.first_mut()) {
            *text = Some(&self.preamble);
        }
        let mut reading = read_texts(texts)?;
        let mut actions = vec![];
        if self.loose {
            actions.push(Action::MatchedName);
        }
        if unmarked {
            actions.push(Action::MendedSyntax);
        } else if !self.preamble.is_empty() {
            actions.push(Action::IgnoredText);
        }
        reading.repairs.splice(0..0, actions.into_iter().map(|action| Repair::new("", action)));
        Ok(reading)
    }
}

/// A line that starts a field.
struct Marker<'a> {
    /// The field; absent if the signature has none of that name.
    field: Option<&'a Field>,
    /// The rest of the line.
    rest: &'a str,
    loose: bool,
}

/// Reads a line as a marker: `[[team]]` and the variations of models: `**[[ Team ]]**`, `[[ ## team ## ]]`, `[[team]]: x`.
/// With the signs `##` inside, a habit of some models, any name makes a marker.
fn marked<'a>(line: &'a str, signature: &'a Signature) -> Option<Marker<'a>> {
    let decoration = ['*', '#', '_', ' ', '`'];
    let inside = line.trim_start_matches(decoration).strip_prefix("[[")?;
    let (name, rest) = inside.split_once("]]")?;
    let signed = name.contains("##");
    let name = name.trim_matches([' ', '#', '*', '`', '\t']);
    let mut fields = signature.outputs.iter().chain(&signature.inputs);
    let field = fields.find(|field| field.name.eq_ignore_ascii_case(name));
    if field.is_none() && !signed {
        return None;
    }
    let exact = field.is_some_and(|field| line.starts_with(&format!("[[{}]]", field.name)));
    let loose = !exact || !rest.trim().is_empty();
    let rest = rest.trim_start_matches(['*', '`', ':', ' ']);
    Some(Marker { field, rest, loose })
}
