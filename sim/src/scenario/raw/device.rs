//! `device`: what a client computes on.

use super::super::quantity::{Bytes, ComputeSpeed, Duration, Factor, Power};
use super::super::sampled::Sampled;
use super::{RawBattery, one};
use crate::device::{Steps, StepsError};
use crate::time::SimDuration;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Compute speed, memory and power of a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDevice {
    /// A class of the library, whose figures hold where this table is silent; `device = "raspberry-pi-4"` is short for a table of this key alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// A fleet of several devices: each client draws one of these by `weight`. Keys beside it hold for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<RawDevice>,
    /// How often it is drawn beside the others of a `mix`; 1 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// What `clients.csv` calls it; the class where it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Effective floating-point speed in training, of each core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Sampled<ComputeSpeed>>,
    /// Number of cores; left out, the device is one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub cores: u32,
    /// Cores that training uses at once; all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_cores: Option<u32>,
    /// A factor on its speed that changes over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_profile: Option<RawSpeedProfile>,
    /// What else runs on it, in cores that this asks for: a number, or steps over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<RawLoad>,
    /// A factor on the speed of each computation, drawn anew for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Sampled<Factor>>,
    /// Memory that training may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Sampled<Bytes>>,
    /// The device's total draw in each state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<RawPower>,
    /// What it runs on when it is not plugged in; without one it runs on the mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<RawBattery>,
}

/// A factor on the speed that changes over time; 1 before the first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSpeedProfile {
    /// In order of time.
    pub steps: Vec<RawSpeedStep>,
    /// After this time it begins again; left out, the last step holds for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
}

/// A factor from a time on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSpeedStep {
    /// From the start of the run, or of the period.
    pub at: Duration,
    /// Times the speed: 0.5 is half as fast, 0 stands still.
    pub factor: f64,
}

/// What else runs: always as much, or in steps over time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawLoad {
    /// Always as many cores.
    Constant(f64),
    /// Nothing before the first step.
    Steps(RawLoadProfile),
}

/// A background load that changes over time; 0 before the first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLoadProfile {
    /// In order of time.
    pub steps: Vec<RawLoadStep>,
    /// After this time it begins again; left out, the last step holds for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
}

/// A load from a time on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLoadStep {
    /// From the start of the run, or of the period.
    pub at: Duration,
    /// Cores that it asks for: 2.3 are two tasks that keep a core busy and one that asks for three tenths of a core.
    pub load: f64,
}

impl<'de> Deserialize<'de> for RawLoad {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LoadVisitor)
    }
}

struct LoadVisitor;

impl<'de> Visitor<'de> for LoadVisitor {
    type Value = RawLoad;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number of cores, such as 0.5, or a table with `steps`")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<RawLoad, E> {
        Ok(RawLoad::Constant(number as f64))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<RawLoad, E> {
        Ok(RawLoad::Constant(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<RawLoad, E> {
        Ok(RawLoad::Constant(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawLoad, A::Error> {
        RawLoadProfile::deserialize(MapAccessDeserializer::new(map)).map(RawLoad::Steps)
    }
}

impl RawDevice {
    /// Itself, or the devices of its mix; each with what leads to it from its own path.
    pub(crate) fn each(&self) -> Vec<(String, &RawDevice)> {
        if self.mix.is_empty() {
            return vec![(String::new(), self)];
        }
        let mix = self.mix.iter().enumerate();
        mix.map(|(place, device)| (format!(".mix.{place}"), device))
            .collect()
    }

    /// The same, to be changed.
    pub(crate) fn each_mut(&mut self) -> Vec<(String, &mut RawDevice)> {
        if self.mix.is_empty() {
            return vec![(String::new(), self)];
        }
        let mix = self.mix.iter_mut().enumerate();
        mix.map(|(place, device)| (format!(".mix.{place}"), device))
            .collect()
    }
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

impl RawSpeedProfile {
    /// The factor as a function of time.
    pub(crate) fn steps(&self) -> Result<Steps, StepsError> {
        let steps = self.steps.iter();
        let steps = steps.map(|step| (nanoseconds(step.at), step.factor));
        Steps::new(
            1.0,
            &steps.collect::<Vec<_>>(),
            self.repeat.map(nanoseconds),
        )
    }
}

impl RawLoad {
    /// The load as a function of time.
    pub(crate) fn steps(&self) -> Result<Steps, StepsError> {
        match self {
            Self::Constant(load) => Steps::new(0.0, &[(SimDuration::ZERO, *load)], None),
            Self::Steps(profile) => {
                let steps = profile.steps.iter();
                let steps = steps.map(|step| (nanoseconds(step.at), step.load));
                let period = profile.repeat.map(nanoseconds);
                Steps::new(0.0, &steps.collect::<Vec<_>>(), period)
            }
        }
    }
}

fn nanoseconds(duration: Duration) -> SimDuration {
    SimDuration::from_nanos(duration.nanoseconds())
}

/// The device's total draw in each state; an offline device draws nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPower {
    /// Neither computing nor transferring.
    pub idle: Power,
    /// Computing.
    pub busy: Power,
    /// Sending.
    pub transmit: Power,
    /// Receiving.
    pub receive: Power,
}

impl Default for RawPower {
    fn default() -> Self {
        Self {
            idle: Power::from_watts(2.0),
            busy: Power::from_watts(8.0),
            transmit: Power::from_watts(3.0),
            receive: Power::from_watts(3.0),
        }
    }
}
