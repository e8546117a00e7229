//! The network as the kernel sees it: transfers between hosts.

use std::collections::BTreeSet;
use std::fmt;

use super::changing::{Changing, Conduct};
use super::delivery::{Delivery, DeliveryEnd, DeliveryId};
use super::flows::FlowNetwork;
use super::slots::Slots;
use super::timeline::LinkChange;
use super::{
    Bandwidth, Connections, FlowId, Graph, HostId, LinkDirection, LinkUsage, ResourceId, Route,
    Transport,
};
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

/// Hosts, the routes between them, and the transfers under way.
///
/// For the order of calls at one instant see [`FlowNetwork`], which does the work.
#[derive(Debug)]
pub struct Network {
    pub(super) connections: Connections,
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
        Network::new(Connections::bare(graph), transport)
    }

    /// A network over any connections.
    ///
    /// # Panics
    /// If [`Transport::check`] finds fault with `transport`.
    pub fn new(connections: Connections, transport: Transport) -> Network {
        let flows = FlowNetwork::with_transport(connections.capacities(), transport);
        Network {
            connections,
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

    /// Lets links lose packets, delay them, change and fail from the start of the run.
    ///
    /// # Panics
    /// If something has been sent, a resource is unknown, or one is named twice.
    pub fn set_conduct(&mut self, conduct: Conduct) {
        assert_eq!(self.delivered, 0, "links behave from the start of a run");
        let mut named: Vec<ResourceId> = conduct.links.iter().map(|(link, _)| *link).collect();
        named.sort_unstable();
        assert!(named.is_sorted_by(|a, b| a < b), "a link is named twice");
        let changing = Changing::new(conduct, |resource| {
            let own = self.connections.link_direction(resource);
            (own.bandwidth, own.latency)
        });
        self.changing = Some(Box::new(changing));
    }

    /// The route from one host to another over links that have not failed.
    ///
    /// Complexity: see [`Connections::route`].
    ///
    /// # Errors
    /// [`NoRoute`] if there is none, or no such host.
    pub fn route(&mut self, from: HostId, to: HostId) -> Result<Route, NoRoute> {
        let route = self.connections.route(from, to);
        route.ok_or(NoRoute { from, to })
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
        let route = self.connections.route_without_failures(from, to);
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
        self.connections.resource_name(resource)
    }

    /// Who is connected to what.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The flows under way.
    pub fn flows(&self) -> &FlowNetwork {
        &self.flows
    }

    /// What each link and direction has carried, by resource number.
    pub fn usage(&self) -> Vec<LinkUsage> {
        self.flows.usage()
    }

    /// Bytes that a link and direction could have carried for transfers until `until`: its bandwidth
    /// as it was over time, less its background traffic.
    pub fn could_carry(&self, resource: ResourceId, until: SimTime) -> f64 {
        let line = self
            .changing
            .as_ref()
            .and_then(|links| links.line(resource));
        match line.and_then(|line| line.timeline.as_ref()) {
            // What it drew for itself is forgotten again: the answer is the same next time.
            Some(timeline) => timeline.clone().could_carry(until),
            None => {
                let own = self.connections.link_direction(resource).bandwidth;
                own.as_bytes_per_second() * until.as_secs_f64()
            }
        }
    }

    /// How each link and direction that ever differs from its own was at the start and changed
    /// until `until`, by link and time; of each at most `most` changes.
    ///
    /// Worked out when asked: the network itself looks at links only while something crosses them.
    pub fn changes(&self, until: SimTime, most: usize) -> Vec<LinkChange> {
        let lines = self.changing.iter().flat_map(|links| &links.lines);
        let mut changes = Vec::new();
        for line in lines {
            // What it draws for itself is forgotten again: the answer is the same next time.
            let Some(mut timeline) = line.timeline.clone() else {
                continue;
            };
            let mut next = Some(SimTime::ZERO);
            for _ in 0..most {
                let Some(at) = next.filter(|at| *at <= until) else {
                    break;
                };
                let state = timeline.at(at);
                changes.push(LinkChange {
                    at,
                    resource: line.resource,
                    up: state.up,
                    open: state.open,
                });
                next = timeline.next_change(at);
            }
        }
        changes
    }

    /// Each link and direction with what it has carried, by resource number.
    pub fn links(&self) -> impl Iterator<Item = (LinkDirection<'_>, LinkUsage)> {
        let usage = self.usage().into_iter().zip(0..);
        usage.map(|(usage, number)| {
            let part = self.connections.link_direction(ResourceId(number));
            (part, usage)
        })
    }
}
