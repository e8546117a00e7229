//! The scenario file as written: every key, its type, unit and default.
//!
//! These types say what a file may contain; whether the values make sense
//! together is checked when a [`RawScenario`] becomes a
//! [`Scenario`](super::Scenario). Doc comments here are the descriptions in
//! `scenarios/schema.json`.

use super::quantity::{Bandwidth, Bytes, ComputeSpeed, Duration, Power};
use super::sampled::Sampled;
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
}

/// What is learned from, and how it is split over the clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawData {
    /// The data set.
    pub source: RawSource,
    /// Samples of the global test set, drawn first.
    #[serde(default = "default_test")]
    pub test: usize,
    /// Samples set aside that every client may see, unlabelled; drawn second.
    #[serde(default)]
    pub public: usize,
    /// How the rest is divided over the clients.
    #[serde(default)]
    pub partition: RawPartition,
    /// Share of every client's samples that becomes its own test set.
    #[serde(default = "default_holdout")]
    pub holdout: f64,
}

/// A data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSource {
    /// 1797 handwritten digits, 8×8 pixels, embedded in the program.
    Digits,
    /// A mixture of Gaussians, one per class.
    Synthetic {
        /// Number of classes.
        classes: usize,
        /// Number of features.
        features: usize,
        /// Number of samples.
        samples: usize,
        /// Distance between class means in units of the within-class standard deviation.
        separation: f64,
    },
}

/// How the samples are divided over the clients.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawPartition {
    /// Equal shares drawn at random.
    #[default]
    Iid,
    /// Each class is divided by a symmetric Dirichlet draw over the clients.
    Dirichlet {
        /// Concentration: small is uneven.
        alpha: f64,
        /// Every client gets at least this many samples.
        #[serde(default = "one_usize")]
        min_samples: usize,
    },
    /// Every client holds samples of this many labels only.
    Shards {
        /// Labels per client.
        labels: usize,
    },
    /// Labels are even, but the sizes of the shares follow a symmetric Dirichlet draw.
    Quantity {
        /// Concentration: small is uneven.
        alpha: f64,
    },
}

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

/// How hosts are connected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawNetwork {
    /// Shape of the network between the clients' access links and the server's.
    pub topology: RawTopology,
}

/// Shape of the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawTopology {
    /// Every client's access link meets the server's.
    #[default]
    Star,
}

/// The aggregator's own link, and how it watches its clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawServer {
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
}

/// How the clients learn together: a preset, and what is changed in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMethod {
    /// A method of the literature (`fedstill methods`) whose choices hold where this table is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Which knowledge travels.
    pub exchange: RawExchange,
    /// The client's work.
    #[serde(default)]
    pub local: RawLocal,
    /// How contributions become a version.
    #[serde(default)]
    pub rule: RawRule,
    /// When a version is published.
    #[serde(default)]
    pub schedule: RawSchedule,
    /// Who works.
    #[serde(default)]
    pub selection: RawSelection,
}

/// Which knowledge travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawExchange {
    /// Nothing: every client learns alone.
    None,
    /// All model parameters; needs equal models.
    Parameters,
    /// Logits on public samples.
    PublicLogits {
        /// Public samples per version; at most the public pool.
        #[serde(default = "default_public_samples")]
        samples: usize,
        /// Draw new samples each version (synchronous schedules only).
        #[serde(default = "yes")]
        redraw: bool,
    },
    /// Mean predicted probabilities per class of the client's own data.
    ClassLogits,
}

impl RawExchange {
    /// Its name in scenarios and tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Parameters => "parameters",
            Self::PublicLogits { .. } => "public-logits",
            Self::ClassLogits => "class-logits",
        }
    }
}

/// The client's work in one participation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLocal {
    /// Passes over the client's own data.
    pub epochs: u32,
    /// Batch size on own data.
    pub batch: usize,
    /// How gradients become updates.
    pub optimizer: RawOptimizer,
    /// Keep the optimiser's state between participations instead of resetting it.
    pub keep_optimizer: bool,
    /// ρ of the proximal term ρ/2‖θ−θ₀‖² to the parameters received; 0 for none.
    pub proximal: f64,
    /// How received predictions are learned.
    pub distill: RawDistill,
}

/// How gradients become updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawOptimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Momentum; 0 for none.
        #[serde(default)]
        momentum: f64,
        /// L2 weight decay; 0 for none.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta2")]
        beta2: f64,
        /// Added to the denominator.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// L2 weight decay; 0 for none.
        #[serde(default)]
        weight_decay: f64,
    },
}

/// How received predictions are learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDistill {
    /// Distance between the model's prediction and the one received.
    pub loss: RawDistillLoss,
    /// Weight of that loss (γ where it is added to the loss on own data).
    pub weight: f64,
    /// Passes over the public samples, where there are any.
    pub epochs: u32,
    /// Batch size on public samples; left out: min(256, samples/8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
}

