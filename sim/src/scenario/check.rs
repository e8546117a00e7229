//! Whether the values of a scenario make sense together.

use super::raw::RawScenario;
use std::ops::Deref;

/// A scenario that has passed every check; made only by loading.
///
/// Its fields are those of [`RawScenario`], read only, with effective values
/// where a preset's default depends on the rest (public samples, redraw).
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    raw: RawScenario,
}

impl Deref for Scenario {
    type Target = RawScenario;

    fn deref(&self) -> &RawScenario {
        &self.raw
    }
}

impl Scenario {
    /// Seed of data, devices, links, split and initial weights.
    #[must_use]
    pub fn world_seed(&self) -> u64 {
        self.raw.seed_world.unwrap_or(self.raw.seed)
    }

    /// Seed of dropout, batches, selection and noise.
    #[must_use]
    pub fn dynamics_seed(&self) -> u64 {
        self.raw.seed_dynamics.unwrap_or(self.raw.seed)
    }

    /// Number of clients in all groups.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.raw.clients.iter().map(|group| group.count).sum()
    }
}
