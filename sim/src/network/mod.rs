//! The network: who is connected to whom, by which route, and how fast bytes move when many share.
//!
//! It knows bytes, links and time, nothing of learning or of actors. [`Network`] is what the kernel
//! talks to; below it a [`Graph`] or a [`Star`] gives the routes, and [`FlowNetwork`] moves the
//! bytes.
//!
//! The model is fluid: a transfer waits for the latencies along its route, then runs at its max-min
//! fair share of every link that it crosses. There are no packets, no slow start, and no regard to
//! round-trip times.

mod bandwidth;
mod caps;
mod class;
mod facade;
mod fill;
mod fixed;
mod flow;
mod flows;
mod graph;
mod links;
mod route;
mod sharing;
mod slots;
mod star;
pub mod topology;
mod transport_choice;

pub use bandwidth::{Bandwidth, BandwidthError};
pub use facade::{Network, NoRoute};
pub use flow::{Completion, FlowId, FlowSpec, Progress};
pub use flows::FlowNetwork;
pub use graph::{
    Graph, GraphError, HostId, Link, LinkDirection, NodeId, RouteMetric, SharingPolicy,
};
pub use links::{Capacity, LinkUsage, ResourceId};
pub use route::Route;
pub use star::{Access, Star};
pub use transport_choice::TransportChoice;
