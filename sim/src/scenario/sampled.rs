//! A value that may differ from client to client: a constant, a draw, or a column of a file.

use super::column::{Column, Pick};
use super::distribution::{FAMILIES, Family, NAMES, family};
use super::quantity::{self, Quantity, QuantityError};
use rand::Rng;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// How often a draw outside its bounds is drawn again before it is clamped.
const REDRAWS: usize = 100;

/// A quantity that each client of a group has its own value of.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampled<Q> {
    /// The same for all: `"10 Mbps"`.
    Constant(Q),
    /// Drawn for each: `{ dist = "lognormal", median = "10 Mbps", sigma = 0.5 }`.
    Distribution(Distribution<Q>),
    /// One row of a CSV file for each: `{ file = "x.csv", column = "up_bps" }`.
    Column(Column),
}

/// A distribution with its parameters and bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution<Q> {
    family: &'static Family,
    /// In the family's order, in base units where they have a unit.
    parameters: Vec<f64>,
    min: Option<Q>,
    max: Option<Q>,
}

/// No value could be given to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawError(String);

impl DrawError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for DrawError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for DrawError {}

impl<Q: Quantity> Sampled<Q> {
    /// The value of the client with this index in its group.
    ///
    /// A draw that is no such quantity, or lies outside `min` and `max`, is drawn
    /// again up to 100 times and then clamped to the bound it missed.
    ///
    /// # Errors
    /// The column has fewer rows than clients (checked when a scenario is loaded), or
    /// every one of the draws was no such quantity and no bound says what to use.
    pub fn draw(&self, index_in_group: usize, rng: &mut impl Rng) -> Result<Q, DrawError> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Distribution(distribution) => distribution.draw(rng),
            Self::Column(column) => column
                .value(index_in_group, rng)
                .and_then(|base| Q::try_from_base(base).map_err(|e| DrawError::new(e.message()))),
        }
    }
}

impl<Q: Quantity> Distribution<Q> {
    fn draw(&self, rng: &mut impl Rng) -> Result<Q, DrawError> {
        let mut last = f64::NAN;
        for _ in 0..=REDRAWS {
            let base = self
                .family
                .draw(&self.parameters, rng)
                .map_err(DrawError::new)?;
            if let Ok(value) = Q::try_from_base(base)
                && self.min.is_none_or(|min| base >= min.base())
                && self.max.is_none_or(|max| base <= max.base())
            {
                return Ok(value);
            }
            last = base;
        }
        match (self.min, self.max) {
            (Some(min), _) if last < min.base() || last.is_nan() => Ok(min),
            (_, Some(max)) if last > max.base() => Ok(max),
            _ => Err(DrawError::new(format!(
                "{} draws in a row from `{}` were not {} (the last: {last}); give `min` and `max`",
                REDRAWS + 1,
                self.family.name,
                Q::WHAT,
            ))),
        }
    }
}

impl<Q: Quantity> Serialize for Sampled<Q> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => serializer.collect_str(value),
            Self::Column(column) => column.serialize(serializer),
            Self::Distribution(drawn) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("dist", drawn.family.name)?;
                for (parameter, value) in drawn.family.parameters.iter().zip(&drawn.parameters) {
                    if parameter.has_unit {
                        map.serialize_entry(parameter.name, &quantity::written::<Q>(*value))?;
                    } else {
                        map.serialize_entry(parameter.name, value)?;
                    }
                }
                for (key, bound) in [("min", drawn.min), ("max", drawn.max)] {
                    if let Some(bound) = bound {
                        map.serialize_entry(key, &bound.to_string())?;
                    }
                }
                map.end()
            }
        }
    }
}

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
            "{} such as \"{}\", or a table with `dist`, or one with `file` and `column`",
            Q::WHAT,
            Q::EXAMPLE
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sampled<Q>, E> {
        text.parse().map(Sampled::Constant).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Sampled<Q>, E> {
        Err(quantity::bare_number::<Q, E>(&number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Sampled<Q>, E> {
        Err(quantity::bare_number::<Q, E>(&number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sampled<Q>, A::Error> {
        // The decoder gives `dist` first, so that what the other keys are is known.
        let Some(first) = map.next_key_seed(Key(&["dist", "file", "column", "pick"]))? else {
            return Err(de::Error::custom(format!(
                "the table is empty\nwrite {} such as \"{}\", or name a distribution with `dist`",
                Q::WHAT,
                Q::EXAMPLE
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
        if self.has_unit {
            Err(quantity::bare_number::<Q, E>(&number))
        } else {
            Ok(number as f64)
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
        if self.has_unit {
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

impl<Q: Quantity + JsonSchema> JsonSchema for Sampled<Q> {
    fn schema_name() -> Cow<'static, str> {
        format!("Sampled{}", Q::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let quantity = generator.subschema_for::<Q>();
        let mut forms = vec![
            quantity.clone().to_value(),
            generator.subschema_for::<Column>().to_value(),
        ];
        for family in FAMILIES {
            let mut properties = serde_json::Map::new();
            properties.insert("dist".into(), serde_json::json!({ "const": family.name }));
            for parameter in family.parameters {
                let description = parameter.meaning;
                let schema = if parameter.has_unit {
                    serde_json::json!({ "allOf": [quantity.clone()], "description": description })
                } else {
                    serde_json::json!({ "type": "number", "description": description })
                };
                properties.insert(parameter.name.into(), schema);
            }
            properties.insert("min".into(), quantity.clone().to_value());
            properties.insert("max".into(), quantity.clone().to_value());
            let required: Vec<&str> = std::iter::once("dist")
                .chain(family.parameters.iter().map(|p| p.name))
                .collect();
            forms.push(serde_json::json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            }));
        }
        json_schema!({
            "description": format!(
                "{} for each client: a constant, a distribution, or a column of a CSV file.",
                Q::WHAT
            ),
            "anyOf": forms,
        })
    }
}
