//! How links changed while a run went on; worked out for its trace alone.

use crate::network::{LinkChange, Network, ResourceId};
use crate::time::SimTime;
use std::collections::BTreeMap;

/// More changes of one link are too many to look at; the earliest are told.
const MOST_CHANGES: usize = 10_000;

/// What links that differ from their own had, from the start and from each change on.
#[derive(Debug)]
pub(super) struct LinkChanges {
    /// By link and time.
    pub(super) changes: Vec<LinkChange>,
    names: BTreeMap<ResourceId, String>,
}

impl LinkChanges {
    pub(super) fn of(network: &Network, until: SimTime) -> Self {
        let changes = network.changes(until, MOST_CHANGES);
        let name = |change: &LinkChange| (change.resource, network.link_name(change.resource));
        Self {
            names: changes.iter().map(name).collect(),
            changes,
        }
    }

    pub(super) fn name(&self, resource: ResourceId) -> &str {
        self.names.get(&resource).map_or("", String::as_str)
    }

    /// The changes of each link in order of time.
    pub(super) fn by_link(&self) -> impl Iterator<Item = (&str, &[LinkChange])> {
        let links = self
            .changes
            .chunk_by(|one, next| one.resource == next.resource);
        links.map(|changes| (self.name(changes[0].resource), changes))
    }
}

/// `up`, or `down` while it has failed.
pub(super) fn state(change: &LinkChange) -> &'static str {
    if change.up { "up" } else { "down" }
}

/// Bit/s for transfers; 0 where nothing gets through.
pub(super) fn open(change: &LinkChange) -> f64 {
    change.open.map_or(0.0, |open| open.as_bits_per_second())
}
