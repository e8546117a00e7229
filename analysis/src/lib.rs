//! Statistics over the tables that a run of fedstill wrote.
//!
//! This crate reads files alone and shares no code with the simulator: the tables are
//! the contract between them.

mod paired;

pub use paired::{Interval, IntervalError, paired_interval};
