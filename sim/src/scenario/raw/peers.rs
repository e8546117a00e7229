//! `method.peers`: clients that pass knowledge to each other, without a server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// To whom each client passes what it learned; every client is an aggregator of its own then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum RawPeers {
    /// To every neighbour.
    All {
        /// Who is whose neighbour.
        #[serde(default)]
        graph: RawPeerGraph,
        /// Whether a client's own contribution counts beside those it received.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        own: bool,
    },
    /// To one neighbour: pairs are drawn anew for each version.
    Matching {
        /// Who is whose neighbour.
        #[serde(default)]
        graph: RawPeerGraph,
        /// Whether a client's own contribution counts beside those it received.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        own: bool,
    },
    /// To the client 2^i places further on in the list of clients, where i counts versions up to log₂ of their number and begins again (one-peer exponential graph; Assran et al. 2019).
    Exponential {
        /// Whether a client's own contribution counts beside those it received.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        own: bool,
    },
}

/// Who is whose neighbour among the clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawPeerGraph {
    /// Everyone is everyone's.
    #[default]
    Complete,
    /// Each has the one before and the one after it in the list of clients, and the last the first.
    Ring,
    /// Those that stand at the same node of the topology, or at the ends of one link.
    Network,
}

impl RawPeers {
    /// Whether a client's own contribution counts.
    #[must_use]
    pub fn counts_own(&self) -> bool {
        match self {
            Self::All { own, .. } | Self::Matching { own, .. } | Self::Exponential { own } => *own,
        }
    }
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}
