//! Encodes a scenario into a tree, as TOML and as the canonical text that is hashed.
//!
//! The counterpart of [`super::decode`]: an enum becomes a string, or a table with
//! `kind` when it has keys of its own.

use super::problem::{Origin, Source};
use super::tree::{Entry, Node, Value, bare_or_quoted};
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The scenario as a tree, in the order of its declaration.
pub(crate) fn encode(value: &impl Serialize) -> Value {
    // Every type of a scenario has a TOML form; a new one without is found by the first test.
    value
        .serialize(ToTree)
        .unwrap_or_else(|NoToml(what)| panic!("a scenario holds {what}, which TOML cannot"))
        .unwrap_or(Value::Table(Vec::new()))
}

/// One line `path = value` for every leaf, sorted: the same for every order of keys.
pub(crate) fn canonical(tree: &Value) -> String {
    let mut lines = Vec::new();
    flatten(tree, String::new(), &mut lines);
    lines.sort();
    lines.join("\n")
}

fn flatten(value: &Value, path: String, lines: &mut Vec<String>) {
    match value {
        Value::Table(entries) if !entries.is_empty() => {
            for entry in entries {
                let step = bare_or_quoted(&entry.key);
                flatten(&entry.node.value, format!("{path}.{step}"), lines);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                flatten(&item.value, format!("{path}.{index}"), lines);
            }
        }
        leaf => lines.push(format!("{path} = {leaf}")),
    }
}

/// The tree as a TOML document: one `[header]` a table of the first two levels, the rest inline.
pub(crate) fn toml_document(tree: &Value) -> String {
    let mut out = String::new();
    if let Value::Table(entries) = tree {
        write_table(entries, "", &mut out);
    }
    out
}

fn write_table(entries: &[Entry], path: &str, out: &mut String) {
    let depth = if path.is_empty() {
        0
    } else {
        path.split('.').count()
    };
    let apart = |entry: &Entry| match &entry.node.value {
        Value::Table(inner) => depth < 2 && !inner.is_empty() && !is_one_choice(inner),
        Value::Array(items) => {
            depth == 0
                && !items.is_empty()
                && items
                    .iter()
                    .all(|item| matches!(item.value, Value::Table(_)))
        }
        _ => false,
    };
    for entry in entries.iter().filter(|entry| !apart(entry)) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} = {}", bare_or_quoted(&entry.key), entry.node.value);
    }
    for entry in entries.iter().filter(|entry| apart(entry)) {
        let key = bare_or_quoted(&entry.key);
        let path = if path.is_empty() {
            key
        } else {
            format!("{path}.{key}")
        };
        match &entry.node.value {
            Value::Array(items) => {
                for item in items {
                    let _ = write!(out, "\n[[{path}]]\n");
                    write_table(item.entries(), &path, out);
                }
            }
            _ => {
                let _ = write!(out, "\n[{path}]\n");
                write_table(entry.node.entries(), &path, out);
            }
        }
    }
}

/// `{ kind = ..., ... }` and `{ dist = ..., ... }` read best on one line.
fn is_one_choice(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| matches!(entry.key.as_str(), "kind" | "dist" | "file"))
}

/// What has no form in TOML.
#[derive(Debug)]
struct NoToml(String);

impl fmt::Display for NoToml {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for NoToml {}

impl ser::Error for NoToml {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// `None` is an absent key.
type Encoded = Result<Option<Value>, NoToml>;

fn integer(value: impl Into<i128>) -> Encoded {
    Ok(Some(Value::Integer(value.into())))
}

fn refuse(what: &str) -> NoToml {
    NoToml(what.to_owned())
}

fn entry(source: &Arc<Source>, key: &str, value: Value) -> Entry {
    let origin = Origin::new(source, 0..0);
    Entry {
        key: key.to_owned(),
        key_origin: origin.clone(),
        node: Node {
            value,
            origin,
            layer: 0,
        },
    }
}

fn nowhere() -> Arc<Source> {
    Arc::new(Source {
        name: "resolved scenario".to_owned(),
        text: String::new(),
    })
}

struct ToTree;

impl Serializer for ToTree {
    type Ok = Option<Value>;
    type Error = NoToml;
    type SerializeSeq = Seq;
    type SerializeTuple = ser::Impossible<Self::Ok, NoToml>;
    type SerializeTupleStruct = ser::Impossible<Self::Ok, NoToml>;
    type SerializeTupleVariant = ser::Impossible<Self::Ok, NoToml>;
    type SerializeMap = Table;
    type SerializeStruct = Table;
    type SerializeStructVariant = Table;

