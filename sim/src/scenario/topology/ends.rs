//! Ends: what a listed transfer can name, and the node where that stands.

use super::Places;
use crate::network::topology::Blueprint;
use crate::scenario::raw::RawClientGroup;
use std::collections::BTreeMap;

/// The name of the server, among the ends of transfers.
pub(crate) const SERVER: &str = "server";

/// One end of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server or a client, by its number among the attached hosts: the server is number 0.
    Attached {
        host: u32,
        /// Its place in the blueprint.
        node: usize,
    },
    /// A node of the topology itself.
    Node(usize),
    /// A node that transfers only pass.
    Router,
    /// A node has the name of the server or of a client.
    Ambiguous,
}

/// Every end by its name. Made only where transfers are listed: a large population is long.
#[derive(Debug)]
pub(crate) struct Ends(BTreeMap<String, End>);

impl Ends {
    /// The hosts of a topology without clients.
    pub(crate) fn of_nodes(blueprint: &Blueprint) -> Self {
        let end = |(place, node): (usize, &crate::network::topology::PlannedNode)| {
            let end = if node.is_host {
                End::Node(place)
            } else {
                End::Router
            };
            (node.name.clone(), end)
        };
        Self(blueprint.nodes.iter().enumerate().map(end).collect())
    }

    /// The server and the clients besides.
    pub(crate) fn with_clients(
        blueprint: &Blueprint,
        places: &Places,
        groups: &[RawClientGroup],
    ) -> Self {
        let mut ends = Self::of_nodes(blueprint);
        let mut attach = |name: String, host, node| {
            let end = ends.0.entry(name);
            end.and_modify(|taken| *taken = End::Ambiguous)
                .or_insert(End::Attached { host, node });
        };
        attach(SERVER.to_owned(), 0, places.server());
        let mut host = 0;
        for (group, described) in groups.iter().enumerate() {
            for index in 0..described.count {
                let node = places.client(group, index, host as usize);
                host += 1;
                attach(described.client_name(index), host, node);
            }
        }
        ends
    }

    pub(crate) fn find(&self, name: &str) -> Option<End> {
        self.0.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl End {
    /// Where it stands, if transfers can end there.
    pub(crate) fn node(self) -> Option<usize> {
        match self {
            Self::Attached { node, .. } | Self::Node(node) => Some(node),
            Self::Router | Self::Ambiguous => None,
        }
    }
}
