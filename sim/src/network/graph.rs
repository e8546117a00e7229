//! The graph of hosts, routers and links.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::graph::{EdgeIndex, NodeIndex, UnGraph};
use petgraph::visit::EdgeRef;

use super::topology::RouteWeight;
use super::{Bandwidth, Capacity, ResourceId};
use crate::time::SimDuration;

/// A host, by its number among the nodes of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// Any node, host or router, by its number; numbers follow the order of adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl From<HostId> for NodeId {
    fn from(host: HostId) -> NodeId {
        NodeId(host.0)
    }
}

/// What the flows on a link share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharingPolicy {
    /// Both directions share one capacity.
    Shared,
    /// Each direction has its own capacity.
    SplitDuplex,
    /// Each flow has the whole capacity: the link bounds flows but never fills up.
    FatPipe,
}

/// What a route is the shortest by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteMetric {
    /// The sum of the latencies.
    #[default]
    Latency,
    /// The number of links.
    Hops,
    /// The sum of the links' weights.
    Weight,
}

/// A link and direction, or a link whose directions share: what one resource is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkDirection<'a> {
    /// The link's name.
    pub link: &'a str,
    /// The node that bytes come from; the link's first one where the directions share.
    pub from: &'a str,
    /// The node that they go to.
    pub to: &'a str,
    /// `forward`, `backward`, or `both` where the directions share; of an access link `up` or `down`.
    pub direction: &'static str,
    /// What flows share.
    pub policy: SharingPolicy,
    /// Its own bandwidth.
    pub bandwidth: Bandwidth,
    /// Each way.
    pub latency: SimDuration,
}

/// A link between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Unique within its graph.
    pub name: String,
    /// Capacity from the node named first to the other.
    pub forward: Bandwidth,
    /// Capacity the other way; the same as `forward` if the directions share.
    pub backward: Bandwidth,
    /// Latency in each direction.
    pub latency: SimDuration,
    /// What the flows on it share.
    pub policy: SharingPolicy,
}

impl Link {
    /// A link with the same bandwidth both ways.
    pub fn symmetric(
        name: impl Into<String>,
        bandwidth: Bandwidth,
        latency: SimDuration,
        policy: SharingPolicy,
    ) -> Link {
        Link {
            name: name.into(),
            forward: bandwidth,
            backward: bandwidth,
            latency,
            policy,
        }
    }
}

/// Why a node or link cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// Two nodes, or two links, of one name.
    DuplicateName(String),
    /// A link from a node to itself.
    SelfLoop(String),
    /// A link whose directions share one capacity but differ in it.
    SharedButAsymmetric(String),
    /// A node that the graph does not have.
    UnknownNode(NodeId),
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::DuplicateName(name) => write!(f, "the name `{name}` is taken"),
            GraphError::SelfLoop(name) => write!(f, "link `{name}` joins a node to itself"),
            GraphError::SharedButAsymmetric(name) => {
                write!(
                    f,
                    "link `{name}` shares one capacity both ways but is given two"
                )
            }
            GraphError::UnknownNode(NodeId(node)) => write!(f, "there is no node number {node}"),
        }
    }
}

impl std::error::Error for GraphError {}

