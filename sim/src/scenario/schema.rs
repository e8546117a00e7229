//! The JSON Schema of scenario files, for editors and for `fedstill schema`.
//!
//! Derived from [`RawScenario`](super::RawScenario), and widened by what the layers
//! allow: choices as bare strings, the `[sweep]` table, and keys that a preset gives.

use super::device_classes::DEVICE_CLASSES;
use super::presets::PRESETS;
use super::raw::RawScenario;
use serde_json::{Value, json};

/// Choices inside `[method]`, whose keys a preset may give.
const GIVEN_BY_PRESETS: &[&str] = &[
    "RawMethod",
    "RawExchange",
    "RawPredictions",
    "RawSampleFilter",
    "RawOptimizer",
    "RawDecay",
    "RawClip",
    "RawDistillLoss",
    "RawRule",
    "RawSchedule",
    "RawSelection",
    "RawStaleness",
];

/// The schema as pretty JSON, as kept in `scenarios/schema.json`.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(RawScenario).to_value();
    schema["title"] = json!("fedstill scenario");
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for (name, definition) in definitions {
            let given = GIVEN_BY_PRESETS.contains(&name.as_str());
            allow_bare_kinds(definition, given);
        }
    }
    let kinds = kinds(&schema);
    retag_defaults(&mut schema, &kinds);
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    schema["$defs"]["RawMethod"]["properties"]["preset"]["enum"] = json!(names);
    schema["properties"]["name"]["pattern"] = json!("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$");
    // A list of transfers needs nothing of a federation.
    let required = schema["required"].take();
    schema["required"] = json!(["name"]);
    schema["anyOf"] = json!([
        { "required": required },
        { "required": ["name", "transfer"] },
        { "required": ["name", "compute"] },
    ]);
    say_kind_of_files(&mut schema["$defs"]["RawTopology"]);
    leave_needs_to_the_file(&mut schema);
    allow_names_of_devices(&mut schema["$defs"]["RawDevice"]);
    schema["properties"]["sweep"] = json!({
        "description": "Dotted keys and lists of values; every combination is a run.",
        "type": "object",
        "additionalProperties": { "$ref": "#/$defs/SweepAxis" },
    });
    schema["$defs"]["SweepAxis"] = json!({
        "anyOf": [
            { "type": "array", "minItems": 1 },
            { "type": "object", "additionalProperties": { "$ref": "#/$defs/SweepAxis" } },
        ],
    });
    // Pretty JSON of a JSON value cannot fail.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The name of a class stands for its figures.
fn allow_names_of_devices(device: &mut Value) {
    let names: Vec<&str> = DEVICE_CLASSES.iter().map(|class| class.name).collect();
    device["properties"]["class"]["enum"] = json!(names);
    let table = device.take();
    *device = json!({
        "description": table["description"].clone(),
        "anyOf": [{ "type": "string", "enum": names }, table],
    });
}

/// What every client needs may come from the columns of its group's file.
fn leave_needs_to_the_file(schema: &mut Value) {
    let group = schema["$defs"]["RawClientGroup"]["required"].take();
    let mut inner = serde_json::Map::new();
    for (key, definition) in [("device", "RawDevice"), ("link", "RawLink")] {
        let required = schema["$defs"][definition]["required"].take();
        if let Some(object) = schema["$defs"][definition].as_object_mut() {
            object.remove("required");
        }
        if required.is_null() {
            // The speed may come from a class.
            continue;
        }
        inner.insert(key.to_owned(), json!({ "required": required }));
    }
    let definition = &mut schema["$defs"]["RawClientGroup"];
    definition["required"] = json!(["name"]);
    definition["if"] = json!({ "required": ["file"] });
    definition["else"] = json!({ "required": group, "properties": inner });
}

/// `{ file = ... }` says its kind by itself.
fn say_kind_of_files(topology: &mut Value) {
    let Some(variants) = topology.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    for variant in variants {
        if variant.pointer("/properties/kind/const") == Some(&json!("file")) {
            variant["required"] = json!(["file"]);
        }
    }
}

/// A kind that needs nothing else may be written as a string.
fn allow_bare_kinds(definition: &mut Value, given_by_preset: bool) {
    if given_by_preset && let Some(object) = definition.as_object_mut() {
        object.remove("required");
    }
    let Some(variants) = definition.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    let mut bare = Vec::new();
    for variant in variants.iter_mut() {
        let Some(kind) = variant.pointer("/properties/kind/const").cloned() else {
            return;
        };
        let needs_more = variant
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|required| required.iter().any(|key| key != "kind"));
        if given_by_preset || !needs_more {
            bare.push(kind);
        }
        if given_by_preset && let Some(object) = variant.as_object_mut() {
            object.remove("required");
        }
    }
    if !bare.is_empty() {
        variants.push(json!({ "type": "string", "enum": bare }));
    }
    // Without its kind a table may fit several.
    if given_by_preset && let Some(object) = definition.as_object_mut() {
        let variants = object.remove("oneOf").unwrap_or_default();
        object.insert("anyOf".to_owned(), variants);
    }
}

/// Every kind of every choice.
fn kinds(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(object) => object
            .get("kind")
            .and_then(|kind| kind.get("const")?.as_str())
            .map(str::to_owned)
            .into_iter()
            .chain(object.values().flat_map(kinds))
            .collect(),
        Value::Array(items) => items.iter().flat_map(kinds).collect(),
        _ => Vec::new(),
    }
}

/// Defaults are derived as serde writes them, `{ sgd = { ... } }`; a file has `kind`.
fn retag_defaults(schema: &mut Value, kinds: &[String]) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "default" {
                    retag(value, kinds);
                } else {
                    retag_defaults(value, kinds);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                retag_defaults(item, kinds);
            }
        }
        _ => {}
    }
}

fn retag(value: &mut Value, kinds: &[String]) {
    let Value::Object(object) = value else { return };
    let kind = object
        .keys()
        .next()
        .filter(|key| kinds.contains(key))
        .cloned();
    if let Some(kind) = kind
        && object.len() == 1
        && let Some(Value::Object(mut keys)) = object.remove(&kind)
    {
        keys.insert("kind".to_owned(), json!(kind));
        *object = keys;
    }
    for value in object.values_mut() {
        retag(value, kinds);
    }
}
