//! `at`: the nodes of the topology where clients stand.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A node of the topology, or several that are taken in turn: `"n3"` or `["n3", "n5"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawNodes(Vec<String>);

impl RawNodes {
    /// In the order given; may be empty, which a check refuses.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Serialize for RawNodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [only] => serializer.serialize_str(only),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawNodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = RawNodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a node, or a list of names")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawNodes, E> {
        Ok(RawNodes(vec![name.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<RawNodes, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = names.next_element()? {
            found.push(name);
        }
        Ok(RawNodes(found))
    }
}

impl JsonSchema for RawNodes {
    fn schema_name() -> Cow<'static, str> {
        "RawNodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A node of the topology, or several that are taken in turn.",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
            "examples": ["n3", ["n3", "n5"]],
        })
    }
}