/// Hosts and routers joined by links.
///
/// # Example
/// ```
/// use fedstill_sim::network::{Bandwidth, Graph, Link, Network, SharingPolicy};
/// use fedstill_sim::time::{SimDuration, SimTime};
///
/// // clinic --- router --- cloud
/// let mut graph = Graph::default();
/// let clinic = graph.add_host("clinic").unwrap();
/// let router = graph.add_router("router").unwrap();
/// let cloud = graph.add_host("cloud").unwrap();
/// let mbps = |rate: f64| Bandwidth::from_bits_per_second(rate * 1e6).unwrap();
/// let ms = |length: u64| SimDuration::from_nanos(length * 1_000_000);
/// let dsl = Link::symmetric("dsl", mbps(8.0), ms(20), SharingPolicy::SplitDuplex);
/// let fibre = Link::symmetric("fibre", mbps(1000.0), ms(5), SharingPolicy::SplitDuplex);
/// graph.add_link(clinic, router, dsl).unwrap();
/// graph.add_link(router, cloud, fibre).unwrap();
///
/// let mut network = Network::from_graph(graph);
/// let delivery = network.transfer(SimTime::ZERO, clinic, cloud, 1_000_000).unwrap();
/// network.settle(SimTime::ZERO);
/// let end = network.next_event().unwrap(); // the latency is over
/// assert!(network.advance(end).is_empty());
/// network.settle(end);
/// let end = network.next_event().unwrap();
/// let done = network.advance(end);
/// assert_eq!(done[0].delivery, delivery);
/// assert_eq!(end.to_string(), "1.025");
/// assert_eq!(network.link_name(done[0].limiting_link.unwrap()), "dsl/forward");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: UnGraph<Node, Edge>,
    nodes_by_name: BTreeMap<String, NodeIndex>,
    links_by_name: BTreeMap<String, EdgeIndex>,
    resources: Vec<(EdgeIndex, Direction)>,
    metric: RouteMetric,
}

#[derive(Clone, Debug)]
struct Node {
    name: String,
    is_host: bool,
}

#[derive(Clone, Debug)]
struct Edge {
    link: Link,
    weight: RouteWeight,
    /// The resource of the forward direction; the backward one follows it if there are two.
    first: ResourceId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Both,
    Forward,
    Backward,
}

/// One way out of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hop {
    pub(super) to: NodeId,
    /// The link's number: decides between parallel links.
    pub(super) link: u32,
    pub(super) latency: SimDuration,
    pub(super) resource: ResourceId,
    /// What it adds to the length of a route, and to what decides between equal lengths.
    pub(super) cost: (u64, u64),
}

impl Graph {
    /// Routes are the shortest by this; by latency unless said otherwise. To be said before the
    /// first route is asked for.
    pub fn set_route_metric(&mut self, metric: RouteMetric) {
        self.metric = metric;
    }

    fn add_node(&mut self, name: String, is_host: bool) -> Result<u32, GraphError> {
        if self.nodes_by_name.contains_key(&name) {
            return Err(GraphError::DuplicateName(name));
        }
        let index = self.graph.add_node(Node {
            name: name.clone(),
            is_host,
        });
        self.nodes_by_name.insert(name, index);
        Ok(number(index.index()))
    }

    /// Adds a place where transfers begin and end.
    ///
    /// # Errors
    /// [`GraphError::DuplicateName`].
    pub fn add_host(&mut self, name: impl Into<String>) -> Result<HostId, GraphError> {
        self.add_node(name.into(), true).map(HostId)
    }

    /// Adds a place that transfers only pass.
    ///
    /// # Errors
    /// [`GraphError::DuplicateName`].
    pub fn add_router(&mut self, name: impl Into<String>) -> Result<NodeId, GraphError> {
        self.add_node(name.into(), false).map(NodeId)
    }

    /// Joins two nodes by a link of weight 0. Parallel links are allowed.
    ///
    /// # Errors
    /// Any [`GraphError`].
    pub fn add_link(
        &mut self,
        from: impl Into<NodeId>,
        to: impl Into<NodeId>,
        link: Link,
    ) -> Result<(), GraphError> {
        self.add_weighted_link(from, to, link, RouteWeight::default())
    }

    /// Like [`add_link`](Self::add_link), with what the link costs on routes by weight.
    ///
    /// # Errors
    /// Any [`GraphError`].
    pub fn add_weighted_link(
        &mut self,
        from: impl Into<NodeId>,
        to: impl Into<NodeId>,
        link: Link,
        weight: RouteWeight,
    ) -> Result<(), GraphError> {
        let (from, to) = (from.into(), to.into());
        if let Some(unknown) = [from, to]
            .into_iter()
            .find(|node| node.0 as usize >= self.graph.node_count())
        {
            return Err(GraphError::UnknownNode(unknown));
        }
        if from == to {
            return Err(GraphError::SelfLoop(link.name));
        }
        if self.links_by_name.contains_key(&link.name) {
            return Err(GraphError::DuplicateName(link.name));
        }
        let shared = link.policy == SharingPolicy::Shared;
        if shared && link.forward != link.backward {
            return Err(GraphError::SharedButAsymmetric(link.name));
        }
        let (name, first) = (link.name.clone(), ResourceId(number(self.resources.len())));
        let edge = Edge {
            link,
            weight,
            first,
        };
        let edge = self.graph.add_edge(index(from), index(to), edge);
        self.links_by_name.insert(name, edge);
        if shared {
            self.resources.push((edge, Direction::Both));
        } else {
            self.resources.push((edge, Direction::Forward));
            self.resources.push((edge, Direction::Backward));
        }
        Ok(())
    }

