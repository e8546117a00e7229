//! The simulator of fedstill: clock, actors, network, devices, federation, scenario and records.

pub mod scenario;
