//! `dropout`: when clients leave.

use super::super::availability_trace::Traces;
use super::super::column::Pick;
use super::super::quantity::Duration;
use super::super::week::{TimeOfDay, Windows};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// When clients leave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawDropout {
    /// Always there.
    #[default]
    None,
    /// Each participation is cut with this probability, at a drawn point of its work.
    PerParticipation {
        /// Probability that a participation is cut.
        rate: f64,
    },
    /// Memoryless times online and offline.
    Exponential {
        /// Mean time online.
        up: Duration,
        /// Mean time offline.
        down: Duration,
    },
    /// Times online and offline of Weibull distributions.
    Weibull {
        /// Times online.
        up: RawWeibull,
        /// Times offline.
        down: RawWeibull,
    },
    /// Times online and offline of log-normal distributions.
    Lognormal {
        /// Times online.
        up: RawLogNormal,
        /// Times offline.
        down: RawLogNormal,
    },
    /// Online with a probability that depends on the time of day.
    Diurnal {
        /// The probability over the day, in the client's own time.
        curve: RawCurve,
        /// Mean time after which a client draws anew whether it is there.
        #[serde(default = "an_hour")]
        dwell: Duration,
    },
    /// Online in stated windows of the week, such as when charging and on Wi-Fi.
    Windows {
        /// Days and times of day, in the client's own time.
        windows: Windows,
        /// A client's windows are all moved by up to this much, earlier or later.
        #[serde(default, skip_serializing_if = "Duration::is_zero")]
        jitter: Duration,
    },
    /// Online when a record says so.
    Trace {
        /// Relative to the scenario: `.csv` with the columns `client,start_s,end_s`, or `.json` as FedScale writes it.
        file: String,
        /// Which of the records a client gets whose name is not in the file.
        #[serde(default)]
        pick: Pick,
        /// The records of a CSV file begin again after this time; those of a JSON file after their own `finish_time`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeat: Option<Duration>,
        /// What the file holds; empty until it is read.
        #[serde(skip)]
        traces: Arc<Traces>,
    },
}

/// A Weibull distribution of times; one of `mean` and `scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWeibull {
    /// Mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Duration>,
    /// Scale λ: mean = λ·Γ(1 + 1/shape).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Duration>,
    /// Shape k: below 1 what has lasted goes on lasting, 1 is memoryless, above 1 it wears out.
    pub shape: f64,
}

/// A log-normal distribution of times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLogNormal {
    /// Median; mean = median·exp(sigma²/2).
    pub median: Duration,
    /// Standard deviation of the natural logarithm.
    pub sigma: f64,
}

/// A probability over the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RawCurve {
    /// One for each hour, from midnight.
    Hourly(Vec<f64>),
    /// A cosine.
    Cosine(RawCosine),
}

/// mean + amplitude·cos(2π (time − peak) / 24 h).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCosine {
    /// Probability over the whole day.
    pub mean: f64,
    /// How far it rises above the mean, and falls below it.
    pub amplitude: f64,
    /// Time of day at which it is highest.
    pub peak: TimeOfDay,
}

fn an_hour() -> Duration {
    Duration::from_seconds(3600.0)
}

impl<'de> Deserialize<'de> for RawCurve {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CurveVisitor)
    }
}

struct CurveVisitor;

impl<'de> Visitor<'de> for CurveVisitor {
    type Value = RawCurve;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("24 probabilities, or a table with `mean`, `amplitude` and `peak`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawCurve, A::Error> {
        let mut hours = Vec::new();
        while let Some(hour) = seq.next_element()? {
            hours.push(hour);
        }
        Ok(RawCurve::Hourly(hours))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCurve, A::Error> {
        RawCosine::deserialize(MapAccessDeserializer::new(map)).map(RawCurve::Cosine)
    }
}

impl JsonSchema for RawCurve {
    fn schema_name() -> Cow<'static, str> {
        "RawCurve".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A probability over the day: one for each hour from midnight, or a cosine.",
            "anyOf": [
                {
                    "type": "array",
                    "items": { "type": "number", "minimum": 0, "maximum": 1 },
                    "minItems": 24,
                    "maxItems": 24,
                },
                RawCosine::json_schema(generator),
            ],
        })
    }
}
