//! The resolved scenario: as a file that repeats a run, and as its identity.

use super::check::{NetworkScenario, Scenario};
use super::encode::{canonical, encode, toml_document};
use super::load::PlannedRun;
use super::raw::{
    RawDevice, RawDropout, RawFactor, RawMoment, RawNetwork, RawNetworkScenario, RawProfile,
    RawRun, RawScenario, RawTopology,
};
use super::sampled::Sampled;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// A file to be written beside the resolved scenario, which names it by this path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Relative to the resolved scenario: `inputs/clinics.csv`.
    pub path: String,
    /// As read when the scenario was loaded.
    pub content: Arc<str>,
}

/// Names of a run that do not depend on how its scenario was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) config_id: String,
    pub(crate) run_id: String,
}

impl Identity {
    /// Hashes the scenario with its defaults filled in. The description is for
    /// people and does not count; of a column its values count, of a topology's file its content,
    /// not their paths.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let mut raw: RawScenario = (**scenario).clone();
        raw.description = String::new();
        raw.run = None;
        name_columns_for_content(&mut raw);
        // Of a file of data its checksum counts, not its path.
        for (_, file) in raw.data.source.files_mut() {
            file.file.clear();
        }
        name_network_for_content(&mut raw.network);
        // Only the seeds that act count, not the one they were made from.
        raw.seed = 0;
        raw.seed_world = Some(scenario.world_seed());
        raw.seed_dynamics = Some(scenario.dynamics_seed());
        let run_id = short_hash(&canonical(&encode(&raw)));
        raw.seed_world = None;
        raw.seed_dynamics = None;
        raw.replication = 0;
        let config_id = short_hash(&canonical(&encode(&raw)));
        Self { config_id, run_id }
    }

    /// The same of a network: of the topology's file its content counts, not its path.
    pub(crate) fn of_network(scenario: &NetworkScenario) -> Self {
        let mut raw: RawNetworkScenario = (**scenario).clone();
        raw.description = String::new();
        raw.run = None;
        name_network_for_content(&mut raw.network);
        raw.seed = 0;
        raw.seed_world = Some(scenario.world_seed());
        raw.seed_dynamics = Some(scenario.dynamics_seed());
        let run_id = short_hash(&canonical(&encode(&raw)));
        raw.seed_world = None;
        raw.seed_dynamics = None;
        raw.replication = 0;
        let config_id = short_hash(&canonical(&encode(&raw)));
        Self { config_id, run_id }
    }
}

/// What a resolved file says of the run that it repeats.
fn repeats<S>(run: &PlannedRun<S>) -> RawRun {
    let factor = |(key, value): &(String, String)| RawFactor {
        key: key.clone(),
        value: value.clone(),
    };
    RawRun {
        number: run.number,
        factors: run.factors.iter().map(factor).collect(),
    }
}

/// The file that repeats this run of a network.
pub(crate) fn network_document(run: &PlannedRun<NetworkScenario>) -> String {
    let scenario = &run.scenario;
    let mut raw: RawNetworkScenario = (**scenario).clone();
    raw.run = Some(repeats(run));
    raw.seed_world = Some(scenario.world_seed());
    raw.seed_dynamics = Some(scenario.dynamics_seed());
    toml_document(&encode(&raw))
}

/// The file that repeats this run.
pub(crate) fn document(run: &PlannedRun) -> String {
    let scenario = &run.scenario;
    let mut raw: RawScenario = (**scenario).clone();
    raw.run = Some(repeats(run));
    raw.seed_world = Some(scenario.world_seed());
    raw.seed_dynamics = Some(scenario.dynamics_seed());
    toml_document(&encode(&raw))
}

fn name_columns_for_content(raw: &mut RawScenario) {
    for group in &mut raw.clients {
        if let (Some(file), Some(sites)) = (&mut group.file, &group.sites) {
            *file = hex(&Sha256::digest(sites.canonical(group.count).as_bytes()));
        }
        for (_, device) in group.device.each_mut() {
            name_device_for_content(device);
        }
        name_for_content(&mut group.link.up);
        name_for_content(&mut group.link.down);
        name_for_content(&mut group.link.latency);
        if let Some(cap) = &mut group.link.cap {
            name_for_content(cap);
        }
        if let Some(profiles) = &mut group.link.profile {
            let directions = [&mut profiles.both, &mut profiles.up, &mut profiles.down];
            directions
                .into_iter()
                .flatten()
                .for_each(name_profile_for_content);
        }
        for moment in [&mut group.join, &mut group.leave] {
            if let Some(RawMoment::Sampled(sampled)) = moment {
                name_for_content(sampled);
            }
        }
        if let RawDropout::Trace { file, traces, .. } = &mut group.dropout {
            *file = hex(&traces.digest());
        }
    }
}

fn name_network_for_content(network: &mut RawNetwork) {
    if let RawTopology::File { file, text, .. } = &mut network.topology {
        *file = hex(&Sha256::digest(text.as_bytes()));
    }
    for link in &mut network.link {
        link.profile.iter_mut().for_each(name_profile_for_content);
    }
}

fn name_profile_for_content(profile: &mut RawProfile) {
    if let Some((file, text)) = profile.file() {
        *file = hex(&Sha256::digest(text.as_bytes()));
    }
}

fn name_device_for_content(device: &mut RawDevice) {
    device.speed.iter_mut().for_each(name_for_content);
    device.memory.iter_mut().for_each(name_for_content);
    device.noise.iter_mut().for_each(name_for_content);
    if let Some(battery) = &mut device.battery {
        name_for_content(&mut battery.capacity);
        name_for_content(&mut battery.level);
    }
}

fn name_for_content<Q>(sampled: &mut Sampled<Q>) {
    if let Sampled::Column(column) = sampled {
        let mut hash = Sha256::new();
        for value in column.values() {
            hash.update(value.to_bits().to_le_bytes());
        }
        let name = hex(&hash.finalize());
        *column = column.named_for_content(&name);
    }
}

fn short_hash(text: &str) -> String {
    let mut name = hex(&Sha256::digest(text.as_bytes()));
    name.truncate(16);
    name
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A new seed for replication `replication`; replication 0 keeps the seed given.
///
/// The first 53 bits of SHA-256 over `fedstill <purpose> <seed> <replication>`:
/// 53, so that a spreadsheet or JSON reader that stores numbers as doubles keeps
/// every digit.
pub(crate) fn replication_seed(seed: u64, purpose: &str, replication: u32) -> u64 {
    if replication == 0 {
        return seed;
    }
    let hash = Sha256::digest(format!("fedstill {purpose} {seed} {replication}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(first) >> 11
}
