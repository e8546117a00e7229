//! The shapes that can be asked for, and what is wrong with one that cannot be drawn.

use std::fmt;

use super::{Blueprint, PlannedLink, random, regular};
use crate::kernel::Stream;
use crate::network::{Bandwidth, Link, SharingPolicy};
use crate::time::SimDuration;

/// More nodes or links than this are taken for a mistake.
pub(super) const MOST: u64 = 5_000_000;

/// What the links of a shape are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkKind {
    /// The same both ways.
    pub bandwidth: Bandwidth,
    /// Each way.
    pub latency: SimDuration,
    /// What flows share.
    pub policy: SharingPolicy,
}

/// One level of a tree below its root.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its nodes are called `name-0`, `name-1`, ...
    pub name: String,
    /// How many of them stand below each node of the tier above.
    pub fan_out: u32,
    /// The link of each to the node above it.
    pub link: LinkKind,
}

/// A topology to draw.
///
/// Nodes are called `n0`, `n1`, ... unless the shape says otherwise, and all are hosts but the
/// routers of [`Shape::Sites`].
///
/// # Example
/// ```
/// use fedstill_sim::kernel::Streams;
/// use fedstill_sim::network::topology::{LinkKind, Shape};
/// use fedstill_sim::network::{Bandwidth, SharingPolicy};
/// use fedstill_sim::time::SimDuration;
///
/// let link = LinkKind {
///     bandwidth: Bandwidth::from_bits_per_second(1e9).unwrap(),
///     latency: SimDuration::from_nanos(5_000_000),
///     policy: SharingPolicy::SplitDuplex,
/// };
/// let mut stream = Streams::new(7).stream("network", "topology");
/// let ring = Shape::Ring { nodes: 5, link }.draw(&mut stream).unwrap();
/// assert_eq!((ring.nodes.len(), ring.links.len()), (5, 5));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A root called `root` and any number of tiers below it.
    Tree {
        /// From the root down.
        tiers: Vec<Tier>,
    },
    /// Each node is joined to the next, and the last to the first.
    Ring {
        /// At least 3.
        nodes: u32,
        /// Every link.
        link: LinkKind,
    },
    /// Each node is joined to the next.
    Line {
        /// At least 2.
        nodes: u32,
        /// Every link.
        link: LinkKind,
    },
    /// Each node is joined to every other.
    Complete {
        /// At least 2.
        nodes: u32,
        /// Every link.
        link: LinkKind,
    },
    /// Nodes fall anywhere in a unit square; those within the radius of each other are joined.
    Geometric {
        /// At least 2.
        nodes: u32,
        /// In sides of the square, above 0.
        radius: f64,
        /// Its latency is that over one side of the square: a link has its share by length.
        link: LinkKind,
    },
    /// Watts and Strogatz (1998): a ring of near neighbours, some links of which are rewired.
    SmallWorld {
        /// More than `neighbours`.
        nodes: u32,
        /// To how many of its nearest each node is joined: even.
        neighbours: u32,
        /// Probability that a link is rewired.
        rewiring: f64,
        /// Every link.
        link: LinkKind,
    },
    /// Barabási and Albert (1999): each new node prefers those that have many links.
    ScaleFree {
        /// More than `links_per_node`.
        nodes: u32,
        /// Links that each new node brings.
        links_per_node: u32,
        /// Every link.
        link: LinkKind,
    },
    /// Sites of hosts behind a router each, `site-0-0`, ...; the routers meet in `core`.
    Sites {
        /// Number of sites.
        sites: u32,
        /// Hosts of each.
        hosts: u32,
        /// Between a host and its site's router.
        local: LinkKind,
        /// Between a site's router and the core.
        wide: LinkKind,
    },
}

/// Why a shape cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The parameter at fault.
    pub parameter: &'static str,
    /// What is wrong with it.
    pub found: String,
    /// What it should be.
    pub expected: String,
    /// What can be done.
    pub way_out: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.found, self.expected)
    }
}

impl std::error::Error for ShapeError {}

impl Shape {
    /// Draws nodes and links; every node has a way to every other.
    ///
    /// The same stream gives the same topology; shapes without chance take nothing from it.
    ///
    /// # Errors
    /// [`ShapeError`] where a parameter makes no sense, or chance cannot connect the nodes.
    pub fn draw(&self, stream: &mut Stream) -> Result<Blueprint, ShapeError> {
        match self {
            Shape::Tree { tiers } => regular::tree(tiers),
            Shape::Ring { nodes, link } => regular::ring(*nodes, link),
            Shape::Line { nodes, link } => regular::line(*nodes, link),
            Shape::Complete { nodes, link } => regular::complete(*nodes, link),
            Shape::Geometric {
                nodes,
                radius,
                link,
            } => random::geometric(*nodes, *radius, link, stream),
            Shape::SmallWorld {
                nodes,
                neighbours,
                rewiring,
                link,
            } => random::small_world(*nodes, *neighbours, *rewiring, link, stream),
            Shape::ScaleFree {
                nodes,
                links_per_node,
                link,
            } => random::scale_free(*nodes, *links_per_node, link, stream),
            Shape::Sites {
                sites,
                hosts,
                local,
                wide,
            } => regular::sites(*sites, *hosts, local, wide),
        }
    }
}

impl LinkKind {
    /// Joins two nodes of a blueprint; the link is called after both.
    pub(super) fn join(&self, blueprint: &mut Blueprint, from: usize, to: usize) {
        let name = format!(
            "{}--{}",
            blueprint.nodes[from].name, blueprint.nodes[to].name
        );
        blueprint.links.push(PlannedLink {
            from,
            to,
            link: Link::symmetric(name, self.bandwidth, self.latency, self.policy),
            weight: None,
        });
    }
}

/// Hosts `n0`, `n1`, ...; a server stands at the first and clients at all of them.
pub(super) fn numbered_hosts(nodes: u32, least: u32, links: u64) -> Result<Blueprint, ShapeError> {
    at_least("nodes", nodes, least)?;
    not_too_many("nodes", u64::from(nodes), links)?;
    let mut blueprint = Blueprint::default();
    blueprint.edge = (0..nodes)
        .map(|node| blueprint.add_node(format!("n{node}"), true))
        .collect();
    Ok(blueprint)
}

pub(super) fn at_least(parameter: &'static str, found: u32, least: u32) -> Result<(), ShapeError> {
    if found >= least {
        return Ok(());
    }
    Err(ShapeError {
        parameter,
        found: format!("`{parameter}` is {found}"),
        expected: format!("at least {least}"),
        way_out: "give more, or choose another kind of topology".to_owned(),
    })
}

pub(super) fn not_too_many(
    parameter: &'static str,
    nodes: u64,
    links: u64,
) -> Result<(), ShapeError> {
    if nodes.max(links) <= MOST {
        return Ok(());
    }
    Err(ShapeError {
        parameter,
        found: format!("the topology would have {nodes} nodes and {links} links"),
        expected: format!("at most {MOST} of each"),
        way_out: "ask for fewer nodes, or for fewer links of each".to_owned(),
    })
}
