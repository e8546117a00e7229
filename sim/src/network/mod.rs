//! The network: who is connected to whom, by which route, and how fast bytes move when many share.
//!
//! It knows bytes, links and time, nothing of learning or of actors. [`Network`] is what the kernel
//! talks to; below it [`Connections`] give the routes, and [`FlowNetwork`] moves the bytes.
//!
//! The model is fluid: a transfer waits for the latencies along its route, then runs at its max-min
//! fair share of every link that it crosses. There are no packets and no slow start; a [`Transport`]
//! other than the default gives regard to round-trip times and to TCP's window and acknowledgements.

mod bandwidth;
mod caps;
mod changing;
mod class;
mod connections;
mod crossing;
mod deliveries;
mod delivery;
mod facade;
mod failure;
mod fill;
mod filling;
mod fixed;
mod flow;
mod flows;
mod graph;
mod jitter;
mod links;
mod loss;
mod on_off;
mod profile;
mod route;
mod sharing;
mod slots;
mod timeline;
pub mod topology;
mod transport;

pub use bandwidth::{Bandwidth, BandwidthError};
pub use changing::{Conduct, LinkBehaviour};
pub use connections::{Access, Connections};
pub use delivery::{CancelledDelivery, DeliveryEnd, DeliveryId, DeliveryOutcome, Effort};
pub use facade::{Network, NoRoute};
pub use failure::{Failure, Retries};
pub use flow::{Completion, FlowId, FlowSpec, Progress};
pub use flows::FlowNetwork;
pub use graph::{
    Graph, GraphError, HostId, Link, LinkDirection, NodeId, RouteMetric, SharingPolicy,
};
pub use jitter::Jitter;
pub use links::{Capacity, LinkUsage, ResourceId};
pub use on_off::OnOff;
pub use profile::{PACKET_BYTES, Profile, ProfileError, Rate, Step};
pub use route::Route;
pub use timeline::{Background, LinkChange};
pub use transport::{Transport, TransportError};
