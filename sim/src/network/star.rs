//! The star: clients and one server, each behind its own up and down link.
//!
//! ```text
//! client 0 ==up/down==\
//! client 1 ==up/down===(hub)==up/down== server
//! client 2 ==up/down==/
//! ```
//!
//! The hub is nothing that flows can fill. A route is two links whose numbers follow from the hosts'
//! numbers, so a star of a million clients needs no search and keeps no route.

use std::sync::Arc;

use super::graph::GraphError;
use super::{Bandwidth, Capacity, Graph, HostId, Link, ResourceId, Route, SharingPolicy};
use crate::time::SimDuration;

/// How one host is connected to the hub.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The host's name.
    pub name: String,
    /// From the host to the hub.
    pub up: Bandwidth,
    /// From the hub to the host.
    pub down: Bandwidth,
    /// Between host and hub, each way.
    pub latency: SimDuration,
}

/// A star of clients around a server; the server is host 0, client k is host k + 1.
#[derive(Clone, Debug)]
pub struct Star {
    hosts: Vec<Access>,
    failed: std::collections::BTreeSet<ResourceId>,
}

impl Star {
    /// A star of these.
    pub fn new(server: Access, clients: impl IntoIterator<Item = Access>) -> Star {
        Star {
            hosts: std::iter::once(server).chain(clients).collect(),
            failed: std::collections::BTreeSet::new(),
        }
    }

    pub(super) fn set_failed(&mut self, resource: ResourceId, failed: bool) {
        if failed {
            self.failed.insert(resource);
        } else {
            self.failed.remove(&resource);
        }
    }

    /// The server.
    pub const fn server(&self) -> HostId {
        HostId(0)
    }

    /// The k-th client, counted from 0.
    pub const fn client(&self, k: u32) -> HostId {
        HostId(k + 1)
    }

    /// Number of clients.
    pub fn client_count(&self) -> usize {
        self.hosts.len() - 1
    }

    /// The host of that number; `None` if the star does not have it.
    pub fn host(&self, host: HostId) -> Option<&Access> {
        self.hosts.get(host.0 as usize)
    }

    /// Host k has resources 2k (up) and 2k + 1 (down).
    pub fn capacities(&self) -> Vec<Capacity> {
        self.hosts
            .iter()
            .flat_map(|host| [host.up, host.down])
            .map(Capacity::Shared)
            .collect()
    }

    /// The host's name followed by `/up` or `/down`.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn resource_name(&self, resource: ResourceId) -> String {
        let direction = if resource.0.is_multiple_of(2) {
            "up"
        } else {
            "down"
        };
        format!("{}/{direction}", self.hosts[resource.0 as usize / 2].name)
    }

    /// Up from the sender, down to the receiver, in O(1); `None` if the star lacks one of them.
    pub fn route(&self, from: HostId, to: HostId) -> Option<Route> {
        let route = self.route_without_failures(from, to)?;
        let hosts = [from, to];
        let failed = |host: &HostId| {
            self.failed.contains(&ResourceId(2 * host.0))
                || self.failed.contains(&ResourceId(2 * host.0 + 1))
        };
        let crosses = !route.resources.is_empty();
        (!crosses || !hosts.iter().any(failed)).then_some(route)
    }

    pub(super) fn route_without_failures(&self, from: HostId, to: HostId) -> Option<Route> {
        let (sender, receiver) = (self.host(from)?, self.host(to)?);
        if from == to {
            return Some(Route::local());
        }
        Some(Route {
            resources: Arc::from([ResourceId(2 * from.0), ResourceId(2 * to.0 + 1)]),
            latency: sender.latency + receiver.latency,
            bandwidth: Some(sender.up.min(receiver.down)),
        })
    }

    /// The same star as a graph, with the same numbers of hosts and resources; the hub is its last
    /// node.
    ///
    /// # Errors
    /// [`GraphError::DuplicateName`] if two hosts have the same name, or one is called `hub`.
    pub fn to_graph(&self) -> Result<Graph, GraphError> {
        let mut graph = Graph::default();
        let hosts: Vec<HostId> = self
            .hosts
            .iter()
            .map(|host| graph.add_host(host.name.as_str()))
            .collect::<Result<_, _>>()?;
        let hub = graph.add_router("hub")?;
        for (id, host) in hosts.into_iter().zip(&self.hosts) {
            let link = Link {
                name: host.name.clone(),
                forward: host.up,
                backward: host.down,
                latency: host.latency,
                policy: SharingPolicy::SplitDuplex,
            };
            graph.add_link(id, hub, link)?;
        }
        Ok(graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::route::Routes;

    #[test]
    fn the_arithmetic_routes_are_those_of_the_graph() {
        let access = |k: u32| Access {
            name: format!("host {k}"),
            up: Bandwidth::from_bytes_per_second(f64::from(1000 + k)).unwrap(),
            down: Bandwidth::from_bytes_per_second(f64::from(2000 - k)).unwrap(),
            latency: SimDuration::from_nanos(u64::from(k) * 7),
        };
        let star = Star::new(access(0), (1..6).map(access));
        let graph = star.to_graph().unwrap();
        assert_eq!(star.capacities(), graph.capacities());
        let mut routes = Routes::default();
        for from in (0..6).map(HostId) {
            for to in (0..6).map(HostId) {
                assert_eq!(star.route(from, to), routes.between(&graph, from, to));
            }
        }
        assert_eq!(star.resource_name(ResourceId(0)), "host 0/up");
        assert_eq!(star.resource_name(ResourceId(7)), "host 3/down");
        assert_eq!(star.route(HostId(0), HostId(6)), None);
    }
}
