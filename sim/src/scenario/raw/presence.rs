//! `hours`, `join`, `leave`, `time_zone` and `on_return`: what composes with every `dropout`.

use super::super::quantity::Duration;
use super::super::sampled::Sampled;
use super::super::week::{Windows, WindowsVisitor, Zone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// What becomes of a client's work when it goes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawOnReturn {
    /// It is cut, and the aggregator learns of it after the detection delay.
    #[default]
    Abandon,
    /// It is suspended and goes on when the client is back; nobody is told.
    Resume,
}

/// Windows of the week in which a client is there at most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RawHours {
    /// Days and times of day, in the client's own time.
    pub windows: Windows,
    /// A client's windows are all moved by up to this much, earlier or later.
    #[serde(skip_serializing_if = "Duration::is_zero")]
    pub jitter: Duration,
}

/// When something happens to each client of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RawMoment {
    /// A value, a distribution or a column.
    Sampled(Sampled<Duration>),
    /// In stages, in the order of the clients.
    Stages(Vec<RawStage>),
}

/// A share of a group's clients, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStage {
    /// When.
    pub at: Duration,
    /// Share of the group, above 0.
    pub share: f64,
}

/// How far the clocks of a group's clients are ahead of UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RawZones {
    /// All alike.
    One(Zone),
    /// In turn: client i has zone i, and after the last it begins again.
    InTurn(Vec<Zone>),
    /// Each client draws one.
    Shares(Vec<RawZoneShare>),
}

/// A time zone and how many of the clients are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawZoneShare {
    /// How far the clock is ahead of UTC.
    pub zone: Zone,
    /// Probability, relative to the other shares.
    pub share: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursTable {
    windows: Windows,
    #[serde(default)]
    jitter: Duration,
}

impl<'de> Deserialize<'de> for RawHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HoursVisitor)
    }
}

struct HoursVisitor;

impl HoursVisitor {
    fn without_jitter(windows: Windows) -> RawHours {
        let jitter = Duration::default();
        RawHours { windows, jitter }
    }
}

impl<'de> Visitor<'de> for HoursVisitor {
    type Value = RawHours;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        WindowsVisitor.expecting(out)?;
        out.write_str(", or a table with `windows` and `jitter`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawHours, E> {
        WindowsVisitor.visit_str(text).map(Self::without_jitter)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<RawHours, A::Error> {
        WindowsVisitor.visit_seq(seq).map(Self::without_jitter)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawHours, A::Error> {
        let table = HoursTable::deserialize(MapAccessDeserializer::new(map))?;
        let HoursTable { windows, jitter } = table;
        Ok(RawHours { windows, jitter })
    }
}

impl JsonSchema for RawHours {
    fn schema_name() -> Cow<'static, str> {
        "RawHours".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let windows = generator.subschema_for::<Windows>();
        let jitter = generator.subschema_for::<Duration>();
        json_schema!({
            "description": "Windows of the week in which a client is there at most.",
            "anyOf": [windows.clone(), {
                "type": "object",
                "properties": {
                    "windows": { "allOf": [windows], "description": "Days and times of day, in the client's own time." },
                    "jitter": { "allOf": [jitter], "description": "A client's windows are all moved by up to this much, earlier or later." },
                },
                "required": ["windows"],
                "additionalProperties": false,
            }],
        })
    }
}

impl<'de> Deserialize<'de> for RawMoment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentVisitor)
    }
}

struct MomentVisitor;

impl<'de> Visitor<'de> for MomentVisitor {
    type Value = RawMoment;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "a time such as \"2 d\", a table with `dist` or `file`, or a list of stages such as \
             { at = \"2 d\", share = 0.5 }",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawMoment, E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        Sampled::deserialize(text).map(RawMoment::Sampled)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RawMoment, E> {
        Sampled::deserialize(number.into_deserializer()).map(RawMoment::Sampled)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<RawMoment, E> {
        Sampled::deserialize(number.into_deserializer()).map(RawMoment::Sampled)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMoment, A::Error> {
        Sampled::deserialize(MapAccessDeserializer::new(map)).map(RawMoment::Sampled)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawMoment, A::Error> {
        let mut stages = Vec::new();
        while let Some(stage) = seq.next_element()? {
            stages.push(stage);
        }
        Ok(RawMoment::Stages(stages))
    }
}

impl JsonSchema for RawMoment {
    fn schema_name() -> Cow<'static, str> {
        "RawMoment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Sampled::<Duration>::json_schema(generator);
        let stages = serde_json::json!({
            "type": "array",
            "minItems": 1,
            "items": RawStage::json_schema(generator),
        });
        if let Some(forms) = schema.get_mut("anyOf").and_then(|f| f.as_array_mut()) {
            forms.push(stages);
        }
        schema.insert(
            "description".to_owned(),
            "A time for each client: a constant, a distribution, a column of a CSV file, or a \
             list of stages, each a share of the clients in order."
                .into(),
        );
        schema
    }
}

impl<'de> Deserialize<'de> for RawZones {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ZonesVisitor)
    }
}

struct ZonesVisitor;

impl<'de> Visitor<'de> for ZonesVisitor {
    type Value = RawZones;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "a time zone such as \"+02:00\", a list of them, or a list of tables with `zone` and \
             `share`",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawZones, E> {
        text.parse().map(RawZones::One).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawZones, A::Error> {
        let (mut plain, mut shares) = (Vec::new(), Vec::new());
        while let Some(item) = seq.next_element()? {
            match item {
                ZoneItem::Plain(zone) => plain.push(zone),
                ZoneItem::Share(share) => shares.push(share),
            }
        }
        match (plain.is_empty(), shares.is_empty()) {
            (false, true) => Ok(RawZones::InTurn(plain)),
            (true, false) => Ok(RawZones::Shares(shares)),
            (true, true) => Err(de::Error::custom(
                "there are no time zones\ngive one, such as \"+02:00\"",
            )),
            (false, false) => Err(de::Error::custom(
                "some of the time zones have a share and some have none\ngive each a share, or none",
            )),
        }
    }
}

enum ZoneItem {
    Plain(Zone),
    Share(RawZoneShare),
}

impl<'de> Deserialize<'de> for ZoneItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ZoneItemVisitor)
    }
}

struct ZoneItemVisitor;

impl<'de> Visitor<'de> for ZoneItemVisitor {
    type Value = ZoneItem;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a time zone such as \"+02:00\", or a table with `zone` and `share`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ZoneItem, E> {
        text.parse().map(ZoneItem::Plain).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ZoneItem, A::Error> {
        RawZoneShare::deserialize(MapAccessDeserializer::new(map)).map(ZoneItem::Share)
    }
}

impl JsonSchema for RawZones {
    fn schema_name() -> Cow<'static, str> {
        "RawZones".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let zone = generator.subschema_for::<Zone>();
        json_schema!({
            "description": "How far the clocks of the clients are ahead of UTC: one for all, a list that they take in turn, or a list with shares from which each draws.",
            "anyOf": [
                zone.clone(),
                { "type": "array", "minItems": 1, "items": zone },
                { "type": "array", "minItems": 1, "items": RawZoneShare::json_schema(generator) },
            ],
        })
    }
}
