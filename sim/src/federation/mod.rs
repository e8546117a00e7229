//! Federation: the one loop behind every method. An aggregator publishes versions
//! of knowledge; clients work from them and contribute. The only part of the
//! simulator that knows learning.

mod adapter;
mod aggregator;
mod benefit;
mod client;
pub mod codec;
mod deployment;
mod estimate;
mod evaluation;
mod exchange;
mod knowledge;
mod local;
mod neighbours;
mod own_losses;
mod parcel;
mod peer;
mod recorder;
mod references;
mod rolling;
mod rule;
mod run;
mod selection;
mod staleness;
mod synchronous;
#[cfg(test)]
mod tests;
mod transfers;
mod upward;

pub use deployment::{Deployment, DeploymentError, LocalCost};
pub use estimate::{Estimate, Range};
pub use knowledge::{Form, Known, MOST_STRANDS, Piece};
pub use parcel::{Contents, HEADER_BYTES, Parcel, parcel_bytes};
pub use run::{Hooks, Progress, RunError, RunSettings, run};
pub use selection::LossReport;
pub use staleness::staleness_weight;
pub use transfers::run_transfers;
