//! The network as the kernel sees it: transfers between hosts.

use std::collections::BTreeSet;
use std::fmt;

use super::changing::{Changing, Conduct};
use super::delivery::{Delivery, DeliveryEnd, DeliveryId};
use super::flows::FlowNetwork;
use super::route::Routes;
use super::slots::Slots;
use super::{Bandwidth, FlowId, Graph, HostId, LinkUsage, ResourceId, Route, Star, Transport};
use crate::time::{SimDuration, SimTime};

/// There is no way from one host to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoute {
    /// Where the transfer should begin.
    pub from: HostId,
    /// Where it should end.
    pub to: HostId,
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no route from host {} to host {}",
            self.from.0, self.to.0
        )
    }
}

impl std::error::Error for NoRoute {}

#[derive(Debug)]
enum Topology {
    Graph { graph: Graph, routes: Routes },
    Star(Star),
}

/// Hosts, the routes between them, and the transfers under way.
///
/// For the order of calls at one instant see [`FlowNetwork`], which does the work.
#[derive(Debug)]
pub struct Network {
    topology: Topology,
    pub(super) flows: FlowNetwork,
    pub(super) deliveries: Slots<Delivery>,
    /// By the slot of a flow: which it is, and what it carries.
    pub(super) by_flow: Vec<Option<(FlowId, DeliveryId)>>,
    /// Deliveries begun so far.
    pub(super) delivered: u64,
    /// Without a route.
    pub(super) waiting: BTreeSet<DeliveryId>,
    /// By when they are tried again.
    pub(super) pausing: BTreeSet<(SimTime, DeliveryId)>,
    /// Ended, and not told yet.
    pub(super) ended: Vec<DeliveryEnd>,
    /// `None` where no link does anything but carry bytes.
    pub(super) changing: Option<Box<Changing>>,
}

impl Network {
    /// A network over any graph, with fluid transport.
    pub fn from_graph(graph: Graph) -> Network {
        Network::from_graph_with(graph, Transport::fluid())
    }

    /// A network over any graph.
    ///
    /// # Panics
    /// If [`Transport::check`] finds fault with `transport`.
    pub fn from_graph_with(graph: Graph, transport: Transport) -> Network {
        let flows = FlowNetwork::with_transport(graph.capacities(), transport);
        let routes = Routes::default();
        Network::over(Topology::Graph { graph, routes }, flows)
    }

    /// A network over a star, with fluid transport.
    pub fn from_star(star: Star) -> Network {
        Network::from_star_with(star, Transport::fluid())
    }

    /// A network over a star.
    ///
    /// # Panics
    /// If [`Transport::check`] finds fault with `transport`.
    pub fn from_star_with(star: Star, transport: Transport) -> Network {
        let flows = FlowNetwork::with_transport(star.capacities(), transport);
        Network::over(Topology::Star(star), flows)
    }

    fn over(topology: Topology, flows: FlowNetwork) -> Network {
        Network {
            topology,
            flows,
            deliveries: Slots::default(),
            by_flow: Vec::new(),
            delivered: 0,
            waiting: BTreeSet::new(),
            pausing: BTreeSet::new(),
            ended: Vec::new(),
            changing: None,
        }
    }

    fn own(&self, resource: ResourceId) -> (Bandwidth, SimDuration) {
        match &self.topology {
            Topology::Graph { graph, .. } => {
                let part = graph.link_direction(resource);
                (part.bandwidth, part.link.latency)
            }
            Topology::Star(star) => {
                let host = star
                    .host(HostId(resource.0 / 2))
                    .expect("a resource has a host");
                let up = resource.0.is_multiple_of(2);
                (if up { host.up } else { host.down }, host.latency)
            }
        }
    }

    /// Takes note that a link has failed or come back.
    pub(super) fn set_failed(&mut self, resource: ResourceId, failed: bool) {
        match &mut self.topology {
            Topology::Graph { graph, routes } => {
                routes.set_failed(graph.link_number(resource), resource, failed);
            }
            Topology::Star(star) => star.set_failed(resource, failed),
        }
    }

