//! Whether the values of a scenario make sense together.

mod clients;
mod columns;
mod course;
mod data;
mod findings;
mod method;

use self::findings::Findings;
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

    /// Samples of the data set before any are set aside.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        data::size(&self.raw.data.source).samples
    }

    /// Classes of the data set.
    #[must_use]
    pub fn class_count(&self) -> usize {
        data::size(&self.raw.data.source).classes
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

/// Checks everything; all mistakes are told at once where one does not hide another.
pub(crate) fn check(
    mut raw: RawScenario,
    tree: &Node,
    folder: &Path,
) -> Result<Checked, Vec<Problem>> {
    let mut findings = Findings::new(tree);
    clients::name("name", "scenario", &raw.name, &mut findings);
    course::check(&raw, &mut findings);
    let mut inputs = Vec::new();
    // Without a sensible number of clients the other figures mean nothing.
    if let Some(count) = clients::check(&raw, &mut findings) {
        data::check(&raw, count, &mut findings);
        method::check(&mut raw, count, &mut findings);
        inputs = columns::load(&mut raw, folder, &mut findings);
    }
    let (problems, notes) = findings.into_parts();
    if problems.is_empty() {
        Ok(Checked {
            scenario: Scenario { raw },
            notes,
            inputs,
        })
    } else {
        Err(problems)
    }
}
