//! The simulator of fedstill: clock, actors, network, devices, federation, scenario and records.

mod computations;
pub mod device;
pub mod federation;
pub mod kernel;
pub mod measures;
pub mod network;
mod processor;
pub mod records;
pub mod scenario;
pub mod time;
pub mod traffic;
pub mod world;

pub use processor::processor_features;
