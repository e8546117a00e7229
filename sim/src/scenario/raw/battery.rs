//! `device.battery`: what a device runs on when it is not plugged in.

use super::super::quantity::{Energy, Power, Share};
use super::super::sampled::Sampled;
use super::RawHours;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A battery. The device draws its state's power from it, and is off while it is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBattery {
    /// Energy when full.
    pub capacity: Sampled<Energy>,
    /// Level at the start.
    #[serde(default = "full")]
    pub level: Sampled<Share>,
    /// Power from the charger.
    #[serde(default = "no_charger")]
    pub charge: Power,
    /// When it is plugged in, in the client's own time; always where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<RawHours>,
    /// At this level the device goes off.
    #[serde(default = "five_percent")]
    pub empty: Share,
    /// At this level it comes back.
    #[serde(default = "twenty_percent")]
    pub resume: Share,
    /// Below this level it takes on no work; it goes on with what it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Share>,
}

fn full() -> Sampled<Share> {
    Sampled::Constant(Share::from_percent(100.0))
}

fn no_charger() -> Power {
    Power::from_watts(0.0)
}

fn five_percent() -> Share {
    Share::from_percent(5.0)
}

fn twenty_percent() -> Share {
    Share::from_percent(20.0)
}
