//! Decodes a merged tree into the scenario's types; every error knows its place.
//!
//! An enum is written either as a string (its kind alone) or as a table with
//! `kind` beside the keys of that kind. Reading it here, instead of by serde's
//! internally tagged representation, keeps the place of every value inside it
//! and refuses unknown keys of kinds that have none.

use super::known_keys::Known;
use super::problem::{Origin, Problem};
use super::quantity::nearest;
use super::tree::{Entry, Node, Value};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};
use std::fmt;

/// The key that says which variant of an enum a table is.
const TAG: &str = "kind";

/// What is wrong with a value, and where.
#[derive(Debug)]
pub(crate) struct DecodeError {
    pub(crate) what: What,
    pub(crate) place: Option<Origin>,
    /// Keys from the root, outermost first.
    pub(crate) path: Vec<String>,
}

/// The kinds of error that serde tells apart.
#[derive(Debug)]
pub(crate) enum What {
    UnknownKey {
        found: String,
        known: Vec<&'static str>,
    },
    UnknownVariant {
        found: String,
        known: Vec<&'static str>,
    },
    WrongType {
        found: String,
        expected: String,
    },
    MissingKey(String),
    /// A title, and on the lines after it ways out.
    Other(String),
}

impl DecodeError {
    fn new(what: What) -> Self {
        Self {
            what,
            place: None,
            path: Vec::new(),
        }
    }

    /// The innermost place wins: it is set first.
    fn or_at(mut self, place: &Origin) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn under(mut self, step: &str) -> Self {
        self.path.insert(0, step.to_owned());
        self
    }

    /// As a user should read it.
    pub(crate) fn into_problem(self, about: impl Fn(&str) -> Option<String>) -> Problem {
        let whole = self.path.join(".");
        let inside = |container: &str| {
            if container.is_empty() {
                "at the top of the scenario".to_owned()
            } else {
                format!("in `{container}`")
            }
        };
        let parent = self
            .path
            .split_last()
            .map_or_else(String::new, |(_, rest)| rest.join("."));
        let (problem, label) = match &self.what {
            What::UnknownKey { found, known } => {
                let problem = Problem::new(format!("unknown key `{found}` {}", inside(&parent)));
                let problem = match nearest(found, known.iter().copied()) {
                    Some(near) => problem.way_out(format!("did you mean `{near}`?")),
                    None if known.is_empty() => {
                        problem.way_out(format!("remove it, or change `{parent}.{TAG}`"))
                    }
                    None => problem.way_out("remove it; `fedstill schema` lists every key"),
                };
                let label = match known.as_slice() {
                    [] => format!("this kind has no keys besides `{TAG}`"),
                    _ => format!("expected {}", one_of(known)),
                };
                (problem, label)
            }
            What::UnknownVariant { found, known } => {
                let problem = Problem::new(format!("`{whole}` cannot be `{found}`"));
                let problem = match nearest(found, known.iter().copied()) {
                    Some(near) => problem.way_out(format!("did you mean \"{near}\"?")),
                    None => problem,
                };
                (problem, format!("expected {}", one_of(known)))
            }
            What::WrongType { found, expected } => {
                let problem = Problem::new(format!("`{whole}` is of the wrong type: {found}"));
                let problem = match about(&whole) {
                    Some(meaning) => problem.note(format!("`{whole}`: {meaning}")),
                    None => problem,
                };
                (problem, format!("expected {expected}"))
            }
            What::MissingKey(key) => {
                let path = if whole.is_empty() {
                    key.clone()
                } else {
                    format!("{whole}.{key}")
                };
                let problem =
                    Problem::new(format!("the key `{key}` is missing {}", inside(&whole)));
                let meaning =
                    about(&path).map_or_else(String::new, |meaning| format!(": {meaning}"));
                (
                    problem.way_out(format!("add {}{meaning}", as_written(&path, key))),
                    format!("`{key}` is needed here"),
                )
            }
            What::Other(text) => {
                let mut lines = text.lines();
                let title = lines.next().unwrap_or_default();
                let mut problem = Problem::new(if whole.is_empty() {
                    title.to_owned()
                } else {
                    format!("`{whole}`: {title}")
                });
                for line in lines {
                    problem = problem.way_out(line);
                }
                (problem, String::new())
            }
        };
        match &self.place {
            Some(place) => problem.at(place, label),
            None => problem,
        }
    }
}

/// How a missing key is written: a table under its header, anything else on its line.
fn as_written(path: &str, key: &str) -> String {
    let known = path.split('.').try_fold(Known::root(), Known::child);
    match known {
        Some(known) if path == key && known.is_array() => format!("a table `[[{key}]]`"),
        Some(known) if path == key && known.is_table() => format!("a table `[{key}]`"),
        _ => format!("`{key} = ...`"),
    }
}

