//! `[[clients]]`: groups of clients.

use super::{
    RawDevice, RawDropout, RawHours, RawLink, RawModel, RawMoment, RawNames, RawOnReturn, RawZones,
    is_default,
};
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
    /// Architecture, such as `mlp-64-32` (hidden widths; input and output come from the data), or a table with its layers.
    pub model: RawModel,
    /// Compute speed, memory and power.
    pub device: RawDevice,
    /// The client's own access link.
    pub link: RawLink,
    /// Where its clients' access links end: a node of the topology, or a list whose nodes the clients of the group take in turn; left out, all clients take the topology's edge nodes in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<RawNames>,
    /// When its clients leave.
    #[serde(default)]
    pub dropout: RawDropout,
    /// Windows of the week outside which its clients are offline, whatever `dropout` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<RawHours>,
    /// When its clients join; they are offline before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<RawMoment>,
    /// When its clients leave for good; they are offline from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<RawMoment>,
    /// How far its clients' clocks are ahead of UTC, for daily curves and windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<RawZones>,
    /// What becomes of a client's work when it goes away.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_return: RawOnReturn,
}
