//! Adapters: what changes a choice of the method as the run goes on.
//!
//! Pure rules: they are told what an aggregator knows, and say what holds from then on. An
//! evaluation decides nothing at its own instant, so what an adapter makes of it holds from the
//! next one on.

pub(crate) mod equal_time;
pub(crate) mod gain_per_byte;
pub(crate) mod temperature;
