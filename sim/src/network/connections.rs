//! Connections: hosts behind access links of their own, standing at the nodes of a core graph.
//!
//! ```text
//! client-0 ==up/down==\
//! client-1 ==up/down==(n3)---(n7)---(n0)==up/down== server
//! client-2 ==up/down===========/
//! ```
//!
//! A route goes up from the sender, through the core between the nodes where the two ends are
//! attached, and down to the receiver. What the core adds is searched once for each pair of *nodes*,
//! however many hosts stand there. A core of one node is a star, which needs no search at all; a
//! core without attached hosts is a bare graph, whose own hosts are the ends.
//!
//! The rule of numbers, with n hosts attached: attached host k is host k and has the resources 2k
//! (up) and 2k + 1 (down); node v of the core is host n + v, and resource r of the core is 2n + r.

use std::collections::BTreeSet;

use super::graph::GraphError;
use super::route::Routes;
use super::topology::Blueprint;
use super::{
    Bandwidth, Capacity, Graph, HostId, LinkDirection, NodeId, ResourceId, Route, SharingPolicy,
};
use crate::time::SimDuration;

/// An access link: how one host is connected to the node where it is attached.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The host's name, which is the link's too.
    pub name: String,
    /// From the host.
    pub up: Bandwidth,
    /// To the host.
    pub down: Bandwidth,
    /// Between host and node, each way.
    pub latency: SimDuration,
}

/// Who is connected to what.
#[derive(Clone, Debug)]
pub struct Connections {
    core: Graph,
    routes: Routes,
    attached: Vec<Attached>,
    /// Directions of access links that have failed.
    failed: BTreeSet<ResourceId>,
}

#[derive(Clone, Debug)]
struct Attached {
    access: Access,
    node: NodeId,
}

