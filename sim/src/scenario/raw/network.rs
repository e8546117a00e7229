//! `[network]` and `[[transfer]]`: how hosts are connected, and bare transfers between them.

use super::super::quantity::{Bandwidth, Bytes, Duration};
use super::{RawCompute, RawFailure, RawHost, RawNetworkLink, RawRun, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How hosts are connected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawNetwork {
    /// Shape of the network between the clients' access links and the server's.
    pub topology: RawTopology,
    /// What a route is the shortest by.
    #[serde(skip_serializing_if = "is_default")]
    pub route: RawRoute,
    /// How a transfer is slowed beside the links that it crosses.
    #[serde(skip_serializing_if = "is_default")]
    pub transport: RawTransport,
    /// What a failed link does to the transfers that cross it.
    #[serde(skip_serializing_if = "is_default")]
    pub failure: RawFailure,
    /// Payload of a packet, for the bound that `loss` sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mss: Option<Bytes>,
    /// What links of the topology do besides carrying bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<RawNetworkLink>,
}

/// Shape of the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawTopology {
    /// Every client's access link meets the server's.
    #[default]
    Star,
    /// From a file; `{ file = "edges.csv" }` is enough.
    File {
        /// Relative to the scenario: an edge list (`.csv`), node-link JSON (`.json`) or GraphML (`.graphml`).
        file: String,
        /// Bandwidth of links for which a JSON or GraphML file gives none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bandwidth: Option<Bandwidth>,
        /// Latency of links for which a JSON or GraphML file gives none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency: Option<Duration>,
        /// Sharing of links for which a JSON or GraphML file gives none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sharing: Option<RawSharing>,
        /// Attribute that holds the length of a link in km, for links of a JSON or GraphML file that
        /// give no latency, such as `dist`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<String>,
        /// One-way latency of a km of such a link; 4.9 us if left out, as in optical fibre.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency_per_km: Option<Duration>,
        /// What the file holds; empty until it is read.
        #[serde(skip)]
        text: Arc<str>,
    },
    /// A root with any number of tiers below it, such as cloud, regions and edges.
    Tree {
        /// From the root down.
        tiers: Vec<RawTier>,
    },
    /// Each node is joined to the next, and the last to the first.
    Ring {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency of every link.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Each node is joined to the next.
    Line {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency of every link.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Each node is joined to every other.
    Complete {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency of every link.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Nodes fall anywhere in a unit square, and those near each other are joined.
    Geometric {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// Nodes within this distance are joined; in sides of the square.
        radius: f64,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency over one side of the square; a link has its share by length.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Watts-Strogatz: a ring of near neighbours, some links of which are rewired.
    SmallWorld {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// To how many of its nearest each node is joined: an even number.
        neighbours: u32,
        /// Probability that a link is rewired.
        rewiring: f64,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency of every link.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Barabási-Albert: each new node prefers those that have many links.
    ScaleFree {
        /// Number of nodes, called `n0`, `n1`, ...
        nodes: u32,
        /// Links that each new node brings.
        links_per_node: u32,
        /// Bandwidth of every link.
        bandwidth: Bandwidth,
        /// One-way latency of every link.
        latency: Duration,
        /// What the flows on a link share.
        #[serde(default)]
        sharing: RawSharing,
    },
    /// Sites of hosts behind a router each; the routers meet in `core`.
    Sites {
        /// Number of sites; their routers are called `site-0`, `site-1`, ...
        sites: u32,
        /// Hosts of each site, called `site-0-0`, `site-0-1`, ...
        hosts: u32,
        /// The link between a host and its site's router.
        local: RawHostLink,
        /// The link between a site's router and the core.
        wide: RawHostLink,
    },
}

/// One level of a tree below its root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTier {
    /// Its nodes are called `name-0`, `name-1`, ...; `tier1`, `tier2`, ... if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many of them stand below each node of the tier above.
    pub fan_out: u32,
    /// Bandwidth of the link of each to the node above it.
    pub bandwidth: Bandwidth,
    /// One-way latency of that link.
    pub latency: Duration,
    /// What the flows on that link share.
    #[serde(default)]
    pub sharing: RawSharing,
}

/// A link of a topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHostLink {
    /// Bandwidth, the same both ways.
    pub bandwidth: Bandwidth,
    /// One-way latency.
    pub latency: Duration,
    /// What the flows on it share.
    #[serde(default)]
    pub sharing: RawSharing,
}

/// What the flows on a link share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawSharing {
    /// Each direction has its own bandwidth.
    #[default]
    SplitDuplex,
    /// Both directions share one bandwidth.
    Shared,
    /// Each flow has the whole bandwidth.
    FatPipe,
}

/// What a route is the shortest by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawRoute {
    /// The sum of the latencies.
    #[default]
    Latency,
    /// The number of links.
    Hops,
    /// The sum of the links' `weight`, a column or attribute of the topology's file.
    Weight,
}

/// How a transfer is slowed beside the links that it crosses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawTransport {
    /// Latency, then the fair share of every link; no regard to round-trip time.
    #[default]
    Fluid,
    /// SimGrid's CM02.
    Cm02 {
        /// A transfer waits for this times the latency of its route (1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency_factor: Option<f64>,
        /// The part of its share of a link that is payload (1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bandwidth_factor: Option<f64>,
        /// S in bytes: a link of bandwidth b adds S/b to the latency that weighs a transfer (0).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight_s: Option<f64>,
        /// Largest window in bytes: the rate is at most this over the round-trip time; 0 is no bound (4194304).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tcp_gamma: Option<f64>,
        /// Whether acknowledgements take 0.05 of the rate on the way back (true).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        crosstraffic: Option<bool>,
    },
    /// SimGrid's LV08.
    Lv08 {
        /// A transfer waits for this times the latency of its route (13.01).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency_factor: Option<f64>,
        /// The part of its share of a link that is payload (0.97).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bandwidth_factor: Option<f64>,
        /// S in bytes: a link of bandwidth b adds S/b to the latency that weighs a transfer (20537).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight_s: Option<f64>,
        /// Largest window in bytes: the rate is at most this over the round-trip time; 0 is no bound (4194304).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tcp_gamma: Option<f64>,
        /// Whether acknowledgements take 0.05 of the rate on the way back (true).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        crosstraffic: Option<bool>,
    },
}

/// A bare transfer: where it is listed, only the network is simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTransfer {
    /// The host that sends: a host of the topology, or beside clients `server` or a client such as `clinic-3`.
    pub from: String,
    /// The host that receives: the same.
    pub to: String,
    /// How much, in whole bytes.
    pub size: Bytes,
    /// When it is sent.
    #[serde(default = "at_once")]
    pub at: Duration,
}

/// A network and the transfers over it: a scenario without data, clients and method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNetworkScenario {
    /// Name of the scenario; names its output folder.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Sets both `seed_world` and `seed_dynamics`.
    #[serde(default = "super::default_seed")]
    pub seed: u64,
    /// Seed of the topology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_world: Option<u64>,
    /// Seed of what changes as the run goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_dynamics: Option<u64>,
    /// How often to run with new seeds.
    #[serde(default = "super::one")]
    pub replications: u32,
    /// Number of the replication that a resolved file repeats.
    #[serde(default)]
    pub replication: u32,
    /// Which run of its batch a resolved file repeats; leave it out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RawRun>,
    /// How hosts are connected.
    #[serde(default)]
    pub network: RawNetwork,
    /// The transfers, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<RawTransfer>,
    /// What bare computations run on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<RawHost>,
    /// Bare computations, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute: Vec<RawCompute>,
}

fn at_once() -> Duration {
    Duration::from_seconds(0.0)
}
