//! `link`: a client's own access link.

use super::super::quantity::{Bandwidth, Duration};
use super::super::sampled::Sampled;
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
}

fn zero_latency() -> Sampled<Duration> {
    Sampled::Constant(Duration::from_seconds(0.0))
}
