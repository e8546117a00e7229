//! Federation: the one loop behind every method. An aggregator publishes versions
//! of knowledge; clients work from them and contribute. The only part of the
//! simulator that knows learning.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "no key of a scenario names adapters yet")
)]
mod adapter;
mod aggregator;
mod asynchronous;
mod benefit;
mod client;
mod deployment;
mod estimate;
mod evaluation;
mod exchange;
mod local;
mod own_losses;
mod parcel;
mod recorder;
mod run;
mod selection;
mod staleness;
mod synchronous;
#[cfg(test)]
mod tests;
mod transfers;

pub use deployment::{Deployment, DeploymentError, LocalCost};
pub use estimate::{Estimate, Range};
pub use parcel::{Contents, HEADER_BYTES, Parcel, parcel_bytes};
pub use run::{Hooks, Progress, RunError, RunSettings, run};
pub use selection::LossReport;
pub use staleness::staleness_weight;
pub use transfers::run_transfers;
