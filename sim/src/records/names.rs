//! The names of actors and models in the tables.

use super::books::RunBooks;
use crate::kernel::ActorId;

/// The aggregator of the star.
pub const AGGREGATOR: &str = "server";

/// The aggregator's own model.
pub const GLOBAL_MODEL: &str = "global";

/// The only tier of the star: clients and their aggregator.
pub const TIER: u32 = 0;

impl RunBooks {
    /// The place of a client among the clients: actor i + 1 is client i.
    ///
    /// # Panics
    /// If the actor is the aggregator.
    #[must_use]
    pub fn client_place(&self, client: ActorId) -> usize {
        client
            .index()
            .checked_sub(1)
            .expect("actor 0 is the aggregator")
    }

    /// The name of an actor in the tables.
    #[must_use]
    pub fn actor_name(&self, actor: ActorId) -> &str {
        match actor {
            ActorId(0) => AGGREGATOR,
            client => &self.clients[self.client_place(client)].name,
        }
    }
}
