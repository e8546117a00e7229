//! The network from outside: solved cases, and laws that hold for any case.

mod cases;
mod changing;
mod kernel;
mod properties;
mod transport;
mod weighted;