    /// The route that there would be without failures.
    pub(super) fn route_without_failures(&mut self, from: HostId, to: HostId) -> Option<Route> {
        match &mut self.topology {
            Topology::Star(star) => star.route_without_failures(from, to),
            Topology::Graph { graph, routes } => {
                let both_known = graph.is_host(from) && graph.is_host(to);
                both_known
                    .then(|| routes.without_failures(graph, from, to))
                    .flatten()
            }
        }
    }

    pub(super) fn host_name(&self, host: HostId) -> String {
        match &self.topology {
            Topology::Graph { graph, .. } => graph.node_name(host).unwrap_or_default().to_owned(),
            Topology::Star(star) => star
                .host(host)
                .map(|host| host.name.clone())
                .unwrap_or_default(),
        }
    }

    /// Lets links lose packets, delay them, change and fail from the start of the run.
    ///
    /// # Panics
    /// If something has been sent, a resource is unknown, or one is named twice.
    pub fn set_conduct(&mut self, conduct: Conduct) {
        assert_eq!(self.delivered, 0, "links behave from the start of a run");
        let mut named: Vec<ResourceId> = conduct.links.iter().map(|(link, _)| *link).collect();
        named.sort_unstable();
        assert!(named.is_sorted_by(|a, b| a < b), "a link is named twice");
        let changing = Changing::new(conduct, |resource| self.own(resource));
        self.changing = Some(Box::new(changing));
    }

    /// The route from one host to another over links that have not failed.
    ///
    /// Complexity: O(length) once known, and in a star; else a search of the graph, see the rule in
    /// `route.rs`.
    ///
    /// # Errors
    /// [`NoRoute`] if there is none, or no such host.
    pub fn route(&mut self, from: HostId, to: HostId) -> Result<Route, NoRoute> {
        match &mut self.topology {
            Topology::Star(star) => star.route(from, to),
            Topology::Graph { graph, routes } => {
                let both_known = graph.is_host(from) && graph.is_host(to);
                both_known
                    .then(|| routes.between(graph, from, to))
                    .flatten()
            }
        }
        .ok_or(NoRoute { from, to })
    }

    /// Gives a link and direction another bandwidth from now on; see
    /// [`FlowNetwork::set_bandwidth`]. Routes stay as they are.
    ///
    /// # Panics
    /// If time runs back or past an event, or there is no such resource.
    pub fn set_bandwidth(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        bandwidth: Option<Bandwidth>,
    ) {
        self.flows.set_bandwidth(now, resource, bandwidth);
    }

    /// How long a transfer takes with nobody else on the way, no link failed, and every link as it
    /// is by itself: latency plus bytes over the smallest bandwidth, each as the transport has it.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn uncontended(
        &mut self,
        from: HostId,
        to: HostId,
        bytes: u64,
    ) -> Result<SimDuration, NoRoute> {
        let route = self.route_without_failures(from, to);
        let route = route.ok_or(NoRoute { from, to })?;
        let (mut spec, back) = self.spec(from, to, bytes, None, route);
        let bound = self.loss_bound(&spec);
        spec.cap = [spec.cap, bound]
            .into_iter()
            .flatten()
            .reduce(Bandwidth::min);
        let own = |resource| {
            let line = self
                .changing
                .as_ref()
                .and_then(|links| links.line(resource));
            line.and_then(|line| line.timeline.as_ref())
                .map(|timeline| timeline.own)
        };
        Ok(self.flows.uncontended(&spec, &back, own))
    }

    /// The name of a link and direction.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn link_name(&self, resource: ResourceId) -> String {
        match &self.topology {
            Topology::Graph { graph, .. } => graph.resource_name(resource),
            Topology::Star(star) => star.resource_name(resource),
        }
    }

    /// The flows under way.
    pub fn flows(&self) -> &FlowNetwork {
        &self.flows
    }

    /// What each link and direction has carried, by resource number.
    pub fn usage(&self) -> Vec<LinkUsage> {
        self.flows.usage()
    }
}
