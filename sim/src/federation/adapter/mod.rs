//! Adapters: what changes a choice of the method as the run goes on.

pub(crate) mod equal_time;
pub(crate) mod temperature;
