//! Reads a sampled quantity: a string, a table with `dist`, or one with `file`.

use super::{Distribution, Sampled};
use crate::scenario::column::{Column, Pick};
use crate::scenario::distribution::{Family, NAMES, family};
use crate::scenario::quantity::{self, Quantity, QuantityError};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

impl<'de, Q: Quantity> Deserialize<'de> for Sampled<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SampledVisitor(PhantomData))
    }
}

struct SampledVisitor<Q>(PhantomData<Q>);

impl<'de, Q: Quantity> Visitor<'de> for SampledVisitor<Q> {
    type Value = Sampled<Q>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} such as {}, or a table with `dist`, or one with `file` and `column`",
            Q::WHAT,
            quantity::example::<Q>()
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sampled<Q>, E> {
        text.parse().map(Sampled::Constant).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Sampled<Q>, E> {
        quantity::bare(number as f64).map(Sampled::Constant)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Sampled<Q>, E> {
        quantity::bare(number).map(Sampled::Constant)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sampled<Q>, A::Error> {
        // The decoder gives `dist` first, so that what the other keys are is known.
        let Some(first) = map.next_key_seed(Key(&["dist", "file", "column", "pick"]))? else {
            return Err(de::Error::custom(format!(
                "the table is empty\nwrite {} such as {}, or name a distribution with `dist`",
                Q::WHAT,
                quantity::example::<Q>()
            )));
        };
        if first == "dist" {
            let family = map.next_value_seed(FamilyName)?;
            drawn(family, map)
        } else {
            columned(first, map)
        }
    }
}

fn drawn<'de, Q: Quantity, A: MapAccess<'de>>(
    family: &'static Family,
    mut map: A,
) -> Result<Sampled<Q>, A::Error> {
    let mut values = vec![None; family.parameters.len()];
    let (mut min, mut max) = (None, None);
    while let Some(key) = map.next_key_seed(Key(family.keys))? {
        let place = family.parameters.iter().position(|p| p.name == key);
        match (key.as_str(), place) {
            (_, Some(place)) => {
                let seed = ParameterValue::<Q> {
                    has_unit: family.parameters[place].has_unit,
                    quantity: PhantomData,
                };
                values[place] = Some(map.next_value_seed(seed)?);
            }
            ("min", None) => min = Some(map.next_value::<Q>()?),
            ("max", None) => max = Some(map.next_value::<Q>()?),
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    let mut parameters = Vec::with_capacity(values.len());
    for (parameter, value) in family.parameters.iter().zip(values) {
        parameters.push(value.ok_or_else(|| {
            de::Error::custom(format!(
                "`{}` needs `{}`: {}\n`{}` takes {}",
                family.name,
                parameter.name,
                parameter.meaning,
                family.name,
                family
                    .parameters
                    .iter()
                    .map(|p| format!("`{}` ({})", p.name, p.meaning))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
        })?);
    }
    if let (Some(min), Some(max)) = (min, max)
        && min.base() > max.base()
    {
        return Err(de::Error::custom(format!(
            "`min` ({min}) is above `max` ({max})\nexchange them"
        )));
    }
    family.check(&parameters).map_err(|why| {
        de::Error::custom(format!(
            "these parameters make no `{}` distribution: {why}\ncorrect them",
            family.name
        ))
    })?;
    Ok(Sampled::Distribution(Distribution {
        family,
        parameters,
        min,
        max,
    }))
}

fn columned<'de, Q: Quantity, A: MapAccess<'de>>(
    first: String,
    mut map: A,
) -> Result<Sampled<Q>, A::Error> {
    let (mut file, mut column, mut pick) = (None, None, None);
    let mut next = Some(first);
    while let Some(key) = next {
        match key.as_str() {
            "file" => file = Some(map.next_value::<String>()?),
            "column" => column = Some(map.next_value::<String>()?),
            "pick" => pick = Some(map.next_value::<Pick>()?),
            _ => {
                return Err(de::Error::custom(
                    "`dist` and `file` exclude each other\nkeep one of them",
                ));
            }
        }
        next = map.next_key_seed(Key(&["file", "column", "pick"]))?;
    }
    let missing = |key: &str| {
        de::Error::custom(format!(
            "`{key}` is missing\nwrite {{ file = \"x.csv\", column = \"name of the column\" }}"
        ))
    };
    Ok(Sampled::Column(Column::new(
        file.ok_or_else(|| missing("file"))?,
        column.ok_or_else(|| missing("column"))?,
        pick.unwrap_or_default(),
    )))
}

/// A key that is one of those known.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let key = String::deserialize(deserializer)?;
        if self.0.contains(&key.as_str()) {
            Ok(key)
        } else {
            Err(de::Error::unknown_field(&key, self.0))
        }
    }
}

struct FamilyName;

impl<'de> DeserializeSeed<'de> for FamilyName {
    type Value = &'static Family;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        family(&name).ok_or_else(|| de::Error::unknown_variant(&name, NAMES))
    }
}

/// A parameter: with a unit where it is in the unit of what is drawn, a bare number elsewhere.
struct ParameterValue<Q> {
    has_unit: bool,
    quantity: PhantomData<Q>,
}

impl<'de, Q: Quantity> DeserializeSeed<'de> for ParameterValue<Q> {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<Q: Quantity> Visitor<'_> for ParameterValue<Q> {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_unit {
            write!(out, "{} with its unit, such as \"{}\"", Q::WHAT, Q::EXAMPLE)
        } else {
            write!(out, "a number without a unit")
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        if self.has_unit {
            quantity::parse_parameter::<Q>(text).map_err(|error: QuantityError| E::custom(error))
        } else {
            Err(E::invalid_type(de::Unexpected::Str(text), &self))
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<f64, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
        if self.has_unit && !quantity::is_plain::<Q>() {
            Err(quantity::bare_number::<Q, E>(&number))
        } else if number.is_finite() {
            Ok(number)
        } else {
            Err(E::custom(format!(
                "the parameter is {number}\nwrite a finite number"
            )))
        }
    }
}
