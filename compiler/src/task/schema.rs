//! The JSON schema of task files, made from the same tables that check them.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::FILE;
use crate::config::{Key, Section, Shape};

/// The JSON schema (draft 2020-12) of `task.toml`, for editors; committed as `schema/task.schema.json`.
pub fn schema() -> Json {
    let mut definitions = Definitions::default();
    let mut schema = section(&FILE, &mut definitions);
    if let Json::Object(map) = &mut schema {
        map.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        map.insert("title".into(), "Proofmark task".into());
        map.insert("$defs".into(), Json::Object(definitions.done));
        map.sort_keys();
    }
    schema
}

/// The definitions of sections, which the schema refers to by name, because fields may hold fields.
#[derive(Default)]
struct Definitions {
    begun: BTreeSet<&'static str>,
    done: Map<String, Json>,
}

impl Definitions {
    fn refer(&mut self, to: &'static Section) -> Json {
        if self.begun.insert(to.name) {
            let schema = section(to, self);
            self.done.insert(to.name.into(), schema);
        }
        json!({ "$ref": format!("#/$defs/{}", to.name) })
    }
}

fn section(of: &'static Section, definitions: &mut Definitions) -> Json {
    let Some(variants) = &of.variants else {
        let mut schema = object(of.keys.iter(), definitions);
        schema["description"] = of.about.into();
        return schema;
    };
    let mut one_of = Vec::new();
    for (name, further) in (variants.all)() {
        let mut schema = object(of.keys.iter().chain(further), definitions);
        let about = schema["properties"][variants.by]["description"].take();
        schema["properties"][variants.by] = json!({ "const": name, "description": about });
        if let (Some(required), true) = (schema["required"].as_array_mut(), name != variants.default)
            && !required.contains(&variants.by.into())
        {
            required.push(variants.by.into());
        }
        one_of.push(schema);
    }
    json!({ "description": of.about, "oneOf": one_of })
}

fn object(keys: impl Iterator<Item = &'static Key>, definitions: &mut Definitions) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys.filter(|key| !matches!(key.shape, Shape::Refused(_))) {
        let mut schema = shape(&key.shape, definitions);
        schema["description"] = key.about.into();
        properties.insert(key.name.into(), schema);
        if key.required {
            required.push(Json::from(key.name));
        }
    }
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false
    })
}

fn shape(of: &'static Shape, definitions: &mut Definitions) -> Json {
    match of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Integer(low, i64::MAX) => bounded("integer", Json::from(*low), Json::Null),
        Shape::Integer(low, high) => bounded("integer", Json::from(*low), Json::from(*high)),
        // JSON has no infinity: infinite bounds become null, which is left out.
        Shape::Number(low, high) => bounded("number", Json::from(*low), Json::from(*high)),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Name(_, known) => json!({ "enum": known() }),
        Shape::Names(_, known) => json!({ "type": "array", "items": { "enum": known() } }),
        Shape::Table(section) => definitions.refer(section),
        Shape::Tables(section) => json!({ "type": "array", "items": definitions.refer(section) }),
        Shape::Map(inner) => json!({ "type": "object", "additionalProperties": shape(inner, definitions) }),
        Shape::Either(short, full) => {
            json!({ "anyOf": [shape(short, definitions), definitions.refer(full)] })
        }
        Shape::Free => json!({ "type": "object" }),
        Shape::Frees => json!({ "type": "array", "items": { "type": "object" } }),
        Shape::Refused(_) => json!(false),
    }
}

/// The schema of a number; a bound that is null is left out.
fn bounded(ty: &str, low: Json, high: Json) -> Json {
    let mut schema = json!({ "type": ty });
    for (bound, value) in [("minimum", low), ("maximum", high)] {
        if !value.is_null() {
            schema[bound] = value;
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PROOFMARK_BLESS=1` writes the file again.
    #[test]
    fn the_committed_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/task.schema.json");
        let current = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if std::env::var_os("PROOFMARK_BLESS").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(
            committed == current,
            "{path} is stale: run PROOFMARK_BLESS=1 cargo test -p proofmark committed_schema"
        );
    }
}