/// Distance between the model's prediction and the one received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawDistillLoss {
    /// Mean absolute error between logits.
    MeanAbsolute,
    /// Mean squared error between logits.
    MeanSquared,
    /// Cross-entropy to the received probabilities.
    CrossEntropy,
    /// KL(teacher‖student) at a temperature.
    Kl {
        /// Both sides' logits are divided by it.
        #[serde(default = "one_f64")]
        temperature: f64,
        /// Multiply the loss by the temperature squared.
        #[serde(default)]
        squared_factor: bool,
    },
}

/// How contributions become a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawRule {
    /// Weighted mean over the contributions.
    Mean {
        /// What a contribution weighs before staleness.
        #[serde(default)]
        weights: RawWeights,
    },
    /// Each client is sent the mean over the others.
    LeaveOneOut {
        /// What a contribution weighs before staleness.
        #[serde(default)]
        weights: RawWeights,
    },
}

/// What a contribution weighs before staleness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawWeights {
    /// Its number of training samples.
    #[default]
    Samples,
    /// One.
    Equal,
}

/// When a version is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSchedule {
    /// A cohort works for each version; it closes when all are in, lost or late.
    Synchronous {
        /// Closes the version this long after its opening.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Duration>,
        /// Selects this many times the clients wanted, and closes when enough are in.
        #[serde(default = "one_f64")]
        over_select: f64,
        /// With fewer contributions the version fails.
        #[serde(default = "one_usize")]
        minimum: usize,
    },
    /// Every contribution makes a version as it arrives.
    Asynchronous {
        /// Clients at work at a time; left out: as many as the selection picks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<usize>,
        /// α, the share of a fresh contribution in the new parameters (FedAsync).
        #[serde(default = "default_mixing")]
        mixing: f64,
        /// What staleness costs a contribution in weight.
        #[serde(default)]
        staleness: RawStaleness,
        /// Contributions more stale than this are refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_staleness: Option<u64>,
    },
}

/// Weight of a contribution by its staleness t in versions (Xie et al. 2019, section 5.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawStaleness {
    /// 1, however stale.
    #[default]
    Constant,
    /// (1+t)^−a
    Polynomial {
        /// Exponent.
        #[serde(default = "default_polynomial_a")]
        a: f64,
    },
    /// 1 up to t = b, then 1/(a(t−b)+1).
    Hinge {
        /// Slope after the hinge.
        #[serde(default = "default_hinge_a")]
        a: f64,
        /// Staleness that costs nothing.
        #[serde(default = "default_hinge_b")]
        b: f64,
    },
}

/// Who works.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawSelection {
    /// Everyone who is there and idle.
    #[default]
    All,
    /// A uniform draw of those who are there and idle; give `count` or `fraction`.
    Uniform {
        /// Number of clients.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Share of all clients, rounded, at least one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
    },
}

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

impl Default for RawPower {
    fn default() -> Self {
        Self {
            idle: Power::from_watts(2.0),
            busy: Power::from_watts(8.0),
            radio: Power::from_watts(3.0),
        }
    }
}

impl Default for RawServer {
    fn default() -> Self {
        Self {
            up: Bandwidth::from_bits_per_second(1e9),
            down: Bandwidth::from_bits_per_second(1e9),
            latency: Duration::from_seconds(0.0),
            detection_delay: Duration::from_seconds(30.0),
            poll: Duration::from_seconds(10.0),
        }
    }
}

impl Default for RawLocal {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 10,
            optimizer: RawOptimizer::default(),
            keep_optimizer: false,
            proximal: 0.0,
            distill: RawDistill::default(),
        }
    }
}

impl Default for RawOptimizer {
    fn default() -> Self {
        Self::Sgd {
            lr: 0.05,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }
}

impl Default for RawDistill {
    fn default() -> Self {
        Self {
            loss: RawDistillLoss::MeanAbsolute,
            weight: 1.0,
            epochs: 1,
            batch: None,
        }
    }
}

impl Default for RawRule {
    fn default() -> Self {
        Self::Mean {
            weights: RawWeights::Samples,
        }
    }
}

impl Default for RawSchedule {
    fn default() -> Self {
        Self::Synchronous {
            deadline: None,
            over_select: 1.0,
            minimum: 1,
        }
    }
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

fn default_seed() -> u64 {
    1
}
fn one() -> u32 {
    1
}
fn one_usize() -> usize {
    1
}
fn one_f64() -> f64 {
    1.0
}
fn yes() -> bool {
    true
}
fn default_test() -> usize {
    360
}
fn default_holdout() -> f64 {
    0.2
}
fn zero_latency() -> Sampled<Duration> {
    Sampled::Constant(Duration::from_seconds(0.0))
}
fn default_public_samples() -> usize {
    5000
}
fn default_beta1() -> f64 {
    0.9
}
fn default_beta2() -> f64 {
    0.999
}
fn default_epsilon() -> f64 {
    1e-8
}
fn default_mixing() -> f64 {
    0.6
}
fn default_polynomial_a() -> f64 {
    0.5
}
fn default_hinge_a() -> f64 {
    10.0
}
fn default_hinge_b() -> f64 {
    4.0
}
fn default_hold() -> u32 {
    3
}
