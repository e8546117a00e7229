//! The network as the kernel sees it: transfers between hosts.

use std::fmt;
use std::sync::Arc;

use super::flows::FlowNetwork;
use super::{
    Bandwidth, Completion, Connections, FlowId, FlowSpec, Graph, HostId, LinkDirection, LinkUsage,
    Progress, ResourceId, Route, Transport,
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
    connections: Connections,
    flows: FlowNetwork,
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
        Network { connections, flows }
    }

    /// The route from one host to another.
    ///
    /// Complexity: see [`Connections::route`].
    ///
    /// # Errors
    /// [`NoRoute`] if there is none, or no such host.
    pub fn route(&mut self, from: HostId, to: HostId) -> Result<Route, NoRoute> {
        let route = self.connections.route(from, to);
        route.ok_or(NoRoute { from, to })
    }

    /// Starts to carry `bytes` from one host to another.
    ///
    /// # Errors
    /// [`NoRoute`].
    ///
    /// # Panics
    /// If time runs back, or there are more than 2⁵⁶ bytes.
    pub fn transfer(
        &mut self,
        now: SimTime,
        from: HostId,
        to: HostId,
        bytes: u64,
    ) -> Result<FlowId, NoRoute> {
        self.transfer_capped(now, from, to, bytes, None)
    }

    /// Like [`transfer`](Self::transfer), never faster than `cap`.
    ///
    /// # Errors
    /// [`NoRoute`].
    ///
    /// # Panics
    /// If time runs back, or there are more than 2⁵⁶ bytes.
    pub fn transfer_capped(
        &mut self,
        now: SimTime,
        from: HostId,
        to: HostId,
        bytes: u64,
        cap: Option<Bandwidth>,
    ) -> Result<FlowId, NoRoute> {
        let (spec, back) = self.spec(from, to, bytes, cap)?;
        Ok(self.flows.start_both_ways(now, spec, &back))
    }

    /// What a transfer is to the solver, and its way back if that matters.
    fn spec(
        &mut self,
        from: HostId,
        to: HostId,
        bytes: u64,
        cap: Option<Bandwidth>,
    ) -> Result<(FlowSpec, Arc<[ResourceId]>), NoRoute> {
        let Route {
            resources, latency, ..
        } = self.route(from, to)?;
        let back = if self.flows.transport().crosstraffic {
            self.route(to, from)?.resources
        } else {
            Arc::default()
        };
        let spec = FlowSpec {
            route: resources,
            bytes,
            latency,
            cap,
        };
        Ok((spec, back))
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

    /// How long a transfer takes with nobody else on the way, all links as they are now: latency
    /// plus bytes over the smallest bandwidth, each as the transport has it.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn uncontended(
        &mut self,
        from: HostId,
        to: HostId,
        bytes: u64,
    ) -> Result<SimDuration, NoRoute> {
        let (spec, back) = self.spec(from, to, bytes, None)?;
        Ok(self.flows.uncontended(&spec, &back))
    }

    /// Cuts a transfer; see [`FlowNetwork::cancel`].
    ///
    /// # Panics
    /// If time runs back.
    pub fn cancel(&mut self, now: SimTime, flow: FlowId) -> Option<Progress> {
        self.flows.cancel(now, flow)
    }

    /// To be called after the last change of an instant; see [`FlowNetwork::settle`].
    ///
    /// # Panics
    /// If time runs back.
    pub fn settle(&mut self, now: SimTime) {
        self.flows.settle(now);
    }

    /// When to call [`advance`](Self::advance) next; see [`FlowNetwork::next_event`].
    pub fn next_event(&self) -> Option<SimTime> {
        self.flows.next_event()
    }

    /// The transfers completed by `now`, in order of time and then of start; see
    /// [`FlowNetwork::advance`].
    ///
    /// # Panics
    /// If time runs back.
    pub fn advance(&mut self, now: SimTime) -> Vec<Completion> {
        self.flows.advance(now)
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

    /// Each link and direction with what it has carried, by resource number.
    pub fn links(&self) -> impl Iterator<Item = (LinkDirection<'_>, LinkUsage)> {
        let usage = self.usage().into_iter().zip(0..);
        usage.map(|(usage, number)| {
            let part = self.connections.link_direction(ResourceId(number));
            (part, usage)
        })
    }
}