/// A link and direction: an access link's, by its host, or one of the core.
enum Part<'a> {
    Up(&'a Attached),
    Down(&'a Attached),
    Core(ResourceId),
}

impl Connections {
    /// Hosts behind access links, each at a node of a core; routers will do.
    ///
    /// # Errors
    /// [`GraphError::UnknownNode`] if the core lacks one of the nodes.
    pub fn new(
        core: Graph,
        hosts: impl IntoIterator<Item = (Access, NodeId)>,
    ) -> Result<Connections, GraphError> {
        let attached: Vec<Attached> = hosts
            .into_iter()
            .map(|(access, node)| Attached { access, node })
            .collect();
        let unknown = attached
            .iter()
            .find(|host| core.node_name(host.node).is_none());
        match unknown {
            Some(host) => Err(GraphError::UnknownNode(host.node)),
            None => Ok(Connections {
                core,
                routes: Routes::default(),
                attached,
                failed: BTreeSet::new(),
            }),
        }
    }

    /// A graph without attached hosts: its own hosts are the ends, under their own numbers.
    pub fn bare(graph: Graph) -> Connections {
        Connections {
            core: graph,
            routes: Routes::default(),
            attached: Vec::new(),
            failed: BTreeSet::new(),
        }
    }

    /// All these around one hub, which is nothing that flows can fill.
    pub fn star(hosts: impl IntoIterator<Item = Access>) -> Connections {
        let mut core = Graph::default();
        let hosts = hosts.into_iter().map(|access| (access, NodeId(0)));
        let star = Blueprint::hub()
            .add_to(&mut core)
            .and_then(|_| Connections::new(core, hosts));
        star.unwrap_or_else(|error| unreachable!("a hub alone is a graph: {error}"))
    }

    /// The k-th attached host, counted from 0.
    pub const fn attached(&self, k: u32) -> HostId {
        HostId(k)
    }

    /// Number of attached hosts.
    pub fn attached_count(&self) -> usize {
        self.attached.len()
    }

    /// A node of the core, as an end of transfers.
    pub fn at(&self, node: impl Into<NodeId>) -> HostId {
        HostId(number(self.attached.len()) + node.into().0)
    }

    /// The graph between the attached hosts.
    pub fn core(&self) -> &Graph {
        &self.core
    }

    /// The capacities for the solver, by the rule of numbers.
    pub fn capacities(&self) -> Vec<Capacity> {
        let access = self.attached.iter().map(|host| &host.access);
        let mut capacities: Vec<Capacity> = access
            .flat_map(|access| [access.up, access.down])
            .map(Capacity::Shared)
            .collect();
        capacities.extend(self.core.capacities());
        capacities
    }

    fn part(&self, resource: ResourceId) -> Part<'_> {
        let host = self.attached.get(resource.0 as usize / 2);
        match (host, resource.0 % 2) {
            (Some(host), 0) => Part::Up(host),
            (Some(host), _) => Part::Down(host),
            (None, _) => Part::Core(ResourceId(resource.0 - self.first_of_core())),
        }
    }

    fn first_of_core(&self) -> u32 {
        2 * number(self.attached.len())
    }

    /// The name of a link and direction: an attached host's name followed by `/up` or `/down`, or
    /// [the core's](Graph::resource_name).
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn resource_name(&self, resource: ResourceId) -> String {
        match self.part(resource) {
            Part::Up(host) => format!("{}/up", host.access.name),
            Part::Down(host) => format!("{}/down", host.access.name),
            Part::Core(resource) => self.core.resource_name(resource),
        }
    }

    /// What a resource is.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn link_direction(&self, resource: ResourceId) -> LinkDirection<'_> {
        let (host, is_up) = match self.part(resource) {
            Part::Up(host) => (host, true),
            Part::Down(host) => (host, false),
            Part::Core(resource) => return self.core.link_direction(resource),
        };
        let access = &host.access;
        let node = self.core.node_name(host.node).unwrap_or_default();
        let (from, to, direction, bandwidth) = if is_up {
            (access.name.as_str(), node, "up", access.up)
        } else {
            (node, access.name.as_str(), "down", access.down)
        };
        LinkDirection {
            link: &access.name,
            from,
            to,
            direction,
            policy: SharingPolicy::SplitDuplex,
            bandwidth,
            latency: access.latency,
        }
    }

    /// The access link of a host, if it has one, and the node where it stands; `None` if no
    /// transfer can end there.
    fn end(&self, host: HostId) -> Option<(Option<&Access>, NodeId)> {
        if let Some(host) = self.attached.get(host.0 as usize) {
            return Some((Some(&host.access), host.node));
        }
        let node = HostId(host.0 - number(self.attached.len()));
        self.core.is_host(node).then(|| (None, node.into()))
    }

    /// The name of a host: of an attached one its own, else that of its node.
    pub(super) fn host_name(&self, host: HostId) -> String {
        match self.end(host) {
            Some((Some(access), _)) => access.name.clone(),
            Some((None, node)) => self.core.node_name(node).unwrap_or_default().to_owned(),
            None => String::new(),
        }
    }

    /// Takes note that a direction of a link has failed or come back.
    pub(super) fn set_failed(&mut self, resource: ResourceId, failed: bool) {
        if let Part::Core(part) = self.part(resource) {
            let link = self.core.link_number(part);
            self.routes.set_failed(link, part, failed);
        } else if failed {
            self.failed.insert(resource);
        } else {
            self.failed.remove(&resource);
        }
    }

    /// Whether the access link of a host has failed in any direction.
    fn is_cut_off(&self, host: HostId) -> bool {
        if self.failed.is_empty() || host.0 as usize >= self.attached.len() {
            return false;
        }
        let directions = [2 * host.0, 2 * host.0 + 1].map(ResourceId);
        directions.iter().any(|part| self.failed.contains(part))
    }

    /// The route from one host to another over links that have not failed, or `None` if there is
    /// none, or no such host. A link fails as a whole: a route and its way back use the same links.
    ///
    /// Complexity: O(length) once the pair of nodes is known, and in a star; else a search of the
    /// core, see the rule in `route.rs`.
    pub fn route(&mut self, from: HostId, to: HostId) -> Option<Route> {
        let cut_off = from != to && (self.is_cut_off(from) || self.is_cut_off(to));
        if cut_off {
            return None;
        }
        self.route_by(from, to, Routes::between)
    }

    /// The route that there is when no link has failed.
    pub(super) fn route_without_failures(&mut self, from: HostId, to: HostId) -> Option<Route> {
        self.route_by(from, to, Routes::without_failures)
    }

    fn route_by(
        &mut self,
        from: HostId,
        to: HostId,
        search: impl Fn(&mut Routes, &Graph, NodeId, NodeId) -> Option<Route>,
    ) -> Option<Route> {
        let ((_, here), (_, there)) = (self.end(from)?, self.end(to)?);
        if from == to {
            return Some(Route::local());
        }
        let core = if here == there {
            None
        } else {
            Some(search(&mut self.routes, &self.core, here, there)?)
        };
        let (sender, receiver) = (self.end(from)?.0, self.end(to)?.0);
        let (up, down) = (
            sender.map(|_| ResourceId(2 * from.0)),
            receiver.map(|_| ResourceId(2 * to.0 + 1)),
        );
        let between = core.as_ref().map_or(&[][..], |core| &core.resources);
        let first = self.first_of_core();
        let resources = up
            .into_iter()
            .chain(between.iter().map(|link| ResourceId(first + link.0)))
            .chain(down)
            .collect();
        let bandwidths = [
            sender.map(|access| access.up),
            core.as_ref().and_then(|core| core.bandwidth),
            receiver.map(|access| access.down),
        ];
        let latencies = [
            sender.map(|access| access.latency),
            core.as_ref().map(|core| core.latency),
            receiver.map(|access| access.latency),
        ];
        Some(Route {
            resources,
            latency: latencies.into_iter().flatten().sum(),
            bandwidth: bandwidths.into_iter().flatten().reduce(Bandwidth::min),
        })
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2³² hosts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Link, RouteMetric};
    use proptest::prelude::*;

    fn rate(bytes_per_second: u64) -> Bandwidth {
        Bandwidth::from_bytes_per_second(bytes_per_second as f64).unwrap()
    }

    fn access(name: &str, up: u64, down: u64, latency: u64) -> Access {
        Access {
            name: name.to_owned(),
            up: rate(up),
            down: rate(down),
            latency: SimDuration::from_nanos(latency),
        }
    }

    /// Nodes n0.. joined by (from, to, latency in ns, bandwidth), split-duplex.
    fn core(nodes: u32, links: &[(u32, u32, u64, u64)]) -> Graph {
        let mut graph = Graph::default();
        for node in 0..nodes {
            graph.add_host(format!("n{node}")).unwrap();
        }
        for (from, to, latency, bandwidth) in links {
            let link = Link::symmetric(
                format!("n{from}--n{to}#{}", graph.link_count()),
                rate(*bandwidth),
                SimDuration::from_nanos(*latency),
                SharingPolicy::SplitDuplex,
            );
            graph.add_link(NodeId(*from), NodeId(*to), link).unwrap();
        }
        graph
    }

    /// The same with the access links as links of the graph, and the attached hosts as its last
    /// nodes: what the search alone would find.
    fn spelt_out(core: &Graph, nodes: u32, hosts: &[(Access, NodeId)]) -> Graph {
        let mut graph = core.clone();
        for (access, node) in hosts {
            let host = graph.add_host(access.name.clone()).unwrap();
            let link = Link {
                name: access.name.clone(),
                forward: access.up,
                backward: access.down,
                latency: access.latency,
                policy: SharingPolicy::SplitDuplex,
            };
            graph.add_link(host, *node, link).unwrap();
        }
        assert_eq!(graph.node_count(), nodes as usize + hosts.len());
        graph
    }

    #[test]
    fn a_star_needs_no_search_and_numbers_two_resources_a_host() {
        let mut star = Connections::star([
            access("server", 100, 200, 1),
            access("a", 10, 20, 2),
            access("b", 30, 40, 3),
        ]);
        let route = star.route(HostId(1), HostId(0)).unwrap();
        assert_eq!(*route.resources, [ResourceId(2), ResourceId(1)]);
        assert_eq!(route.latency, SimDuration::from_nanos(3));
        assert_eq!(route.bandwidth, Some(rate(10)));
        let peers = star.route(HostId(1), HostId(2)).unwrap();
        assert_eq!(*peers.resources, [ResourceId(2), ResourceId(5)]);
        assert_eq!(star.route(HostId(1), HostId(1)), Some(Route::local()));
        let names: Vec<String> = (0..6).map(|k| star.resource_name(ResourceId(k))).collect();
        let expected = [
            "server/up",
            "server/down",
            "a/up",
            "a/down",
            "b/up",
            "b/down",
        ];
        assert_eq!(names, expected);
        let up = star.link_direction(ResourceId(4));
        assert_eq!(
            (up.link, up.from, up.to, up.direction),
            ("b", "b", "hub", "up")
        );
        assert_eq!(
            (up.bandwidth, up.latency),
            (rate(30), SimDuration::from_nanos(3))
        );
        let down = star.link_direction(ResourceId(5));
        assert_eq!((down.from, down.to, down.direction), ("hub", "b", "down"));
        assert_eq!(down.bandwidth, rate(40));
        // The hub is a router: nothing ends there. Beyond it there is nothing.
        assert_eq!(star.route(HostId(1), star.at(NodeId(0))), None);
        assert_eq!(star.route(HostId(1), HostId(4)), None);
    }

    #[test]
    fn a_core_without_attached_hosts_is_the_graph_under_its_own_numbers() {
        let graph = core(3, &[(0, 1, 5, 100), (1, 2, 7, 50)]);
        let mut bare = Connections::bare(graph.clone());
        assert_eq!(bare.capacities(), graph.capacities());
        let route = bare.route(HostId(2), HostId(0)).unwrap();
        assert_eq!(*route.resources, [ResourceId(3), ResourceId(1)]);
        assert_eq!(bare.at(NodeId(2)), HostId(2));
        assert_eq!(
            bare.resource_name(ResourceId(3)),
            graph.resource_name(ResourceId(3))
        );
    }

    #[test]
    fn a_host_at_a_node_that_is_not_there_is_refused() {
        let refused = Connections::new(core(2, &[]), [(access("a", 1, 1, 0), NodeId(2))]);
        assert_eq!(refused.unwrap_err(), GraphError::UnknownNode(NodeId(2)));
    }

    #[test]
    fn between_parts_of_the_core_there_is_no_route_but_at_one_node_there_is() {
        let hosts = [0, 0, 1].map(|node| (access(&format!("h{node}"), 1, 1, 1), NodeId(node)));
        let mut islands = Connections::new(core(2, &[]), hosts).unwrap();
        assert!(islands.route(HostId(0), HostId(1)).is_some());
        assert_eq!(islands.route(HostId(0), HostId(2)), None);
        // From an attached host to its own node: up and no more.
        let up = islands.route(HostId(0), islands.at(NodeId(0))).unwrap();
        assert_eq!(*up.resources, [ResourceId(0)]);
        let down = islands.route(islands.at(NodeId(0)), HostId(0)).unwrap();
        assert_eq!(*down.resources, [ResourceId(1)]);
    }

    prop_compose! {
        fn worlds()(nodes in 1_u32..7)(
            nodes in Just(nodes),
            links in prop::collection::vec((0..nodes, 0..nodes, 1_u64..9), 0..12),
            hosts in prop::collection::vec((1_u64..9, 1_u64..9, 0_u64..4, 0..nodes), 0..5),
            metric in prop::sample::select(vec![RouteMetric::Latency, RouteMetric::Hops]),
        ) -> (Graph, u32, Vec<(Access, NodeId)>) {
            // Powers of two: no two ways are equally long, so there is one shortest.
            let links = links.into_iter().filter(|(from, to, _)| from != to).zip(0..);
            let links: Vec<_> = links
                .map(|((from, to, bandwidth), k)| (from, to, 1 << k, bandwidth))
                .collect();
            let mut graph = core(nodes, &links);
            graph.set_route_metric(metric);
            let host = |(k, (up, down, latency, node)): (usize, (u64, u64, u64, u32))| {
                (access(&format!("host {k}"), up, down, latency), NodeId(node))
            };
            (graph, nodes, hosts.into_iter().enumerate().map(host).collect())
        }
    }

    proptest! {
        /// The short cut over pairs of nodes finds what a search over the whole graph finds: links
        /// by name in the same order, latency, and bandwidth, for every pair of ends.
        #[test]
        fn routes_are_those_of_the_graph_with_access_links_spelt_out(
            (graph, nodes, hosts) in worlds()
        ) {
            let whole = spelt_out(&graph, nodes, &hosts);
            let count = u32::try_from(hosts.len()).unwrap();
            let mut connections = Connections::new(graph, hosts).unwrap();
            let mut search = Routes::default();
            // The number of an end among the connections, by its number in the whole graph.
            let end = |node: u32| if node < nodes { HostId(count + node) } else { HostId(node - nodes) };
            for from in 0..nodes + count {
                for to in 0..nodes + count {
                    let found = connections.route(end(from), end(to));
                    let expected = search.between(&whole, NodeId(from), NodeId(to));
                    prop_assert_eq!(found.is_some(), expected.is_some());
                    let (Some(found), Some(expected)) = (found, expected) else { continue };
                    prop_assert_eq!(found.latency, expected.latency);
                    prop_assert_eq!(found.bandwidth, expected.bandwidth);
                    let found = found.resources.iter().map(|link| connections.resource_name(*link));
                    let expected = expected.resources.iter().map(|link| {
                        let name = whole.resource_name(*link);
                        if name.starts_with("host") {
                            name.replace("/forward", "/up").replace("/backward", "/down")
                        } else {
                            name
                        }
                    });
                    prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
                }
            }
        }
    }
}