    /// The host of that name, if there is one.
    pub fn host(&self, name: &str) -> Option<HostId> {
        let index = *self.nodes_by_name.get(name)?;
        self.graph[index]
            .is_host
            .then(|| HostId(number(index.index())))
    }

    /// Whether there is a host of that number.
    pub(super) fn is_host(&self, host: HostId) -> bool {
        self.graph
            .node_weight(index(host.into()))
            .is_some_and(|node| node.is_host)
    }

    /// The name of a node; `None` if the graph does not have it.
    pub fn node_name(&self, node: impl Into<NodeId>) -> Option<&str> {
        self.graph
            .node_weight(index(node.into()))
            .map(|node| node.name.as_str())
    }

    /// Number of hosts and routers.
    pub fn node_count(&self) -> usize {
        self.graph.node_count()
    }

    /// The nodes at the other ends of a node's links, in order, each once.
    ///
    /// Complexity: O(links of the node · log of them).
    pub fn adjacent(&self, node: impl Into<NodeId>) -> BTreeSet<NodeId> {
        let place = petgraph::graph::NodeIndex::new(node.into().0 as usize);
        let others = self.graph.neighbors_undirected(place);
        let number = |other: petgraph::graph::NodeIndex| other.index();
        others
            .filter_map(|other| u32::try_from(number(other)).ok().map(NodeId))
            .collect()
    }

    /// Number of links.
    pub fn link_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// The link of that name, if there is one.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links_by_name
            .get(name)
            .map(|edge| &self.graph[*edge].link)
    }

    /// The capacities for the solver: one a direction, or one a link whose directions share, in the
    /// order in which the links were added.
    pub fn capacities(&self) -> Vec<Capacity> {
        (0..self.resources.len())
            .map(|k| self.capacity(ResourceId(number(k))))
            .collect()
    }

    /// The capacity of one resource.
    pub(super) fn capacity(&self, resource: ResourceId) -> Capacity {
        let (edge, direction) = self.resources[resource.0 as usize];
        let link = &self.graph[edge].link;
        let bandwidth = if direction == Direction::Backward {
            link.backward
        } else {
            link.forward
        };
        match link.policy {
            SharingPolicy::FatPipe => Capacity::PerFlow(bandwidth),
            SharingPolicy::Shared | SharingPolicy::SplitDuplex => Capacity::Shared(bandwidth),
        }
    }

    /// The link's name, followed by `/forward` or `/backward` unless its directions share.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn resource_name(&self, resource: ResourceId) -> String {
        let (edge, direction) = self.resources[resource.0 as usize];
        let name = &self.graph[edge].link.name;
        match direction {
            Direction::Both => name.clone(),
            Direction::Forward => format!("{name}/forward"),
            Direction::Backward => format!("{name}/backward"),
        }
    }

    /// What a resource is.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn link_direction(&self, resource: ResourceId) -> LinkDirection<'_> {
        let (edge, direction) = self.resources[resource.0 as usize];
        let link = &self.graph[edge].link;
        let (first, second) = self
            .graph
            .edge_endpoints(edge)
            .unwrap_or_else(|| unreachable!("links are never removed"));
        let [first, second] = [first, second].map(|node| self.graph[node].name.as_str());
        let (from, to, direction, bandwidth) = match direction {
            Direction::Both => (first, second, "both", link.forward),
            Direction::Forward => (first, second, "forward", link.forward),
            Direction::Backward => (second, first, "backward", link.backward),
        };
        LinkDirection {
            link: &link.name,
            from,
            to,
            direction,
            policy: link.policy,
            bandwidth,
            latency: link.latency,
        }
    }

    /// The number of the link that a resource is a direction of.
    pub(super) fn link_number(&self, resource: ResourceId) -> u32 {
        number(self.resources[resource.0 as usize].0.index())
    }

    /// The ways out of a node, by neighbour and then by link number.
    pub(super) fn hops(&self, from: NodeId) -> Vec<Hop> {
        let mut hops: Vec<Hop> = self
            .graph
            .edges(index(from))
            .map(|reference| {
                let edge = reference.weight();
                // An undirected edge is reported as seen from `from`: ask the graph which way it is.
                let forward = self
                    .graph
                    .edge_endpoints(reference.id())
                    .is_some_and(|(source, _)| source == index(from));
                let to = if reference.source() == index(from) {
                    reference.target()
                } else {
                    reference.source()
                };
                let split = edge.link.policy != SharingPolicy::Shared;
                Hop {
                    to: NodeId(number(to.index())),
                    link: number(reference.id().index()),
                    latency: edge.link.latency,
                    resource: ResourceId(edge.first.0 + u32::from(split && !forward)),
                    cost: match self.metric {
                        RouteMetric::Latency => (edge.link.latency.as_nanos(), 1),
                        RouteMetric::Hops => (1, edge.link.latency.as_nanos()),
                        RouteMetric::Weight => (edge.weight.billionths(), 1),
                    },
                }
            })
            .collect();
        hops.sort_unstable();
        hops
    }
}

