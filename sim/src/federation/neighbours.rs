//! Neighbours: to whom a client passes what it learned, and whose it waits for.

use crate::kernel::{ActorId, Streams};
use crate::scenario::RawPeers;
use rand::seq::SliceRandom;
use std::collections::BTreeSet;

/// Who passes to whom in which version. Everyone works it out alike, from a seed agreed on.
#[derive(Debug)]
pub(crate) struct Neighbours {
    peers: RawPeers,
    /// Of each client, by number, in order.
    graph: Vec<Vec<usize>>,
    streams: Streams,
}

impl Neighbours {
    /// Over a graph of clients by number: lists in order, neither loops nor one-sided edges.
    pub(crate) fn new(peers: RawPeers, graph: Vec<Vec<usize>>, streams: Streams) -> Self {
        Self {
            peers,
            graph,
            streams,
        }
    }

    /// To whom a client passes after its work for this version.
    pub(crate) fn targets(&self, client: usize, version: u64) -> Vec<usize> {
        match self.peers {
            RawPeers::All { .. } => self.graph[client].clone(),
            RawPeers::Matching { .. } => self.partner(client, version).into_iter().collect(),
            RawPeers::Exponential { .. } => {
                let to = (client + self.stride(version)) % self.graph.len();
                Some(to).filter(|to| *to != client).into_iter().collect()
            }
        }
    }

    /// Who passes to a client after their work for this version.
    pub(crate) fn sources(&self, client: usize, version: u64) -> Vec<usize> {
        match self.peers {
            RawPeers::Exponential { .. } => {
                let count = self.graph.len();
                let from = (client + count - self.stride(version) % count) % count;
                Some(from)
                    .filter(|from| *from != client)
                    .into_iter()
                    .collect()
            }
            // Edges go both ways, and so do pairs.
            RawPeers::All { .. } | RawPeers::Matching { .. } => self.targets(client, version),
        }
    }

    /// 2^(version mod ⌈log₂ N⌉)
    fn stride(&self, version: u64) -> usize {
        let count = self.graph.len();
        let doublings = u64::from(usize::BITS - count.saturating_sub(1).leading_zeros()).max(1);
        1 << (version % doublings)
    }

    /// The other of the client's pair in the matching of a version: edges in a drawn order, each
    /// taken if both of its ends are still free.
    fn partner(&self, client: usize, version: u64) -> Option<usize> {
        let mut stream = self.streams.stream("peers", &format!("matching {version}"));
        let edges = self.graph.iter().enumerate();
        let edges = edges.flat_map(|(a, others)| others.iter().map(move |b| (a, *b)));
        let mut edges: Vec<_> = edges.filter(|(a, b)| a < b).collect();
        edges.shuffle(&mut stream);
        let mut taken = BTreeSet::new();
        for (a, b) in edges {
            if taken.contains(&a) || taken.contains(&b) {
                continue;
            }
            if a == client {
                return Some(b);
            }
            if b == client {
                return Some(a);
            }
            taken.extend([a, b]);
        }
        None
    }
}

/// The clients of a ring, each with the one before and the one after.
pub(crate) fn ring(count: usize) -> Vec<Vec<usize>> {
    let neighbours = |client: usize| {
        let both = BTreeSet::from([(client + count - 1) % count, (client + 1) % count]);
        both.into_iter().filter(|other| *other != client).collect()
    };
    (0..count).map(neighbours).collect()
}

/// Everyone with everyone.
pub(crate) fn complete(count: usize) -> Vec<Vec<usize>> {
    let others = |client| (0..count).filter(|other| *other != client).collect();
    (0..count).map(others).collect()
}

/// The actor of a client.
pub(crate) fn actor(client: usize) -> ActorId {
    ActorId(u32::try_from(client + 1).expect("client numbers are checked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RawPeerGraph;

    fn over(peers: RawPeers, graph: Vec<Vec<usize>>) -> Neighbours {
        Neighbours::new(peers, graph, Streams::new(5))
    }

    fn own() -> (RawPeerGraph, bool) {
        (RawPeerGraph::Complete, true)
    }

    #[test]
    fn on_a_ring_everyone_has_two_neighbours_and_of_two_clients_one() {
        assert_eq!(ring(4), [[1, 3], [0, 2], [1, 3], [0, 2]]);
        assert_eq!(ring(2), [[1], [0]]);
        assert_eq!(ring(1), [Vec::<usize>::new()]);
    }

    #[test]
    fn the_exponential_graph_doubles_its_stride_and_reaches_all_in_log_n_versions() {
        let neighbours = over(RawPeers::Exponential { own: true }, complete(6));
        let targets: Vec<_> = (0..4).map(|v| neighbours.targets(4, v)).collect();
        // 4+1, 4+2, 4+4 of 6, and again 4+1.
        assert_eq!(targets, [[5], [0], [2], [5]]);
        for version in 0..7 {
            for client in 0..6 {
                let target = neighbours.targets(client, version)[0];
                assert_eq!(neighbours.sources(target, version), [client]);
            }
        }
    }

    #[test]
    fn a_matching_pairs_neighbours_leaves_no_free_pair_and_changes_with_the_version() {
        let (graph, own) = own();
        let ring = ring(7);
        let neighbours = over(RawPeers::Matching { graph, own }, ring.clone());
        let mut seen = BTreeSet::new();
        for version in 0..20 {
            let partners: Vec<_> = (0..7).map(|c| neighbours.targets(c, version)).collect();
            for (client, partner) in partners.iter().enumerate() {
                match partner[..] {
                    [other] => {
                        assert!(ring[client].contains(&other));
                        assert_eq!(partners[other], [client]);
                    }
                    _ => assert!(
                        ring[client]
                            .iter()
                            .all(|other| !partners[*other].is_empty())
                    ),
                }
            }
            seen.insert(partners);
        }
        assert!(seen.len() > 3);
    }
}
