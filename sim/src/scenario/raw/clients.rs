//! `[[clients]]`: groups of clients.

use super::super::sites::{Site, Sites};
use super::{RawDevice, RawDropout, RawLink};
use fedstill_models::Holding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A group of clients: alike up to random draws, or one row of a file each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawClientGroup {
    /// Name of the group; clients are called `name-0`, `name-1`, ..., or as their rows of `file` say.
    pub name: String,
    /// Number of clients; with `file` all of its rows, or the first so many.
    pub count: usize,
    /// CSV file with one row a client, relative to the scenario: `name`, and any of `group`, `up`, `down`, `latency`, `speed`, `memory`, `model`, `samples`, `samples_0`, `samples_1`, ... What a row leaves open is the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Architecture, such as `mlp-64-32` (hidden widths; input and output come from the data).
    pub model: String,
    /// Compute speed, memory and power.
    pub device: RawDevice,
    /// The client's own access link.
    pub link: RawLink,
    /// When its clients leave.
    #[serde(default)]
    pub dropout: RawDropout,
    /// The rows of `file`.
    #[serde(skip)]
    pub sites: Option<Arc<Sites>>,
}

impl RawClientGroup {
    /// How its clients come by their samples.
    pub(crate) fn holdings(&self) -> impl Iterator<Item = Holding> {
        let of = |index: usize| {
            let site = self.sites.as_ref().and_then(|sites| sites.rows.get(index));
            site.map_or(Holding::Shared, Site::holding)
        };
        (0..self.count).map(of)
    }
}