fn index(node: NodeId) -> NodeIndex {
    NodeIndex::new(node.0 as usize)
}

/// petgraph's own limit: its indices are 32 bits wide.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| unreachable!("more than 2³² nodes or links"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str) -> Link {
        let bandwidth = Bandwidth::from_bytes_per_second(1e6).unwrap();
        Link::symmetric(name, bandwidth, SimDuration::ZERO, SharingPolicy::Shared)
    }

    #[test]
    fn malformed_graphs_are_refused() {
        let mut graph = Graph::default();
        let a = graph.add_host("a").unwrap();
        let b = graph.add_router("b").unwrap();
        assert_eq!(
            graph.add_host("b"),
            Err(GraphError::DuplicateName("b".into()))
        );
        assert_eq!(
            graph.add_link(a, a, link("l")),
            Err(GraphError::SelfLoop("l".into()))
        );
        assert_eq!(
            graph.add_link(a, NodeId(9), link("l")),
            Err(GraphError::UnknownNode(NodeId(9)))
        );
        graph.add_link(a, b, link("l")).unwrap();
        assert_eq!(
            graph.add_link(b, a, link("l")),
            Err(GraphError::DuplicateName("l".into()))
        );
        let lopsided = Link {
            backward: Bandwidth::from_bytes_per_second(1.0).unwrap(),
            ..link("m")
        };
        assert_eq!(
            graph.add_link(a, b, lopsided),
            Err(GraphError::SharedButAsymmetric("m".into()))
        );
        assert_eq!(graph.host("a"), Some(a));
        assert_eq!(graph.host("b"), None, "a router is no host");
    }

    #[test]
    fn a_split_link_is_two_resources_and_a_shared_link_is_one() {
        let mut graph = Graph::default();
        let a = graph.add_host("a").unwrap();
        let b = graph.add_host("b").unwrap();
        graph
            .add_link(
                a,
                b,
                Link {
                    policy: SharingPolicy::SplitDuplex,
                    ..link("split")
                },
            )
            .unwrap();
        graph.add_link(b, a, link("shared")).unwrap();
        let names: Vec<String> = (0..3).map(|k| graph.resource_name(ResourceId(k))).collect();
        assert_eq!(names, ["split/forward", "split/backward", "shared"]);
        let out = |from: HostId| {
            graph
                .hops(from.into())
                .iter()
                .map(|hop| hop.resource.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(out(a), [0, 2]);
        assert_eq!(out(b), [1, 2]);
    }
}
