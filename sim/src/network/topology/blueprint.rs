//! A topology as a list of nodes and links.

use std::collections::BTreeMap;

use crate::network::{Graph, GraphError, Link, NodeId};

/// What crossing a link costs on routes by weight: zero or more, to nine decimals.
///
/// Decimals instead of a float, so that two ways of equal weight are equal in every order of
/// adding up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteWeight {
    billionths: u64,
}

impl RouteWeight {
    /// The nearest weight; `None` below zero, above 10⁹, or for NaN.
    pub fn new(weight: f64) -> Option<RouteWeight> {
        (0.0..=1e9).contains(&weight).then(|| RouteWeight {
            billionths: (weight * 1e9).round() as u64,
        })
    }

    /// Whole billionths.
    pub const fn billionths(self) -> u64 {
        self.billionths
    }
}

/// A node of a blueprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedNode {
    /// Unique within its blueprint.
    pub name: String,
    /// Whether transfers may begin and end here; a router is only passed.
    pub is_host: bool,
}

/// A link of a blueprint; the ends are places in its list of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLink {
    /// One end.
    pub from: usize,
    /// The other.
    pub to: usize,
    /// Name, bandwidth, latency and sharing.
    pub link: Link,
    /// What it costs on routes by weight; `None` where nobody said.
    pub weight: Option<RouteWeight>,
}

/// A topology before anything is attached to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blueprint {
    /// Hosts and routers.
    pub nodes: Vec<PlannedNode>,
    /// The links between them.
    pub links: Vec<PlannedLink>,
    /// Where a server stands unless it is told otherwise: a place in `nodes`.
    pub core: usize,
    /// Where clients stand unless they are told otherwise, in turn: places in `nodes`.
    pub edge: Vec<usize>,
}

impl Blueprint {
    /// A star before anyone stands in it: one router called `hub`.
    pub fn hub() -> Blueprint {
        let mut blueprint = Blueprint::default();
        blueprint.core = blueprint.add_node("hub", false);
        blueprint.edge = vec![blueprint.core];
        blueprint
    }

    /// Adds a node and answers with its place.
    pub fn add_node(&mut self, name: impl Into<String>, is_host: bool) -> usize {
        let name = name.into();
        self.nodes.push(PlannedNode { name, is_host });
        self.nodes.len() - 1
    }

    /// Adds nodes and links to a graph; answers with the numbers of the nodes there.
    ///
    /// # Errors
    /// [`GraphError::DuplicateName`] where a name is taken, [`GraphError::SelfLoop`], or
    /// [`GraphError::SharedButAsymmetric`].
    pub fn add_to(&self, graph: &mut Graph) -> Result<Vec<NodeId>, GraphError> {
        let mut ids = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            ids.push(if node.is_host {
                NodeId::from(graph.add_host(node.name.as_str())?)
            } else {
                graph.add_router(node.name.as_str())?
            });
        }
        for planned in &self.links {
            let (from, to) = (ids[planned.from], ids[planned.to]);
            let weight = planned.weight.unwrap_or_default();
            graph.add_weighted_link(from, to, planned.link.clone(), weight)?;
        }
        Ok(ids)
    }

    /// The place of each node by its name.
    pub fn places(&self) -> BTreeMap<&str, usize> {
        let names = self.nodes.iter().map(|node| node.name.as_str());
        names.zip(0..).collect()
    }

    /// For each node the lowest place that it is connected to: equal where there is a way.
    pub fn islands(&self) -> Vec<usize> {
        let mut parents: Vec<usize> = (0..self.nodes.len()).collect();
        for link in &self.links {
            let (from, to) = (root(&mut parents, link.from), root(&mut parents, link.to));
            let (low, high) = (from.min(to), from.max(to));
            parents[high] = low;
        }
        (0..parents.len())
            .map(|node| root(&mut parents, node))
            .collect()
    }

    /// A node that has no way to the first one.
    pub fn cut_off(&self) -> Option<usize> {
        self.islands().into_iter().position(|island| island != 0)
    }
}

/// The root of a node's tree, which is made flatter on the way.
fn root(parents: &mut [usize], mut node: usize) -> usize {
    while parents[node] != node {
        parents[node] = parents[parents[node]];
        node = parents[node];
    }
    node
}
