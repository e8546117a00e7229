//! Decodes a merged tree into the scenario's types; every error knows its place.
//!
//! An enum is written either as a string (its kind alone) or as a table with
//! `kind` beside the keys of that kind. Reading it here, instead of by serde's
//! internally tagged representation, keeps the place of every value inside it
//! and refuses unknown keys of kinds that have none.

use super::decode_error::{DecodeError, What, one_of};
use super::tree::{Entry, Node, Value};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};

/// The key that says which variant of an enum a table is.
pub(crate) const TAG: &str = "kind";

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

    /// One, or an array of several: asked for by types that may be written either way.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let outcome = match &self.value {
            Value::Array(items) => visitor.visit_seq(Items { items, index: 0 }),
            _ => visitor.visit_seq(Only { node: Some(self) }),
        };
        outcome.map_err(|error| error.or_at(&self.origin))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple map struct identifier ignored_any
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

/// One value that stands for an array of one.
struct Only<'de> {
    node: Option<&'de Node>,
}

impl<'de> de::SeqAccess<'de> for Only<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let node = self.node.take();
        node.map(|node| seed.deserialize(node)).transpose()
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
