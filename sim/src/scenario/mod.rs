//! From scenario files to checked runs: keys, units, layers, sweeps and messages.
//!
//! Nothing here simulates. [`load`] reads files and gives one [`PlannedRun`] for
//! each point of a sweep and replication, or every [`Problem`] found.

mod check;
mod column;
mod decode;
mod decode_error;
mod distribution;
mod encode;
mod known_keys;
mod layers;
mod load;
mod overrides;
mod presets;
mod problem;
mod quantity;
mod raw;
mod resolved;
mod sampled;
mod schema;
mod sweep;
mod topology;
mod tree;

pub use check::{NetworkScenario, Scenario};
pub use column::{Column, Pick};
pub use load::{Plan, PlannedRun, load};
pub use overrides::Overrides;
pub use presets::{PRESETS, Preset};
pub use problem::{Problem, Problems};
pub use quantity::{
    Bandwidth, Bytes, ComputeSpeed, Duration, Factor, Flops, Power, Quantity, QuantityError, Unit,
};
pub use raw::{
    RawBenefit, RawClientGroup, RawCost, RawData, RawDevice, RawDistill, RawDistillLoss,
    RawDropout, RawEvaluation, RawExchange, RawFactor, RawHostLink, RawLink, RawLoad,
    RawLoadProfile, RawLoadStep, RawLocal, RawMeasure, RawMethod, RawNetwork, RawNetworkScenario,
    RawOptimizer, RawPartition, RawPower, RawRecords, RawRoute, RawRule, RawRun, RawScenario,
    RawSchedule, RawScope, RawSelection, RawServer, RawSharing, RawSource, RawSpeedProfile,
    RawSpeedStep, RawSplit, RawStaleness, RawStop, RawTarget, RawTier, RawTopology, RawTransfer,
    RawTransport, RawWeights,
};
pub use resolved::Input;
pub use sampled::{Distribution, DrawError, Sampled};
pub use schema::schema;
