//! Whether the values of a scenario make sense together.

use super::problem::Problem;
use super::raw::RawScenario;
use super::resolved::{Input, replication_seed};
use super::tree::Node;
use std::ops::Deref;
use std::path::Path;

/// A scenario that has passed every check; made only by [`load`](super::load).
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
        self.raw
            .seed_world
            .unwrap_or_else(|| replication_seed(self.raw.seed, "world", self.raw.replication))
    }

    /// Seed of dropout, batches, selection and noise.
    #[must_use]
    pub fn dynamics_seed(&self) -> u64 {
        self.raw
            .seed_dynamics
            .unwrap_or_else(|| replication_seed(self.raw.seed, "dynamics", self.raw.replication))
    }

    /// Number of clients in all groups.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.raw.clients.iter().map(|group| group.count).sum()
    }

    /// The same scenario as one run: this replication and no other.
    pub(crate) fn for_replication(&self, replication: u32) -> Self {
        let mut raw = self.raw.clone();
        raw.replications = 1;
        raw.replication = replication;
        Self { raw }
    }
}

/// A checked scenario and what came with it.
pub(crate) struct Checked {
    pub(crate) scenario: Scenario,
    pub(crate) notes: Vec<String>,
    pub(crate) inputs: Vec<Input>,
}

pub(crate) fn check(
    raw: RawScenario,
    _tree: &Node,
    _folder: &Path,
) -> Result<Checked, Vec<Problem>> {
    Ok(Checked {
        scenario: Scenario { raw },
        notes: Vec::new(),
        inputs: Vec::new(),
    })
}
