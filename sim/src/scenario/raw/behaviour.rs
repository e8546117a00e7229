//! What links do besides carrying bytes: `[[network.link]]`, `failure`, and the same keys of a
//! client's access link.

use super::super::quantity::{Bandwidth, Duration};
use super::super::sampled::Sampled;
use super::{RawNames, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What links of the topology do besides carrying bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNetworkLink {
    /// Which: the name of a link such as `"n0--n1"`, a list of names, or `"*"` for all of them. Of several tables that name a link the last one that gives a key holds.
    pub link: RawNames,
    /// In which direction.
    #[serde(default, skip_serializing_if = "is_default")]
    pub direction: RawDirection,
    /// Share of packets that it loses, from 0 to below 1: it bounds the rate of the transfers that cross it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Added to the latency of each transfer that crosses it; drawn for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Sampled<Duration>>,
    /// Traffic of others: it takes its rate before any transfer gets a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<RawBackground>,
    /// Bandwidth, latency and failures over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<RawProfile>,
    /// Failures at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outages: Option<RawOutages>,
}

/// A direction of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawDirection {
    /// Both.
    #[default]
    Both,
    /// From the node that its name, or its row in the file, gives first.
    Forward,
    /// To that node.
    Backward,
}

/// Traffic of others on a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawBackground {
    /// Always the same.
    Constant {
        /// What it takes, in each direction.
        rate: Bandwidth,
    },
    /// There and gone for exponential times.
    OnOff {
        /// What it takes while it is there, in each direction.
        rate: Bandwidth,
        /// Mean time for which it is there.
        on: Duration,
        /// Mean time for which it is gone.
        off: Duration,
    },
}

/// Failures of a link at random: exponential times up and down, both directions at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOutages {
    /// Mean time up.
    pub up: Duration,
    /// Mean time down.
    pub down: Duration,
}

/// What a link is like over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawProfile {
    /// Steps written here.
    Steps {
        /// By time.
        steps: Vec<RawStep>,
        /// Begins again after this time, with the link as it is by itself; left out, the last step holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeat: Option<Duration>,
    },
    /// Steps in a CSV file with the columns `time_s` and any of `bandwidth`, `latency`, `up`.
    Csv {
        /// Relative to the scenario.
        file: String,
        /// Begins again after this time, with the link as it is by itself; left out, the last row holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeat: Option<Duration>,
        /// What the file holds; empty until it is read.
        #[serde(skip)]
        text: Arc<str>,
    },
    /// A packet trace of mahimahi: in each line the millisecond at which 1500 bytes may leave.
    Mahimahi {
        /// Relative to the scenario.
        file: String,
        /// Packets are counted over this time.
        #[serde(default = "a_tenth")]
        bin: Duration,
        /// Whether it begins again after its last millisecond; otherwise the last bandwidth holds.
        #[serde(default = "yes")]
        repeat: bool,
        /// What the file holds; empty until it is read.
        #[serde(skip)]
        text: Arc<str>,
    },
    /// In each line a time in seconds and the bandwidth in Mbit/s from then on.
    SecondsMbps {
        /// Relative to the scenario.
        file: String,
        /// Whether it begins again after its last line, which holds as long as the one before; otherwise it holds for ever.
        #[serde(default = "yes")]
        repeat: bool,
        /// What the file holds; empty until it is read.
        #[serde(skip)]
        text: Arc<str>,
    },
}

/// A step of a profile; what it does not name stays as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    /// From the start of the run, or of the period.
    pub at: Duration,
    /// The bandwidth from then on. Not together with `factor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// The bandwidth from then on, in times of the link's own; with 0 nothing gets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The latency from then on, of transfers that begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Duration>,
    /// Whether the link is up from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
}

/// Profiles of an access link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawAccessProfile {
    /// Of both directions. Not together with the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub both: Option<RawProfile>,
    /// From the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<RawProfile>,
    /// To the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<RawProfile>,
}

/// What a failed link does to the transfers that cross it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawFailure {
    /// They wait until it comes back.
    #[default]
    Stall,
    /// They are cut, and tried again by the route that there is then.
    Cut {
        /// How often a transfer is tried in all; after as many failures it is lost.
        #[serde(default = "five")]
        attempts: u32,
        /// From the first failure until the second attempt.
        #[serde(default = "a_second")]
        backoff: Duration,
        /// Each further pause is this many times the one before.
        #[serde(default = "two")]
        factor: f64,
        /// No pause is longer.
        #[serde(default = "a_minute")]
        longest: Duration,
        /// Whether what has arrived need not be sent again.
        #[serde(default)]
        resume: bool,
    },
}

fn a_tenth() -> Duration {
    Duration::from_seconds(0.1)
}

fn a_second() -> Duration {
    Duration::from_seconds(1.0)
}

fn a_minute() -> Duration {
    Duration::from_seconds(60.0)
}

fn yes() -> bool {
    true
}

fn five() -> u32 {
    5
}

fn two() -> f64 {
    2.0
}
