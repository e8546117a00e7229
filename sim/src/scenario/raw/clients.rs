//! `[[clients]]`: groups of clients, their devices, links and dropout.

use super::super::quantity::{Bandwidth, Bytes, ComputeSpeed, Duration, Power};
use super::super::sampled::Sampled;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of clients that are alike up to random draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawClientGroup {
    /// Name of the group; clients are called `name-0`, `name-1`, ...
    pub name: String,
    /// Number of clients.
    pub count: usize,
    /// Architecture, such as `mlp-64-32` (hidden widths; input and output come from the data).
    pub model: String,
    /// Compute speed, memory and power.
    pub device: RawDevice,
    /// The client's own access link.
    pub link: RawLink,
    /// When its clients leave.
    #[serde(default)]
    pub dropout: RawDropout,
}

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
}

/// The device's total draw in each state; an offline device draws nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPower {
    /// Neither computing nor transferring.
    pub idle: Power,
    /// Computing.
    pub busy: Power,
    /// Sending or receiving.
    pub radio: Power,
}

/// An access link: one way up, one way down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLink {
    /// Bandwidth from the client.
    pub up: Sampled<Bandwidth>,
    /// Bandwidth to the client.
    pub down: Sampled<Bandwidth>,
    /// One-way latency.
    #[serde(default = "zero_latency")]
    pub latency: Sampled<Duration>,
}

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
}

impl Default for RawPower {
    fn default() -> Self {
        Self {
            idle: Power::from_watts(2.0),
            busy: Power::from_watts(8.0),
            radio: Power::from_watts(3.0),
        }
    }
}

fn zero_latency() -> Sampled<Duration> {
    Sampled::Constant(Duration::from_seconds(0.0))
}
