//! `[evaluation]`, `[stop]`, `[records]` and `[cost]`: what is looked at, and until when.

use super::super::quantity::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When models are scored, and the accuracy to reach.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawEvaluation {
    /// Simulated time between evaluations: one grid for every method and schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// Evaluate after every so many versions; where neither key is given, after each
    /// version of a synchronous schedule, and after as many versions as there are
    /// clients of an asynchronous one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<u64>,
    /// Accuracy to reach; needs `every`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<RawTarget>,
}

/// Accuracy to reach, looked up on the grid of evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTarget {
    /// What is measured.
    #[serde(default)]
    pub measure: RawMeasure,
    /// Whose model.
    #[serde(default)]
    pub scope: RawScope,
    /// On which samples.
    #[serde(default)]
    pub split: RawSplit,
    /// Value to reach.
    pub value: f64,
    /// Evaluations in a row at or above the value.
    #[serde(default = "default_hold")]
    pub hold: u32,
}

/// A measure of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawMeasure {
    /// Share of samples classified rightly.
    #[default]
    Accuracy,
}

/// Whose model is scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawScope {
    /// The mean over clients, each with the model it would use.
    #[default]
    Personal,
    /// The aggregator's own model, where it has one.
    Global,
}

/// Samples a model is scored on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawSplit {
    /// The global test set.
    #[default]
    Global,
    /// The client's own held-out samples.
    Own,
    /// The global test set weighted by the client's label shares.
    Matched,
}

/// When the run ends: whichever comes first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawStop {
    /// Number of versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<u64>,
    /// Simulated time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
    /// Stop when the target accuracy is reached.
    pub target: bool,
}

/// What is recorded beyond the standard tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawRecords {
    /// A participation longer than this many times its reference median is a straggler.
    pub straggler_factor: f64,
    /// Local-only twins to train for the benefit of taking part.
    pub benefit: Vec<RawBenefit>,
    /// A twin trains at most this many passes over its own data.
    pub benefit_max_epochs: u64,
}

/// A local-only twin that a client is compared with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RawBenefit {
    /// As many passes over its own data as the client completed.
    EqualEpochs,
    /// Trains whenever the device is there, until the end of the run.
    EqualTime,
}

/// Prices, for the cost of the run in money.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCost {
    /// Name of the currency, as it appears in the tables.
    pub currency: String,
    /// Per 10⁹ bytes on the wire.
    pub per_gb: f64,
    /// Per kilowatt-hour drawn by clients.
    pub per_kwh: f64,
    /// Once per client.
    pub site_setup: f64,
    /// Per hour of staff.
    pub staff_hour: f64,
    /// Minutes of staff per incident: a failed version or a dropped participation.
    pub incident_minutes: f64,
}

impl Default for RawRecords {
    fn default() -> Self {
        Self {
            straggler_factor: 1.5,
            benefit: Vec::new(),
            benefit_max_epochs: 500,
        }
    }
}

fn default_hold() -> u32 {
    3
}
