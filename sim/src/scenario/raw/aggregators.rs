//! `[[method.tier]]`: aggregators between the server and the clients.

use super::super::quantity::{Bandwidth, Duration};
use super::device::RawDevice;
use super::method::RawSchedule;
use super::place::RawNames;
use super::selection::RawSelection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Aggregators between the server and the clients, all alike. Each collects from the children for whom it is the nearest one of its tier, and contributes to the nearest one of the tier above.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAggregators {
    /// They are called `name-0`, `name-1`, ... in the tables.
    pub name: String,
    /// Nodes of the topology where they stand, or the first part of the names of such nodes: `edge` for `edge-0`, `edge-1`, ...; left out, as `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<RawNames>,
    /// Versions that each makes of its own (κ₂) between two contributions to the tier above.
    #[serde(default = "one")]
    pub versions: u64,
    /// When each publishes a version.
    #[serde(default)]
    pub schedule: RawSchedule,
    /// Who of its children works.
    #[serde(default)]
    pub selection: RawSelection,
    /// Bandwidth from each.
    #[serde(default = "one_gigabit")]
    pub up: Bandwidth,
    /// Bandwidth to each.
    #[serde(default = "one_gigabit")]
    pub down: Bandwidth,
    /// One-way latency of its link to its node.
    #[serde(default = "no_time")]
    pub latency: Duration,
    /// What each learns on, where its rule learns; left out, 1 TFLOP/s whose energy is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<RawDevice>,
}

fn one() -> u64 {
    1
}

fn one_gigabit() -> Bandwidth {
    Bandwidth::from_bits_per_second(1e9)
}

fn no_time() -> Duration {
    Duration::from_seconds(0.0)
}
