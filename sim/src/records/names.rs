//! The names of actors and models in the tables.

use super::books::{AggregatorRecord, RunBooks};
use crate::kernel::ActorId;

/// The root aggregator.
pub const AGGREGATOR: &str = "server";

/// The aggregator's own model.
pub const GLOBAL_MODEL: &str = "global";

/// Who all actors together are, where no aggregator stands above them.
const FEDERATION: &str = "federation";

/// The group of what is no client.
const NO_GROUP: &str = "none";

impl RunBooks {
    /// The place of a client among the clients: actor i + 1 is client i. `None` of an aggregator
    /// that is no client.
    #[must_use]
    pub fn client_place(&self, actor: ActorId) -> Option<usize> {
        let place = actor.index().checked_sub(1)?;
        (place < self.clients.len()).then_some(place)
    }

    /// An aggregator that is no client.
    #[must_use]
    pub fn aggregator(&self, actor: ActorId) -> Option<&AggregatorRecord> {
        let place = match actor {
            ActorId(0) => Some(0),
            station => station.index().checked_sub(self.clients.len()),
        };
        self.aggregators
            .get(place.filter(|place| *place > 0 || actor.0 == 0)?)
    }

    /// The root, where there is one.
    #[must_use]
    pub fn root(&self) -> Option<ActorId> {
        (!self.aggregators.is_empty()).then_some(ActorId(0))
    }

    /// The name of an actor in the tables.
    ///
    /// # Panics
    /// If there is no such actor.
    #[must_use]
    pub fn actor_name(&self, actor: ActorId) -> &str {
        match self.client_place(actor) {
            Some(client) => &self.clients[client].name,
            None => &self.aggregator(actor).expect("an actor of this run").name,
        }
    }

    /// Who stands for the run as a whole: its root, or all together.
    pub(super) fn run_name(&self) -> &str {
        self.root().map_or(FEDERATION, |root| self.actor_name(root))
    }

    /// The group of an actor.
    pub(super) fn group_name(&self, actor: ActorId) -> &str {
        let client = self.client_place(actor);
        client.map_or(NO_GROUP, |client| &self.clients[client].group)
    }

    /// Levels between an aggregator and the root; a client that aggregates for itself is at 0.
    #[must_use]
    pub fn tier(&self, aggregator: ActorId) -> u32 {
        self.aggregator(aggregator).map_or(0, |one| one.tier)
    }
}
