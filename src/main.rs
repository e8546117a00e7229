//! The front door of fedstill: reads arguments, calls the crates, prints.

fn main() {}
