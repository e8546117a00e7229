//! `device`: what a client computes on.

use super::super::quantity::{Bytes, ComputeSpeed, Power};
use super::super::sampled::Sampled;
use super::RawBattery;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Compute speed, memory and power of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDevice {
    /// Effective floating-point speed in training.
    pub speed: Sampled<ComputeSpeed>,
    /// Memory that training may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Sampled<Bytes>>,
    /// The device's total draw in each state.
    #[serde(default)]
    pub power: RawPower,
    /// What it runs on when it is not plugged in; without one it runs on the mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<RawBattery>,
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
