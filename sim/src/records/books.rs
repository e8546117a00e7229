//! The books of a run: everything that its tables are made from.

use crate::device::Power;
use crate::kernel::ActorId;
use crate::scenario::RawScenario;
use crate::time::SimTime;
use crate::world::Accounts;
use std::sync::Arc;

/// A run that has ended.
#[derive(Debug)]
pub struct RunBooks {
    /// Which run this is.
    pub identity: RunIdentity,
    /// The scenario that ran, every default filled in.
    pub scenario: RawScenario,
    /// How it ended.
    pub status: RunStatus,
    /// Participations, transfers and the clients' time.
    pub accounts: Accounts,
    /// Published versions, by aggregator and order of publication.
    pub versions: Vec<VersionRecord>,
    /// Evaluations, by time.
    pub evaluations: Vec<Evaluation>,
    /// What each class is called in the data.
    pub class_names: Vec<String>,
    /// The clients, in child order: client i is actor i + 1.
    pub clients: Vec<ClientRecord>,
    /// The aggregators that are no clients: the root first, then those that follow the clients
    /// among the actors; none where clients learn from peers alone.
    pub aggregators: Vec<AggregatorRecord>,
    /// Whether contributions stay in a store and are folded again until replaced.
    pub keeps_store: bool,
}

/// Which run this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// Hash of the resolved scenario with its seeds.
    pub run_id: String,
    /// Hash of the resolved scenario without seeds and replication.
    pub config_id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Counts the runs of a scenario, from 1.
    pub number: u64,
    /// Counts the replications of a sweep point, from 0.
    pub replication: u32,
    /// Seed of data, devices, links, split and initial weights.
    pub seed_world: u64,
    /// Seed of dropout, batches, selection and noise.
    pub seed_dynamics: u64,
    /// What was swept or set: dotted key and value.
    pub factors: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// All versions were published, or the time asked for is over.
    Completed,
    /// The target accuracy was reached and the scenario asked to stop there.
    Target,
    /// Training left the finite numbers at every client of a version.
    Diverged,
    /// The stop condition was not met: nothing was left to happen, or a simulated year was over.
    Stalled,
}

impl RunStatus {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Target => "target",
            Self::Diverged => "diverged",
            Self::Stalled => "stalled",
        }
    }
}

/// Why a version closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Every selected client had delivered or was lost.
    AllArrived,
    /// Enough had delivered.
    Quorum,
    /// The deadline had come.
    Deadline,
    /// The time for it had come (periodic schedules).
    Timer,
    /// A contribution arrived (asynchronous schedules).
    Arrival,
    /// Too few contributions: the knowledge stays as it was.
    Failed,
}

impl CloseReason {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllArrived => "all_arrived",
            Self::Quorum => "quorum",
            Self::Deadline => "deadline",
            Self::Timer => "timer",
            Self::Arrival => "arrival",
            Self::Failed => "failed",
        }
    }
}

/// A version that an aggregator published.
#[derive(Debug, Clone)]
pub struct VersionRecord {
    /// Who published it: an aggregator, or, peer to peer, a client.
    pub aggregator: ActorId,
    /// Its number; version 0 is what the run starts from and has no record.
    pub version: u64,
    /// When work for it began.
    pub opened: SimTime,
    /// When it was published.
    pub closed: SimTime,
    /// Why then.
    pub reason: CloseReason,
    /// Clients selected for it.
    pub selected: u64,
    /// Contributions folded into it.
    pub merged: u64,
    /// The greatest staleness among them, in versions.
    pub max_staleness: u64,
    /// FLOPs that the aggregator spent on it.
    pub server_flops: u64,
}

/// All models as they stood at one instant.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// When.
    pub at: SimTime,
    /// The aggregator's version then.
    pub version: u64,
    /// The aggregator's own model on the global test set, where it has one.
    pub global: Option<Score>,
    /// Every client, in child order, with the model that it would use.
    pub clients: Vec<ClientScore>,
}

/// A client's model on the three splits.
#[derive(Debug, Clone)]
pub struct ClientScore {
    /// On the global test set.
    pub global: Score,
    /// On the client's own held-out samples; `None` where it has none.
    pub own: Option<Score>,
    /// Accuracy per class on the global test set, weighted by the client's label shares
    /// (classes without test samples left out); `None` where no class is left.
    pub matched_accuracy: Option<f64>,
}

/// A model on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Number of samples.
    pub samples: u64,
    /// Of those, classified rightly.
    pub correct: u64,
    /// Mean cross-entropy; not finite where the model is not.
    pub loss: f64,
}

impl Score {
    /// Share classified rightly.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }
}

/// An aggregator that is no client.
#[derive(Debug, Clone)]
pub struct AggregatorRecord {
    /// What it is called.
    pub name: String,
    /// Levels between it and the root.
    pub tier: u32,
    /// The aggregator above it; `None` of the root.
    pub parent: Option<ActorId>,
    /// Clients and aggregators directly below it.
    pub children: u64,
    /// Node of the network where it stands.
    pub node: String,
    /// Effective FLOP/s, all its cores together.
    pub flops_per_second: f64,
    /// Draw in each state.
    pub power: Power,
    /// Whether its schedule is synchronous.
    pub synchronous: bool,
}

/// A client as it was drawn.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// `group-index`, or as its row of a file says.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its architecture.
    pub model: String,
    /// Number of its parameters.
    pub parameters: u64,
    /// Samples it trains on.
    pub n_train: u64,
    /// Samples held out as its own test set.
    pub n_test: u64,
    /// Number of its training samples per class.
    pub label_counts: Vec<u64>,
    /// The same of its held-out samples.
    pub test_label_counts: Vec<u64>,
    /// The writer, hospital or device whose samples it has, where the partition is natural.
    pub data_group: Option<String>,
    /// What its data differ in from the pool's, where its group has any such data.
    pub data_site: Option<DataSite>,
    /// What its device is called, where it has a name.
    pub device: Option<Arc<str>>,
    /// Cores of its device.
    pub cores: u32,
    /// Effective FLOP/s in training, all its cores together.
    pub flops_per_second: f64,
    /// Memory in bytes, where limited.
    pub memory_bytes: Option<u64>,
    /// Draw in each state.
    pub power: Power,
    /// Access link: bit/s up, bit/s down, one-way seconds.
    pub link: (f64, f64, f64),
    /// Against local-only twins, where asked for: equal epochs, equal time.
    pub benefit: [Option<Benefit>; 2],
}

/// What a client's data differ in from the pool's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataSite {
    /// Degrees by which its images are turned counterclockwise.
    pub rotation: f64,
    /// Factor of a value's distance from its sample's mean.
    pub contrast: f64,
    /// Added to each value.
    pub brightness: f64,
    /// Standard deviation of the noise of each value.
    pub noise: f64,
    /// Probability that a training label is wrong.
    pub label_noise: f64,
    /// Classes that it calls otherwise.
    pub renamed_classes: u64,
    /// Classes of which it has no samples whatever was dealt to it.
    pub missing_classes: u64,
    /// Features that it does not measure.
    pub missing_features: u64,
}

/// A client's accuracy at the end of the run minus its local-only twin's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Benefit {
    /// On the global test set weighted by the client's label shares.
    pub matched: Option<f64>,
    /// On the global test set.
    pub global: f64,
    /// Passes over its own data that the twin made.
    pub epochs: u64,
    /// Whether the twin was stopped by the cap on its passes.
    pub capped: bool,
}
