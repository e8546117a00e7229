//! The simulator of fedstill: clock, actors, network, devices, federation, scenario and records.

pub mod device;
pub mod kernel;
pub mod network;
pub mod time;
