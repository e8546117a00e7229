//! A value that may differ from client to client: a constant, a draw, or a column of a file.

mod reading;

use super::column::Column;
use super::distribution::{FAMILIES, Family};
use super::quantity::{self, Quantity};
use rand::Rng;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

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

impl<Q: Quantity> Sampled<Q> {
    /// Whatever is drawn: with bounds where none are given, so that no draw can fail.
    pub(crate) fn bound(&mut self) {
        if let Self::Distribution(distribution) = self {
            let bound = |base| Q::try_from_base(base).ok();
            distribution.min = distribution.min.or_else(|| bound(Q::SMALLEST));
            distribution.max = distribution.max.or_else(|| bound(Q::LARGEST));
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
            Self::Constant(value) => value.serialize(serializer),
            Self::Column(column) => column.serialize(serializer),
            Self::Distribution(drawn) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("dist", drawn.family.name)?;
                for (parameter, value) in drawn.family.parameters.iter().zip(&drawn.parameters) {
                    if parameter.has_unit && !quantity::is_plain::<Q>() {
                        map.serialize_entry(parameter.name, &quantity::written::<Q>(*value))?;
                    } else {
                        map.serialize_entry(parameter.name, value)?;
                    }
                }
                for (key, bound) in [("min", drawn.min), ("max", drawn.max)] {
                    if let Some(bound) = bound {
                        map.serialize_entry(key, &bound)?;
                    }
                }
                map.end()
            }
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

#[cfg(test)]
mod tests;
