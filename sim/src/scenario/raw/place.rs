//! Names of nodes or links of the topology: one, or several.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// The name of a node or link of the topology, or several: `"n3"` or `["n3", "n5"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawNames(Vec<String>);

impl RawNames {
    /// In the order given; may be empty, which a check refuses.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Serialize for RawNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => serializer.serialize_str(only),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = RawNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name of the topology, or a list of names")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawNames, E> {
        Ok(RawNames(vec![name.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<RawNames, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = names.next_element()? {
            found.push(name);
        }
        Ok(RawNames(found))
    }
}

impl JsonSchema for RawNames {
    fn schema_name() -> Cow<'static, str> {
        "RawNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A name of the topology, or several.",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
            "examples": ["n3", ["n3", "n5"]],
        })
    }
}
