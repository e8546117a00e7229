//! `link`: a client's own access link.

use super::super::quantity::{Bandwidth, Duration};
use super::super::sampled::Sampled;
use super::{RawAccessProfile, RawOutages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The most that each transfer from or to the client takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Sampled<Bandwidth>>,
    /// Share of packets that it loses, from 0 to below 1: it bounds the rate of the client's transfers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Added to the latency of each of the client's transfers; drawn for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Sampled<Duration>>,
    /// Bandwidth, latency and failures over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<RawAccessProfile>,
    /// Failures at random, each client's by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<RawOutages>,
}

fn zero_latency() -> Sampled<Duration> {
    Sampled::Constant(Duration::from_seconds(0.0))
}