fn one_of(known: &[&str]) -> String {
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.what)
    }
}

impl std::error::Error for DecodeError {}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("the integer `{value}`"),
        Unexpected::Signed(value) => format!("the integer `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(value) => format!("the string \"{value}\""),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// serde names Rust's types; a user knows TOML's.
fn in_words(expected: &dyn de::Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "usize" | "u64" | "u32" => "a whole number, zero or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a sequence" => "an array".to_owned(),
        _ => match text.strip_prefix("struct Raw") {
            Some(_) => "a table".to_owned(),
            None => text,
        },
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(What::WrongType {
            found: found(unexpected),
            expected: in_words(expected),
        })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "u32" => "a whole number from 0 to 4294967295".to_owned(),
            _ => in_words(expected),
        };
        Self::new(What::WrongType {
            found: found(unexpected),
            expected,
        })
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownVariant {
            found: variant.to_owned(),
            known: known.to_vec(),
        })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey {
            found: field.to_owned(),
            known: known.to_vec(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::MissingKey(field.to_owned()))
    }
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let outcome = match &self.value {
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match i64::try_from(*value) {
                Ok(small) => visitor.visit_i64(small),
                Err(_) => visitor.visit_u64(u64::try_from(*value).unwrap_or(u64::MAX)),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_borrowed_str(value),
            Value::Datetime(_) => Err(de::Error::invalid_type(
                Unexpected::Other("a date"),
                &visitor,
            )),
            Value::Array(items) => visitor.visit_seq(Items { items, index: 0 }),
            Value::Table(entries) => visitor.visit_map(Keys::new(entries, &[])),
        };
        outcome.map_err(|error| error.or_at(&self.origin))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let tag = match &self.value {
            Value::String(_) => self,
            Value::Table(_) => match self.entry(TAG) {
                Some(entry) => &entry.node,
                None => {
                    return Err(DecodeError::new(What::Other(format!(
                        "the key `{TAG}` is missing\nadd `{TAG} = ...`, one of {}",
                        one_of(variants)
                    )))
                    .or_at(&self.origin));
                }
            },
            other => {
                return Err(DecodeError::new(What::WrongType {
                    found: format!("{} `{other}`", with_article(other.kind())),
                    expected: format!("one of {}", one_of(variants)),
                })
                .or_at(&self.origin));
            }
        };
        visitor
            .visit_enum(Variant { node: self, tag })
            .map_err(|error| error.or_at(&self.origin))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// The values of an array in order.
struct Items<'de> {
    items: &'de [Node],
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let index = self.index;
        self.index += 1;
        self.items
            .get(index)
            .map(|item| {
                seed.deserialize(item)
                    .map_err(|e| e.under(&index.to_string()))
            })
            .transpose()
    }
}

/// The keys of a table, `dist` first: it says what the other keys are.
struct Keys<'de> {
    entries: Vec<&'de Entry>,
    next: usize,
}

impl<'de> Keys<'de> {
    fn new(entries: &'de [Entry], without: &[&str]) -> Self {
        let mut entries: Vec<&Entry> = entries
            .iter()
            .filter(|entry| !without.contains(&entry.key.as_str()))
            .collect();
        entries.sort_by_key(|entry| entry.key != "dist");
        Self { entries, next: 0 }
    }
}

impl<'de> de::MapAccess<'de> for Keys<'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let Some(entry) = self.entries.get(self.next) else {
            return Ok(None);
        };
        let key: de::value::StrDeserializer<'_, DecodeError> =
            entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.or_at(&entry.key_origin).under(&entry.key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        let entry = self.entries[self.next];
        self.next += 1;
        seed.deserialize(&entry.node)
            .map_err(|error| error.or_at(&entry.node.origin).under(&entry.key))
    }
}

/// A kind and the keys beside it.
#[derive(Clone, Copy)]
struct Variant<'de> {
    node: &'de Node,
    tag: &'de Node,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), DecodeError> {
        let variant = match &self.tag.value {
            Value::String(name) => {
                let name: de::value::StrDeserializer<'_, DecodeError> =
                    name.as_str().into_deserializer();
                seed.deserialize(name)
            }
            other => Err(DecodeError::new(What::WrongType {
                found: format!("{} `{other}`", with_article(other.kind())),
                expected: "a string".to_owned(),
            })),
        };
        variant
            .map(|value| (value, self))
            .map_err(|error| error.or_at(&self.tag.origin))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.node.entries().iter().find(|entry| entry.key != TAG) {
            None => Ok(()),
            Some(entry) => Err(DecodeError::new(What::UnknownKey {
                found: entry.key.clone(),
                known: Vec::new(),
            })
            .or_at(&entry.key_origin)
            .under(&entry.key)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.node)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        Err(de::Error::invalid_type(Unexpected::TupleVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Keys::new(self.node.entries(), &[TAG]))
    }
}
