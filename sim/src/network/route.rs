//! Routes between hosts of a graph: the shortest, found when first needed and kept.
//!
//! The rule, so that the same graph gives the same routes everywhere: least latency (or weight) and,
//! of equals, the fewest links; or the fewest links and, of equals, the least latency; of equals, the lowest node numbers, compared one by one from the end with the
//! higher number; between two nodes, the link added first. A route and its way back therefore use
//! the same links.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use super::graph::{Graph, Hop, NodeId};
use super::{Bandwidth, ResourceId};
use crate::time::SimDuration;

/// What lies between two hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The resources crossed, from the sender on; empty from a host to itself.
    pub resources: Arc<[ResourceId]>,
    /// The sum of the latencies.
    pub latency: SimDuration,
    /// The smallest bandwidth on the way; `None` from a host to itself.
    pub bandwidth: Option<Bandwidth>,
}

impl Route {
    /// From a host to itself: no links, no time.
    pub fn local() -> Route {
        Route {
            resources: Arc::from([]),
            latency: SimDuration::ZERO,
            bandwidth: None,
        }
    }

    /// How long `bytes` take with nobody else on the way: latency plus bytes over the smallest
    /// bandwidth, to the nearest nanosecond.
    pub fn uncontended(&self, bytes: u64) -> SimDuration {
        self.latency
            + self
                .bandwidth
                .map_or(SimDuration::ZERO, |bandwidth| bandwidth.time_for(bytes))
    }
}

/// Length of the way from each node to the root of the table, and what decides between equal
/// lengths; `None` where there is no way.
type Distances = Vec<Option<(u64, u64)>>;

/// The routes of one graph, as far as they have been needed.
///
/// A route needs the table of distances of either end: O(nodes) memory and O(links · log nodes) time.
/// A new one is made for the end that was asked for more often, so that a server with its clients
/// needs two tables at most, wherever it stands.
///
/// A link of which any direction has failed is on no route, since a route and its way back use the
/// same links. Whenever a link fails or comes back, the routes found meanwhile are forgotten; those
/// without failures are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    without_failures: Found,
    /// With the links of now; empty while none has failed.
    now: Found,
    /// Links, and which of their resources have failed.
    failed: BTreeSet<(u32, ResourceId)>,
}

#[derive(Clone, Debug, Default)]
struct Found {
    distances: BTreeMap<NodeId, Distances>,
    routes: BTreeMap<(NodeId, NodeId), Option<Route>>,
    /// How often a node was an end of a route that had to be found.
    asked: BTreeMap<NodeId, u32>,
}

impl Routes {
    /// The route over links that have not failed, or `None` if there is none.
    pub(super) fn between(&mut self, graph: &Graph, from: NodeId, to: NodeId) -> Option<Route> {
        if self.failed.is_empty() {
            return self.without_failures(graph, from, to);
        }
        self.now.between(graph, &self.failed, from, to)
    }

    /// The route as if no link had failed.
    pub(super) fn without_failures(
        &mut self,
        graph: &Graph,
        from: NodeId,
        to: NodeId,
    ) -> Option<Route> {
        self.without_failures
            .between(graph, &BTreeSet::new(), from, to)
    }

    /// Takes note that a direction of a link has failed or come back.
    pub(super) fn set_failed(&mut self, link: u32, resource: ResourceId, failed: bool) {
        if failed {
            self.failed.insert((link, resource));
        } else {
            self.failed.remove(&(link, resource));
        }
        self.now = Found::default();
    }
}

/// The ways out of a node over links that have not failed, in the order of the graph.
fn hops(graph: &Graph, failed: &BTreeSet<(u32, ResourceId)>, node: NodeId) -> Vec<Hop> {
    let mut hops = graph.hops(node);
    if !failed.is_empty() {
        let (least, most) = (ResourceId(0), ResourceId(u32::MAX));
        hops.retain(|hop| {
            failed
                .range((hop.link, least)..=(hop.link, most))
                .next()
                .is_none()
        });
    }
    hops
}

