//! What a scenario will cost, worked out without running it.

use super::deployment::Deployment;
use super::knowledge::Known;
use crate::kernel::ActorId;
use crate::time::{SimDuration, SimTime};

/// The range of a figure over the clients.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Range {
    /// Least.
    pub least: f64,
    /// Median (the upper one of two).
    pub median: f64,
    /// Most.
    pub most: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self {
            least: values[0],
            median: values[values.len() / 2],
            most: values[values.len() - 1],
        }
    }
}

/// What one participation of each client costs once there is knowledge to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Number of clients.
    pub clients: usize,
    /// Samples that a client trains on.
    pub samples: Range,
    /// Parameters of a client's model.
    pub parameters: Range,
    /// Bytes that a client receives.
    pub download_bytes: Range,
    /// Bytes that a client sends.
    pub upload_bytes: Range,
    /// FLOPs that a client spends.
    pub flops: Range,
    /// Seconds from selection to delivery with nobody else on the network.
    pub seconds: Range,
    /// Clients whose model does not fit their device.
    pub unfit: usize,
}

impl Estimate {
    /// Of a deployment, which must have a client.
    pub fn of(deployment: &Deployment) -> Self {
        let clients = 0..deployment.clients();
        let actor = |client: usize| ActorId(u32::try_from(client + 1).expect("checked"));
        let costs: Vec<_> = clients
            .clone()
            .map(|client| deployment.cost(actor(client), Known::ALL))
            .collect();
        let (mut network, cast) = deployment.place();
        let mut travel = |from, to, bytes| match bytes {
            0 => SimDuration::ZERO,
            _ => network
                .uncontended(from, to, bytes)
                .expect("routes are checked before a run"),
        };
        let hosts: Vec<_> = cast
            .root
            .iter()
            .chain(&cast.stations)
            .map(|s| s.host)
            .collect();
        let mut parents = vec![None; deployment.clients()];
        for (aggregator, host) in deployment.aggregators().iter().zip(&hosts) {
            let children = aggregator.children.iter();
            for client in children.filter_map(|child| deployment.client_of(*child)) {
                parents[client] = Some(*host);
            }
        }
        let seconds: Vec<f64> = cast
            .sites
            .iter()
            .zip(&costs)
            .zip(&parents)
            .map(|((site, cost), parent)| {
                let mut with_parent = |bytes, is_up: bool| {
                    parent.map_or(SimDuration::ZERO, |parent| match is_up {
                        true => travel(site.host, parent, bytes),
                        false => travel(parent, site.host, bytes),
                    })
                };
                let down = with_parent(cost.download_bytes, false);
                let up = with_parent(cost.upload_bytes, true);
                let compute = site.device.compute_time(SimTime::ZERO, cost.work.total());
                (down + compute + up).as_secs_f64()
            })
            .collect();
        let fits = |client: &usize| {
            let device = &deployment.client(*client).device;
            device.fits(costs[*client].memory_bytes)
        };
        Self {
            clients: deployment.clients(),
            samples: Range::of(
                clients
                    .clone()
                    .map(|client| deployment.shard(client).train.len() as f64),
            ),
            parameters: Range::of(
                clients
                    .clone()
                    .map(|client| deployment.client(client).layout.parameter_count() as f64),
            ),
            download_bytes: Range::of(costs.iter().map(|cost| cost.download_bytes as f64)),
            upload_bytes: Range::of(costs.iter().map(|cost| cost.upload_bytes as f64)),
            flops: Range::of(costs.iter().map(|cost| cost.work.total() as f64)),
            seconds: Range::of(seconds.into_iter()),
            unfit: clients.filter(|client| !fits(client)).count(),
        }
    }
}
