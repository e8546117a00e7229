//! What the schema knows about a place in the file: its keys, its kinds, its meaning.
//!
//! Merging needs it before anything is decoded: whether a string stands for a
//! table with `kind`, and which keys a kind has.

use super::raw::RawScenario;
use serde_json::Value as Json;
use std::sync::OnceLock;

/// A place in the schema, with references followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    schema: &'static Json,
}

fn root() -> &'static Json {
    static ROOT: OnceLock<Json> = OnceLock::new();
    ROOT.get_or_init(|| schemars::schema_for!(RawScenario).to_value())
}

impl Known {
    /// The top of a scenario.
    pub(crate) fn root() -> Self {
        Self { schema: root() }
    }

    fn followed(self) -> Self {
        let mut schema = self.schema;
        loop {
            if let Some(target) = schema.get("$ref").and_then(Json::as_str) {
                match root().pointer(target.trim_start_matches('#')) {
                    Some(next) => schema = next,
                    None => break,
                }
            } else if let Some(next) = optional(schema) {
                schema = next;
            } else {
                break;
            }
        }
        Self { schema }
    }

    /// The place one step down: a key of a table, or a number in an array.
    pub(crate) fn child(self, step: &str) -> Option<Self> {
        let here = self.followed().schema;
        if step.parse::<usize>().is_ok()
            && let Some(items) = here.get("items")
        {
            return Some(Self { schema: items });
        }
        std::iter::once(here)
            .chain(variants(here))
            .find_map(|table| table.get("properties")?.get(step))
            .map(|schema| Self { schema })
    }

    /// Whether it is a table of named keys.
    pub(crate) fn is_table(self) -> bool {
        self.followed().schema.get("properties").is_some()
    }

    /// Whether it is a list.
    pub(crate) fn is_array(self) -> bool {
        self.followed().schema.get("items").is_some()
    }

    /// Whether it is a choice written with `kind`, or as a string.
    pub(crate) fn is_choice(self) -> bool {
        variants(self.followed().schema).any(|variant| kind(variant).is_some())
    }

    /// Whether that kind of a choice has that key; `None` where the kind is not known.
    pub(crate) fn kind_has(self, name: &str, key: &str) -> Option<bool> {
        variants(self.followed().schema)
            .find(|variant| kind(variant) == Some(name))
            .map(|variant| variant.get("properties").and_then(|p| p.get(key)).is_some())
    }

    /// What it means, in the first sentence of its description.
    pub(crate) fn meaning(self) -> Option<String> {
        let text = self
            .schema
            .get("description")
            .or_else(|| self.followed().schema.get("description"))?
            .as_str()?;
        Some(text.split("\n\n").next().unwrap_or(text).replace('\n', " "))
    }
}

/// The meaning of the key at a dotted path.
pub(crate) fn meaning(path: &str) -> Option<String> {
    path.split('.')
        .try_fold(Known::root(), Known::child)
        .and_then(Known::meaning)
}

/// `anyOf: [T, null]` is an optional `T`.
fn optional(schema: &'static Json) -> Option<&'static Json> {
    let forms = schema.get("anyOf")?.as_array()?;
    let is_null = |form: &Json| form.get("type").and_then(Json::as_str) == Some("null");
    (forms.len() == 2 && forms.iter().any(is_null))
        .then(|| forms.iter().find(|form| !is_null(form)))
        .flatten()
}

fn variants(schema: &'static Json) -> impl Iterator<Item = &'static Json> {
    ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}

fn kind(variant: &Json) -> Option<&str> {
    variant
        .get("properties")?
        .get("kind")?
        .get("const")?
        .as_str()
}