impl Found {
    fn between(
        &mut self,
        graph: &Graph,
        failed: &BTreeSet<(u32, ResourceId)>,
        from: NodeId,
        to: NodeId,
    ) -> Option<Route> {
        if from == to {
            return Some(Route::local());
        }
        if let Some(route) = self.routes.get(&(from, to)) {
            return route.clone();
        }
        let (low, high) = (from.min(to), from.max(to));
        let root = self.root(low, high);
        let distances = self
            .distances
            .entry(root)
            .or_insert_with(|| distances_to(graph, failed, root));
        let way = if root == low {
            walk(graph, failed, distances, high, low)
        } else {
            walk_away(graph, failed, distances, high, low)
        };
        let route = way.map(|hops| {
            let resource = |(at, hop): &(NodeId, Hop)| {
                if from == high {
                    hop.resource
                } else {
                    way_back(graph, *at, hop)
                }
            };
            let mut resources: Vec<ResourceId> = hops.iter().map(resource).collect();
            if from == low {
                resources.reverse();
            }
            Route {
                latency: hops.iter().map(|(_, hop)| hop.latency).sum(),
                bandwidth: resources
                    .iter()
                    .map(|resource| graph.capacity(*resource).bandwidth())
                    .reduce(Bandwidth::min),
                resources: resources.into(),
            }
        });
        self.routes.insert((from, to), route.clone());
        route
    }

    /// The end whose table is to be used: one that is there, or else the one asked for more often.
    fn root(&mut self, low: NodeId, high: NodeId) -> NodeId {
        let [asked_low, asked_high] = [low, high].map(|end| {
            let asked = self.asked.entry(end).or_default();
            *asked = asked.saturating_add(1);
            *asked
        });
        let has = |end| self.distances.contains_key(end);
        match (has(&low), has(&high)) {
            (true, _) => low,
            (false, true) => high,
            (false, false) if asked_high > asked_low => high,
            (false, false) => low,
        }
    }
}

fn sum(length: (u64, u64), cost: (u64, u64)) -> (u64, u64) {
    (
        length.0.saturating_add(cost.0),
        length.1.saturating_add(cost.1),
    )
}

/// Dijkstra's algorithm from `root`.
fn distances_to(graph: &Graph, failed: &BTreeSet<(u32, ResourceId)>, root: NodeId) -> Distances {
    let mut distances: Distances = vec![None; graph.node_count()];
    let mut open = BinaryHeap::from([Reverse(((0, 0), root))]);
    while let Some(Reverse((length, node))) = open.pop() {
        if distances[node.0 as usize].is_some() {
            continue;
        }
        distances[node.0 as usize] = Some(length);
        for hop in hops(graph, failed, node) {
            if distances[hop.to.0 as usize].is_none() {
                open.push(Reverse((sum(length, hop.cost), hop.to)));
            }
        }
    }
    distances
}

/// From `start` down the table to `root`, taking the lowest neighbour that keeps to the shortest way.
fn walk(
    graph: &Graph,
    failed: &BTreeSet<(u32, ResourceId)>,
    distances: &Distances,
    start: NodeId,
    root: NodeId,
) -> Option<Vec<(NodeId, Hop)>> {
    let (mut node, mut way) = (start, Vec::new());
    while node != root {
        let here = distances[node.0 as usize]?;
        let next = hops(graph, failed, node).into_iter().find(|hop| {
            distances[hop.to.0 as usize].is_some_and(|length| sum(length, hop.cost) == here)
        })?;
        way.push((node, next));
        node = next.to;
    }
    Some(way)
}

