//! A file of data by its path, and in a resolved scenario by its checksum too.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A file of data: `"train.csv"`, or `{ file = "train.csv", sha256 = "..." }` to refuse another
/// content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFilePath {
    pub(crate) file: String,
    pub(crate) sha256: Option<String>,
}

impl Serialize for DataFilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(sha256) = &self.sha256 else {
            return serializer.serialize_str(&self.file);
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("file", &self.file)?;
        map.serialize_entry("sha256", sha256)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for DataFilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

const KEYS: &[&str] = &["file", "sha256"];

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = DataFilePath;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the path of a file, or a table with `file` and `sha256`")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<DataFilePath, E> {
        Ok(DataFilePath {
            file: path.to_owned(),
            sha256: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataFilePath, A::Error> {
        let (mut file, mut sha256) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "file" => file = Some(map.next_value()?),
                "sha256" => sha256 = Some(map.next_value()?),
                other => return Err(de::Error::unknown_field(other, KEYS)),
            }
        }
        let file = file.ok_or_else(|| de::Error::missing_field("file"))?;
        Ok(DataFilePath { file, sha256 })
    }
}

impl JsonSchema for DataFilePath {
    fn schema_name() -> Cow<'static, str> {
        "DataFile".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A file of data, relative to the scenario; with `sha256` another content is refused.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "file": {
                            "description": "Path of the file, relative to the scenario.",
                            "type": "string",
                        },
                        "sha256": {
                            "description": "SHA-256 of its content, 64 hexadecimal digits.",
                            "type": "string",
                            "pattern": "^[0-9a-fA-F]{64}$",
                        },
                    },
                    "required": ["file"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
