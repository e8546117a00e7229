//! The scenario file as written: every key, its type, unit and default.
//!
//! These types say what a file may contain; whether the values make sense
//! together is checked when a [`RawScenario`] becomes a
//! [`Scenario`](super::Scenario). Doc comments here are the descriptions in
//! `scenarios/schema.json`.

mod adapter;
mod aggregators;
mod battery;
mod behaviour;
mod clients;
mod codec;
mod compute;
mod data;
mod device;
mod dropout;
mod link;
mod method;
mod model;
mod network;
mod outcome;
mod peers;
mod place;
mod presence;
mod public;
mod rule;
mod selection;
mod site;
mod source;

pub use adapter::{RawAdapter, RawReference, RawTemperature};
pub use aggregators::RawAggregators;
pub use battery::RawBattery;
pub use behaviour::{
    RawAccessProfile, RawBackground, RawDirection, RawFailure, RawNetworkLink, RawOutages,
    RawProfile, RawStep,
};
pub use clients::RawClientGroup;
pub use codec::{RawCodec, RawCodecStage, RawLabelPad, RawRounding, RawScaleGroup};
pub use compute::{RawCompute, RawHost};
pub use data::{RawData, RawNormalise, RawPartition};
pub use device::{
    RawDevice, RawLoad, RawLoadProfile, RawLoadStep, RawPower, RawSpeedProfile, RawSpeedStep,
};
pub use dropout::{RawCosine, RawCurve, RawDropout, RawLogNormal, RawWeibull};
pub use link::RawLink;
pub use method::{
    RawClip, RawCount, RawDecay, RawDistill, RawDistillLoss, RawExchange, RawLocal, RawMeans,
    RawMethod, RawOptimizer, RawPrecision, RawPrediction, RawSchedule, RawStaleness, RawStrand,
};
pub use model::{RawLayer, RawLayers, RawModel, RawResidual, WrongModel};
pub use network::{
    RawHostLink, RawNetwork, RawNetworkScenario, RawRoute, RawSharing, RawTier, RawTopology,
    RawTransfer, RawTransport,
};
pub use outcome::{
    RawBenefit, RawCost, RawEvaluation, RawMeasure, RawRecords, RawScope, RawSplit, RawStop,
    RawTarget,
};
pub use peers::{RawPeerGraph, RawPeers};
pub use place::RawNames;

pub use presence::{RawHours, RawMoment, RawOnReturn, RawStage, RawZoneShare, RawZones};
pub use public::{
    RawDistillOrder, RawPredictions, RawSampleFilter, RawServerLearning, RawServerSends,
};
pub use rule::{RawRule, RawWeights};
pub use selection::{RawPreferred, RawSelection, RawUploads};
pub use site::{RawConceptShift, RawName, RawRenamedClass, RawSiteData};
pub use source::{RawCifarLabels, RawSource};

use super::quantity::{Bandwidth, Duration};
use super::week::WeekTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A deployment to simulate: data, clients, network, method, and when to stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawScenario {
    /// Name of the scenario; names its output folder. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Sets both `seed_world` and `seed_dynamics`; each replication derives new ones from it.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Seed of data, devices, links, split and initial weights; when given it is held fixed over replications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_world: Option<u64>,
    /// Seed of dropout, batches, selection and noise; when given it is held fixed over replications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_dynamics: Option<u64>,
    /// How often to run with new seeds.
    #[serde(default = "one")]
    pub replications: u32,
    /// Number of the replication that a resolved file repeats; leave it out otherwise.
    #[serde(default)]
    pub replication: u32,
    /// Which run of its batch a resolved file repeats; leave it out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RawRun>,
    /// Day of the week and time of day in UTC at which the run begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: WeekTime,
    /// What is learned from, and how it is split over the clients.
    pub data: RawData,
    /// Groups of clients that are alike.
    pub clients: Vec<RawClientGroup>,
    /// How hosts are connected.
    #[serde(default)]
    pub network: RawNetwork,
    /// The aggregator's own link, and how it watches its clients.
    #[serde(default)]
    pub server: RawServer,
    /// How the clients learn together.
    pub method: RawMethod,
    /// When models are scored, and the accuracy to reach.
    #[serde(default)]
    pub evaluation: RawEvaluation,
    /// When the run ends: whichever comes first.
    #[serde(default)]
    pub stop: RawStop,
    /// What is recorded beyond the standard tables.
    #[serde(default)]
    pub records: RawRecords,
    /// Prices, for the cost of the run in money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<RawCost>,
    /// Bare transfers: where they are listed, only the network is simulated. Without `data`, `clients` and `method` they go between the topology's hosts; beside them also between clients and the server, and nothing is learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<RawTransfer>,
    /// What bare computations run on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<RawHost>,
    /// Bare computations, beside bare transfers or alone; without `data`, `clients` and `method`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute: Vec<RawCompute>,
}

/// The aggregator's own link, and how it watches its clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawServer {
    /// Node of the topology where its access link ends; left out, the topology's core: the root, `core`, `n0`, or what the file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Bandwidth from the server, shared by all downloads.
    pub up: Bandwidth,
    /// Bandwidth to the server, shared by all uploads.
    pub down: Bandwidth,
    /// One-way latency of the server's link.
    pub latency: Duration,
    /// Time from a client's drop until the aggregator knows.
    pub detection_delay: Duration,
    /// With nobody to select, the aggregator looks again after this time.
    pub poll: Duration,
    /// What it learns on, where its rule learns; left out, 1 TFLOP/s whose energy is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<RawDevice>,
}

impl Default for RawServer {
    fn default() -> Self {
        Self {
            at: None,
            up: Bandwidth::from_bits_per_second(1e9),
            down: Bandwidth::from_bits_per_second(1e9),
            latency: Duration::from_seconds(0.0),
            detection_delay: Duration::from_seconds(30.0),
            poll: Duration::from_seconds(10.0),
            device: None,
        }
    }
}

/// Which run of its batch a resolved file repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRun {
    /// Its number among the runs of the scenario, from 1.
    pub number: usize,
    /// What was swept or set in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<RawFactor>,
}

/// A key that was swept or set, and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFactor {
    /// Dotted key.
    pub key: String,
    /// As it stands in `factors.csv`.
    pub value: String,
}

fn default_seed() -> u64 {
    1
}

fn one() -> u32 {
    1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