/// The same way by the table of its start: of the nodes on a shortest way to `end`, the lowest
/// neighbour each time. `walk` would take the same steps.
fn walk_away(
    graph: &Graph,
    failed: &BTreeSet<(u32, ResourceId)>,
    distances: &Distances,
    start: NodeId,
    end: NodeId,
) -> Option<Vec<(NodeId, Hop)>> {
    let length = |node: NodeId| distances[node.0 as usize];
    // Back from the end: every node from which a shortest way leads there.
    let mut leads_there = BTreeSet::from([end]);
    let mut open = vec![end];
    while let Some(node) = open.pop() {
        let here = length(node)?;
        for hop in hops(graph, failed, node) {
            let before = length(hop.to).map(|length| sum(length, hop.cost));
            if before == Some(here) && leads_there.insert(hop.to) {
                open.push(hop.to);
            }
        }
    }
    let (mut node, mut way) = (start, Vec::new());
    while node != end {
        let here = length(node)?;
        let next = hops(graph, failed, node).into_iter().find(|hop| {
            length(hop.to) == Some(sum(here, hop.cost)) && leads_there.contains(&hop.to)
        })?;
        way.push((node, next));
        node = next.to;
    }
    Some(way)
}

/// The resource of the other direction of the link by which `hop` leaves `from`.
fn way_back(graph: &Graph, from: NodeId, hop: &Hop) -> ResourceId {
    graph
        .hops(hop.to)
        .into_iter()
        .find(|back| back.link == hop.link && back.to == from)
        .map_or(hop.resource, |back| back.resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::topology::RouteWeight;
    use crate::network::{HostId, Link, RouteMetric, SharingPolicy};
    use proptest::prelude::*;

    /// Hosts a.. joined by (from, to, latency in ns), as split-duplex links of 1 MB/s.
    fn graph(hosts: u32, links: &[(u32, u32, u64)]) -> Graph {
        let mut graph = Graph::default();
        for host in 0..hosts {
            graph.add_host(format!("h{host}")).unwrap();
        }
        let bandwidth = Bandwidth::from_bytes_per_second(1e6).unwrap();
        for (k, (from, to, latency)) in links.iter().enumerate() {
            let latency = SimDuration::from_nanos(*latency);
            let link = Link::symmetric(
                format!("l{k}"),
                bandwidth,
                latency,
                SharingPolicy::SplitDuplex,
            );
            graph.add_link(HostId(*from), HostId(*to), link).unwrap();
        }
        graph
    }

    fn names(graph: &Graph, from: u32, to: u32) -> Vec<String> {
        let route = Routes::default()
            .between(graph, NodeId(from), NodeId(to))
            .unwrap();
        route
            .resources
            .iter()
            .map(|resource| graph.resource_name(*resource))
            .collect()
    }

    #[test]
    fn the_way_with_least_latency_wins_over_the_one_with_fewest_links() {
        let graph = graph(3, &[(0, 2, 10), (0, 1, 4), (1, 2, 5)]);
        assert_eq!(names(&graph, 0, 2), ["l1/forward", "l2/forward"]);
        assert_eq!(names(&graph, 2, 0), ["l2/backward", "l1/backward"]);
    }

    #[test]
    fn of_equal_latencies_the_fewest_links_win() {
        let graph = graph(3, &[(0, 1, 5), (1, 2, 5), (2, 0, 10)]);
        assert_eq!(names(&graph, 0, 2), ["l2/backward"]);
    }

    #[test]
    fn of_equal_ways_the_one_over_the_lowest_node_wins_in_both_directions() {
        //   0 --- 2 --- 4       0 --- 1 --- 4 and 0 --- 3 --- 4 are as short
        let graph = graph(
            5,
            &[
                (0, 2, 1),
                (2, 4, 1),
                (0, 3, 1),
                (3, 4, 1),
                (4, 1, 1),
                (1, 0, 1),
                (0, 1, 1),
            ],
        );
        assert_eq!(names(&graph, 4, 0), ["l4/forward", "l5/forward"]);
        assert_eq!(names(&graph, 0, 4), ["l5/backward", "l4/backward"]);
    }

    /// Three ways from 0 to 3; the routes found while one link was down are not those of later.
    #[test]
    fn each_further_failure_and_each_return_gives_other_routes() {
        let graph = graph(4, &[(0, 3, 1), (0, 1, 1), (1, 3, 1), (0, 2, 2), (2, 3, 2)]);
        let mut routes = Routes::default();
        let mut way = |failed: &[(u32, bool)]| {
            for (link, is_failed) in failed {
                routes.set_failed(*link, ResourceId(2 * link), *is_failed);
            }
            let route = routes.between(&graph, NodeId(0), NodeId(3))?;
            Some(route.latency.as_nanos())
        };
        assert_eq!(way(&[]), Some(1));
        assert_eq!(way(&[(0, true)]), Some(2));
        assert_eq!(way(&[(1, true)]), Some(4));
        assert_eq!(way(&[(4, true)]), None);
        assert_eq!(way(&[(4, false)]), Some(4));
        assert_eq!(way(&[(0, false)]), Some(1));
        assert_eq!(way(&[(1, false)]), Some(1));
    }

    #[test]
    fn by_hops_the_way_with_fewest_links_wins_whatever_its_latency() {
        let mut graph = graph(3, &[(0, 2, 100), (0, 1, 4), (1, 2, 5)]);
        graph.set_route_metric(RouteMetric::Hops);
        assert_eq!(names(&graph, 0, 2), ["l0/forward"]);
    }

    #[test]
    fn by_weight_neither_latency_nor_hops_count() {
        let mut graph = graph(3, &[]);
        let bandwidth = Bandwidth::from_bytes_per_second(1e6).unwrap();
        for (from, to, weight) in [(0, 2, 1.0), (0, 1, 0.1), (1, 2, 0.2)] {
            let name = format!("{from}{to}");
            let link = Link::symmetric(name, bandwidth, SimDuration::ZERO, SharingPolicy::Shared);
            let weight = RouteWeight::new(weight).unwrap();
            graph
                .add_weighted_link(HostId(from), HostId(to), link, weight)
                .unwrap();
        }
        graph.set_route_metric(RouteMetric::Weight);
        assert_eq!(names(&graph, 0, 2), ["01", "12"]);
    }

    #[test]
    fn there_is_no_route_between_islands_and_no_link_to_oneself() {
        let graph = graph(3, &[(0, 1, 1)]);
        let mut routes = Routes::default();
        assert_eq!(routes.between(&graph, NodeId(0), NodeId(2)), None);
        assert_eq!(
            routes.between(&graph, NodeId(1), NodeId(1)),
            Some(Route::local())
        );
    }

    /// A server in the middle of the numbers: one table of its own and that of its first client.
    #[test]
    fn a_server_and_its_clients_need_two_tables_wherever_it_stands() {
        let links: Vec<_> = (0..50).map(|node| (node, node + 1, 1)).collect();
        let graph = graph(51, &links);
        let mut routes = Routes::default();
        for client in (0..51).filter(|client| *client != 25) {
            let route = routes.between(&graph, NodeId(25), NodeId(client)).unwrap();
            assert_eq!(route.resources.len(), 25_usize.abs_diff(client as usize));
        }
        assert_eq!(routes.without_failures.distances.len(), 2);
    }

    proptest! {
        /// Many links of equal length, and so many equal ways: which table was at hand, and so what
        /// was asked before, changes no route.
        #[test]
        fn a_route_does_not_hang_on_what_was_asked_before(
            links in prop::collection::vec((0_u32..9, 0_u32..9, 1_u64..3), 8..40),
            asked in prop::collection::vec((0_u32..9, 0_u32..9), 1..60),
            metric in prop::sample::select(vec![RouteMetric::Latency, RouteMetric::Hops]),
        ) {
            let links: Vec<_> = links.into_iter().filter(|(from, to, _)| from != to).collect();
            let mut graph = graph(9, &links);
            graph.set_route_metric(metric);
            let mut before = Routes::default();
            for (from, to) in asked {
                let (from, to) = (NodeId(from), NodeId(to));
                let alone = Routes::default().between(&graph, from, to);
                prop_assert_eq!(before.between(&graph, from, to), alone);
            }
        }
    }
}
