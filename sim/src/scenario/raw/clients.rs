//! `[[clients]]`: groups of clients.

use super::super::sites::{Site, Sites};
use super::{
    RawDevice, RawDropout, RawHours, RawLink, RawModel, RawMoment, RawNames, RawOnReturn,
    RawSiteData, RawZones, is_default,
};
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
    /// CSV file with one row a client, relative to the scenario: `name`, and any of `group`, `up`, `down`, `latency`, `at`, `speed`, `memory`, `model`, `hours`, `time_zone`, `samples`, `samples_0`, `samples_1`, ... What a row leaves open is the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Architecture, such as `mlp-64-32` (hidden widths; input and output come from the data), or a table with its layers.
    pub model: RawModel,
    /// How its clients' data differ from the pool's: turned images, noise, wrong labels, classes or features missing.
    #[serde(default, skip_serializing_if = "RawSiteData::is_plain")]
    pub data: RawSiteData,
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
    /// The rows of `file`.
    #[serde(skip)]
    pub sites: Option<Arc<Sites>>,
}

impl RawClientGroup {
    /// The row of the client with this index, where the group has a file.
    pub(crate) fn site(&self, index: usize) -> Option<&Site> {
        self.sites.as_ref()?.rows.get(index)
    }

    /// The name of the client with this index.
    pub(crate) fn client_name(&self, index: usize) -> String {
        match self.site(index) {
            Some(site) => site.name.clone(),
            None => format!("{}-{index}", self.name),
        }
    }

    /// How its clients come by their samples of data with these classes.
    pub(crate) fn holdings(&self, classes: &[String]) -> impl Iterator<Item = Holding> {
        let site = |index| self.site(index);
        let of = move |index| site(index).map_or(Holding::Shared, |site| site.holding(classes));
        (0..self.count).map(of)
    }
}