    fn serialize_bool(self, value: bool) -> Encoded {
        Ok(Some(Value::Boolean(value)))
    }

    fn serialize_i8(self, value: i8) -> Encoded {
        integer(value)
    }

    fn serialize_i16(self, value: i16) -> Encoded {
        integer(value)
    }

    fn serialize_i32(self, value: i32) -> Encoded {
        integer(value)
    }

    fn serialize_i64(self, value: i64) -> Encoded {
        integer(value)
    }

    fn serialize_u8(self, value: u8) -> Encoded {
        integer(value)
    }

    fn serialize_u16(self, value: u16) -> Encoded {
        integer(value)
    }

    fn serialize_u32(self, value: u32) -> Encoded {
        integer(value)
    }

    fn serialize_u64(self, value: u64) -> Encoded {
        integer(value)
    }

    fn serialize_f32(self, value: f32) -> Encoded {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Encoded {
        Ok(Some(Value::Float(value)))
    }

    fn serialize_char(self, value: char) -> Encoded {
        self.serialize_str(&value.to_string())
    }

    fn serialize_str(self, value: &str) -> Encoded {
        Ok(Some(Value::String(value.to_owned())))
    }

    fn serialize_bytes(self, _: &[u8]) -> Encoded {
        Err(refuse("bytes"))
    }

    fn serialize_none(self) -> Encoded {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Encoded {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Encoded {
        Err(refuse("a unit"))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Encoded {
        Err(refuse("a unit struct"))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Encoded {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Encoded {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Encoded {
        Err(refuse("a newtype variant"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Seq, NoToml> {
        Ok(Seq {
            source: nowhere(),
            items: Vec::new(),
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NoToml> {
        Err(refuse("a tuple"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NoToml> {
        Err(refuse("a tuple struct"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoToml> {
        Err(refuse("a tuple variant"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Table, NoToml> {
        Ok(Table::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Table, NoToml> {
        Ok(Table::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Table, NoToml> {
        let mut table = Table::default();
        table.add("kind", Some(Value::String(variant.to_owned())));
        Ok(table)
    }
}

struct Seq {
    source: Arc<Source>,
    items: Vec<Node>,
}

impl ser::SerializeSeq for Seq {
    type Ok = Option<Value>;
    type Error = NoToml;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoToml> {
        if let Some(value) = value.serialize(ToTree)? {
            self.items.push(entry(&self.source, "", value).node);
        }
        Ok(())
    }

    fn end(self) -> Encoded {
        Ok(Some(Value::Array(self.items)))
    }
}

struct Table {
    source: Arc<Source>,
    entries: Vec<Entry>,
    key: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            source: nowhere(),
            entries: Vec::new(),
            key: String::new(),
        }
    }
}

impl Table {
    fn add(&mut self, key: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.entries.push(entry(&self.source, key, value));
        }
    }

    fn done(self) -> Encoded {
        Ok(Some(Value::Table(self.entries)))
    }
}

impl ser::SerializeMap for Table {
    type Ok = Option<Value>;
    type Error = NoToml;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoToml> {
        match key.serialize(ToTree)? {
            Some(Value::String(key)) => {
                self.key = key;
                Ok(())
            }
            _ => Err(refuse("a key that is no string")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoToml> {
        let key = std::mem::take(&mut self.key);
        let value = value.serialize(ToTree)?;
        self.add(&key, value);
        Ok(())
    }

    fn end(self) -> Encoded {
        self.done()
    }
}

impl ser::SerializeStruct for Table {
    type Ok = Option<Value>;
    type Error = NoToml;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NoToml> {
        let value = value.serialize(ToTree)?;
        self.add(key, value);
        Ok(())
    }

    fn end(self) -> Encoded {
        self.done()
    }
}

impl ser::SerializeStructVariant for Table {
    type Ok = Option<Value>;
    type Error = NoToml;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NoToml> {
        let value = value.serialize(ToTree)?;
        self.add(key, value);
        Ok(())
    }

    fn end(self) -> Encoded {
        self.done()
    }
}
