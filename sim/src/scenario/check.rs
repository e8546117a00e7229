//! Whether the values of a scenario make sense together.

mod adapter;
mod behaviour;
mod clients;
mod codec;
mod columns;
mod compute;
mod course;
mod data;
mod device;
mod dropout;
mod findings;
mod method;
mod models;
mod network;
mod peers;
mod public;
mod schedule;
mod selection;
mod sites;
mod skew;
mod strands;
mod widths;

use self::findings::Findings;
use super::data::DataSets;
use super::problem::Problem;
use super::raw::{RawNetworkScenario, RawScenario, RawTopology};
use super::resolved::{Input, replication_seed};
use super::topology::{Ends, Places};
use super::tree::Node;
use crate::kernel::Streams;
use crate::network::{Conduct, Graph};
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

    /// The network between the access links as a graph, and where everyone stands in it.
    pub(crate) fn core(&self) -> Result<(Graph, Places), String> {
        let (graph, blueprint) = self.raw.network.core(self.world_seed())?;
        let places = Places::of(
            &self.raw.server,
            &self.raw.clients,
            &self.raw.method.tier,
            &blueprint,
        );
        let places = places.map_err(|unknown| {
            let names: Vec<&str> = unknown.iter().map(|node| node.name.as_str()).collect();
            format!("network.topology: there is no node {}", names.join(", "))
        })?;
        Ok((graph, places))
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

/// A network and bare transfers that have passed every check; made only by [`load`](super::load).
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkScenario {
    raw: RawNetworkScenario,
}

impl Deref for NetworkScenario {
    type Target = RawNetworkScenario;

    fn deref(&self) -> &RawNetworkScenario {
        &self.raw
    }
}

impl NetworkScenario {
    /// Seed of the topology.
    #[must_use]
    pub fn world_seed(&self) -> u64 {
        self.raw
            .seed_world
            .unwrap_or_else(|| replication_seed(self.raw.seed, "world", self.raw.replication))
    }

    /// Seed of what changes as the run goes on.
    #[must_use]
    pub fn dynamics_seed(&self) -> u64 {
        self.raw
            .seed_dynamics
            .unwrap_or_else(|| replication_seed(self.raw.seed, "dynamics", self.raw.replication))
    }

    /// The network as a graph.
    ///
    /// # Errors
    /// Where chance gives this replication no topology that holds together.
    pub fn graph(&self) -> Result<Graph, String> {
        let (graph, _) = self.raw.network.core(self.world_seed())?;
        Ok(graph)
    }

    /// What the links of the network do besides carrying bytes; `None` where they do nothing.
    ///
    /// # Errors
    /// Only for a profile that no check has seen.
    pub(crate) fn conduct(&self, graph: &Graph) -> Result<Option<Conduct>, String> {
        let dynamics = Streams::new(self.dynamics_seed());
        let conduct = self.raw.network.conduct(graph, dynamics);
        let conduct = conduct.map_err(|error| error.message)?;
        Ok((!conduct.links.is_empty()).then_some(conduct))
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
pub(crate) struct Checked<S> {
    pub(crate) scenario: S,
    pub(crate) notes: Vec<String>,
    pub(crate) inputs: Vec<Input>,
}

/// Checks everything; all mistakes are told at once where one does not hide another.
pub(crate) fn check(
    mut raw: RawScenario,
    tree: &Node,
    folder: &Path,
    sets: &mut DataSets,
) -> Result<Checked<Scenario>, Vec<Problem>> {
    let mut findings = Findings::new(tree);
    network::transport(&raw.network.transport, &mut findings);
    clients::name("name", "scenario", &raw.name, &mut findings);
    course::check(&raw, &mut findings);
    compute::not_beside_clients(&raw, &mut findings);
    let mut inputs = Vec::new();
    let world_seed = Scenario { raw: raw.clone() }.world_seed();
    let blueprint = network::topology(
        &mut raw.network,
        world_seed,
        folder,
        &mut inputs,
        &mut findings,
    );
    behaviour::network(&mut raw.network, folder, &mut inputs, &mut findings);
    if let Some(blueprint) = &blueprint {
        behaviour::links(&raw.network, blueprint, &mut findings);
    }
    // Without a sensible number of clients the other figures mean nothing.
    if let Some(count) = clients::check(&raw, &mut findings) {
        data::check(&mut raw, count, folder, sets, &mut findings);
        models::check(&raw, &mut findings);
        for (index, group) in raw.clients.iter_mut().enumerate() {
            let path = format!("clients.{index}.device");
            device::check(&path, &mut group.device, &mut findings);
        }
        method::check(&mut raw, count, &mut findings);
        columns::load(&mut raw, folder, &mut inputs, &mut findings);
        for (number, group) in raw.clients.iter_mut().enumerate() {
            let path = format!("clients.{number}.link");
            behaviour::access(&mut group.link, &path, folder, &mut inputs, &mut findings);
        }
        if let Some(blueprint) = blueprint {
            let places = network::places(&raw, &blueprint, &mut findings);
            if let Some(places) = places.filter(|_| !raw.transfer.is_empty()) {
                let ends = Ends::with_clients(&blueprint, &places, &raw.clients);
                network::transfers(&raw.transfer, &blueprint, &ends, &mut findings);
            }
        }
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

/// Checks a network and its transfers.
pub(crate) fn check_network(
    mut raw: RawNetworkScenario,
    tree: &Node,
    folder: &Path,
) -> Result<Checked<NetworkScenario>, Vec<Problem>> {
    let mut findings = Findings::new(tree);
    clients::name("name", "scenario", &raw.name, &mut findings);
    let seeds = course::Seeds {
        replications: raw.replications,
        replication: raw.replication,
        both_fixed: raw.seed_world.is_some() && raw.seed_dynamics.is_some(),
    };
    seeds.check(&mut findings);
    network::transport(&raw.network.transport, &mut findings);
    compute::check(&raw, &mut findings);
    // Computations alone need no network.
    let carries = !raw.transfer.is_empty() || (raw.compute.is_empty() && raw.host.is_empty());
    if raw.network.topology == RawTopology::Star && carries {
        findings.refuse(
            "network.topology",
            "a star is nothing without clients",
            "",
            "name a file, as in topology = { file = \"edges.csv\" }, or another kind of topology",
        );
    }
    let mut inputs = Vec::new();
    let world_seed = NetworkScenario { raw: raw.clone() }.world_seed();
    let blueprint = network::topology(
        &mut raw.network,
        world_seed,
        folder,
        &mut inputs,
        &mut findings,
    );
    behaviour::network(&mut raw.network, folder, &mut inputs, &mut findings);
    if let Some(blueprint) = &blueprint {
        behaviour::links(&raw.network, blueprint, &mut findings);
    }
    let is_star = raw.network.topology == RawTopology::Star;
    if let Some(blueprint) = blueprint.filter(|_| carries && !is_star) {
        let ends = Ends::of_nodes(&blueprint);
        network::transfers(&raw.transfer, &blueprint, &ends, &mut findings);
    }
    let (problems, notes) = findings.into_parts();
    if problems.is_empty() {
        Ok(Checked {
            scenario: NetworkScenario { raw },
            notes,
            inputs,
        })
    } else {
        Err(problems)
    }
}
