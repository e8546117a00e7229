//! Aggregators as the world sees them: where they stand, what they compute on, and what that cost.

use super::site::Site;
use crate::device::Device;
use crate::kernel::ActorId;
use crate::network::HostId;
use crate::time::{SimDuration, SimTime};

/// An aggregator as the world sees it: on the mains, and always online.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Where it is attached to the network.
    pub host: HostId,
    /// What it computes on.
    pub device: Device,
}

/// Everybody in a world.
///
/// ```text
/// actor 0         the root aggregator
/// actors 1..=n    the n clients
/// actors n+1..    further aggregators
/// ```
#[derive(Debug)]
pub struct Cast {
    /// The aggregator above all others; peer to peer there is none.
    pub root: Option<Station>,
    /// The clients: client i is actor i + 1.
    pub sites: Vec<Site>,
    /// Further aggregators.
    pub stations: Vec<Station>,
}

impl Cast {
    /// Clients around one aggregator.
    #[must_use]
    pub fn star(root: Station, sites: Vec<Site>) -> Self {
        Self {
            root: Some(root),
            sites,
            stations: Vec::new(),
        }
    }
}

/// What an aggregator's device did. Sending and receiving are no states of their own: a server
/// transfers beside whatever else it does.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregatorAccount {
    /// Which.
    pub actor: ActorId,
    /// FLOPs spent on training, distillation and inference.
    pub flops: [u64; 3],
    /// Time spent computing.
    pub computing: SimDuration,
    /// The rest of the run.
    pub idle: SimDuration,
    /// Energy over the whole run: seconds of each state times its draw.
    pub energy_joules: f64,
    /// Begin and end of each computation, where that was asked for.
    pub learned: Vec<(SimTime, SimTime)>,
}
