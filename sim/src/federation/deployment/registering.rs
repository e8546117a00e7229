//! What a client says of itself when it registers with an aggregator.

use super::Deployment;
use crate::federation::knowledge::Known;
use crate::federation::selection::{Registration, TimeEstimate};
use crate::kernel::ActorId;
use crate::time::SimDuration;

impl Deployment {
    /// A client's number of samples, and how long a participation should take by its declared speed
    /// and the bandwidths and latency of its own link. Load, noise, a profile of the speed, and what
    /// others do to the network are not in it: a client does not know them beforehand.
    ///
    /// An aggregator below another one speaks for the samples of all its clients and names no time.
    pub(crate) fn registration(&self, child: ActorId) -> (ActorId, Registration) {
        let Some(client) = self.client_of(child) else {
            let children = self.aggregator(child).children.iter();
            let samples = children
                .map(|child| self.registration(*child).1.samples)
                .sum();
            let registration = Registration {
                samples,
                estimate: None,
            };
            return (child, registration);
        };
        let spec = &self.clients[client];
        let cost = self.cost(child, Known::ALL);
        let (up, down, latency) = spec.link;
        let travel = |bytes: u64, bandwidth: f64| match bytes {
            0 => SimDuration::ZERO,
            _ => latency + seconds(bytes as f64 * 8.0 / bandwidth),
        };
        let estimate = TimeEstimate {
            download: travel(cost.download_bytes, down),
            compute: seconds(cost.work.total() as f64 / spec.device.training_speed()),
            upload: travel(cost.upload_bytes, up),
        };
        let registration = Registration {
            samples: self.shard(client).train.len() as u64,
            estimate: Some(estimate),
        };
        (child, registration)
    }
}

fn seconds(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64(seconds).unwrap_or(SimDuration::MAX)
}
