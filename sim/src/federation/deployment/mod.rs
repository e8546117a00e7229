//! The deployment: a scenario drawn out into data, clients and costs.
//!
//! Everything here is fixed before the simulation starts and shared, never copied.

mod behaving;
mod cost;
mod data_sites;
mod devices;
mod drawing;
mod optimizing;
mod placing;
mod presence;
mod registering;

pub use cost::LocalCost;

pub(crate) use presence::{ClientBattery, Presence};

use data_sites::{draw_sites, take_missing};
use drawing::{draw_group, load_dataset};
use placing::Standing;

use crate::device::Device;
use crate::kernel::Streams;
use crate::network::Conduct;
use crate::scenario::{
    Factor, RawExchange, RawNormalise, RawOnReturn, RawPartition, RawPrecision, RawRule,
    RawSchedule, RawWeights, Sampled, Scenario,
};
use crate::time::{SimDuration, SimTime};
use fedstill_models::{
    Dataset, Holding, Layout, Normalisation, Normaliser, Optimizer, Precision, Shard, Site, Split,
    Stored, View,
};
use std::sync::Arc;

/// A scenario, drawn out.
#[derive(Debug)]
pub struct Deployment {
    scenario: Scenario,
    world: Streams,
    dynamics: Streams,
    dataset: Arc<Dataset>,
    normaliser: Option<Normaliser>,
    /// What each client's data differ in from the pool's; empty where none does.
    sites: Vec<Site>,
    split: Split,
    clients: Vec<ClientSpec>,
    standing: Standing,
    conduct: Option<Conduct>,
    server_parameters: Option<Arc<Layout>>,
}

/// One client as it was drawn.
#[derive(Debug)]
pub(crate) struct ClientSpec {
    /// `group-index`, or as its row of a file says.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) model: String,
    pub(crate) layout: Arc<Layout>,
    pub(crate) device: Device,
    /// What the device is called, where it has a name.
    pub(crate) device_name: Option<Arc<str>>,
    /// A factor on the speed of each computation, and the client's index in its group.
    pub(crate) noise: Option<(Arc<Sampled<Factor>>, usize)>,
    pub(crate) presence: Presence,
    pub(crate) battery: Option<ClientBattery>,
    pub(crate) on_return: RawOnReturn,
    /// bit/s up, bit/s down, one-way latency.
    pub(crate) link: (f64, f64, SimDuration),
}

/// A checked scenario that still cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentError(String);

impl std::fmt::Display for DeploymentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DeploymentError {}

fn failed(place: &str) -> impl Fn(&dyn std::fmt::Display) -> DeploymentError {
    let place = place.to_owned();
    move |error| DeploymentError(format!("{place}: {error}"))
}

impl Deployment {
    /// Draws data, split, devices, links and topology.
    ///
    /// # Errors
    /// When the data cannot be split as asked, a distribution gives no usable value, or chance no
    /// topology that holds together.
    pub fn draw(scenario: Scenario) -> Result<Self, DeploymentError> {
        let world = Streams::new(scenario.world_seed());
        let dynamics = Streams::new(scenario.dynamics_seed());
        let dataset = load_dataset(&scenario.data.source, world)?;
        let mut clients = Vec::with_capacity(scenario.client_count());
        for group in &scenario.clients {
            draw_group(group, scenario.start, &dataset, world, &mut clients)?;
        }
        let holdings: Vec<Holding> = scenario
            .clients
            .iter()
            .flat_map(|group| group.holdings(dataset.class_names()))
            .collect();
        let mut split = Split::draw_with(
            &dataset,
            scenario
                .data
                .test
                .expect("written when a scenario is checked"),
            scenario.data.public,
            scenario.data.holdout,
            &scenario.data.partition.choice(),
            &holdings,
            world.seed("data", "split"),
        )
        .map_err(|error| failed("data")(&error))?;
        let sites = draw_sites(&scenario, &clients, &dataset, world);
        take_missing(&sites, &clients, &dataset, &mut split.clients)?;
        let normaliser = normaliser(scenario.data.normalise, &dataset, &split);
        let standing = Standing::of(&scenario)?;
        let conduct = behaving::conduct(&scenario, &clients, standing.core(), world, dynamics)?;
        let server_parameters = match scenario.method.exchange {
            RawExchange::Parameters => clients.first().map(|client| Arc::clone(&client.layout)),
            _ => None,
        };
        Ok(Self {
            scenario,
            world,
            dynamics,
            dataset,
            normaliser,
            sites,
            split,
            clients,
            standing,
            conduct,
            server_parameters,
        })
    }

    /// The scenario that was drawn out.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Number of clients.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn client(&self, client: usize) -> &ClientSpec {
        &self.clients[client]
    }

    pub(crate) fn shard(&self, client: usize) -> &Shard {
        &self.split.clients[client]
    }

    /// Number of the client's training samples per class, as the client calls the classes; its
    /// mistakes in labels do not count.
    pub(crate) fn label_counts(&self, client: usize) -> Vec<u64> {
        self.class_counts(client, &self.shard(client).train)
    }

    /// The same of its own test set.
    pub(crate) fn test_label_counts(&self, client: usize) -> Vec<u64> {
        self.class_counts(client, &self.shard(client).test)
    }

    fn class_counts(&self, client: usize, samples: &[u32]) -> Vec<u64> {
        let counts = self.own_samples(client).class_counts(samples);
        counts.into_iter().map(u64::from).collect()
    }

    /// The writer, hospital or device that the client is, where the partition is natural.
    pub(crate) fn data_group(&self, client: usize) -> Option<&str> {
        if !matches!(self.scenario.data.partition, RawPartition::Natural { .. }) {
            return None;
        }
        let groups = self.dataset.groups()?;
        let train = &self.shard(client).train;
        let group = groups.group(*train.first()?);
        // A client that tells its own samples has them from anyone.
        let is_one = train.iter().all(|sample| groups.group(*sample) == group);
        is_one.then(|| groups.names()[group as usize].as_str())
    }

    /// What the client's data differ in from the pool's, if in anything.
    pub(crate) fn site(&self, client: usize) -> Option<&Site> {
        self.sites.get(client)
    }

    /// Samples as they are for all: what the aggregator's model is scored on.
    pub(crate) fn common_samples(&self) -> View<'_> {
        View::plain(&self.dataset, self.normaliser.as_ref())
    }

    /// Samples that are the same for all, as far as the client measures them.
    pub(crate) fn common_samples_at(&self, client: usize) -> View<'_> {
        self.common_samples().in_form_of(self.site(client))
    }

    /// Samples as the client has them, rightly labelled: what it is scored on.
    pub(crate) fn own_samples(&self, client: usize) -> View<'_> {
        self.common_samples().at(self.site(client))
    }

    /// Samples as the client has them with its mistakes in labels: what it trains on.
    pub(crate) fn training_samples(&self, client: usize) -> View<'_> {
        self.common_samples().training_at(self.site(client))
    }

    pub(crate) fn split(&self) -> &Split {
        &self.split
    }

    pub(crate) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    pub(crate) fn dynamics(&self) -> Streams {
        self.dynamics
    }

    /// The weights that a client starts from: the server's where models travel, else its own.
    pub(crate) fn initial_parameters(&self, client: usize) -> Vec<f32> {
        let spec = &self.clients[client];
        let entity = match self.server_parameters {
            Some(_) => "server",
            None => &spec.name,
        };
        let seed = self.world.seed(entity, "initial weights");
        spec.layout.initial_parameters(seed)
    }

    /// Those as the client keeps them.
    pub(crate) fn initial_state(&self, client: usize) -> Stored {
        self.kept(self.initial_parameters(client))
    }

    /// Parameters as a client keeps them between participations.
    pub(crate) fn kept(&self, parameters: Vec<f32>) -> Stored {
        let precision = match self.scenario.method.local.keep {
            RawPrecision::F32 => Precision::F32,
            RawPrecision::Bf16 => Precision::Bf16,
        };
        Stored::new(parameters, precision)
    }

    /// Version 0 of the global model, where models travel.
    pub(crate) fn initial_server_parameters(&self) -> Option<Vec<f32>> {
        let seed = self.world.seed("server", "initial weights");
        let layout = self.server_parameters.as_ref()?;
        Some(layout.initial_parameters(seed))
    }

    /// Whether clients are scored with the aggregator's model.
    pub(crate) fn predicts_with_global_model(&self) -> bool {
        self.server_parameters.is_some()
    }

    /// Whether no knowledge travels at all.
    pub(crate) fn nothing_travels(&self) -> bool {
        self.scenario.method.exchange == RawExchange::None
    }

    pub(crate) fn poll(&self) -> SimDuration {
        duration(self.scenario.server.poll)
    }

    pub(crate) fn last_version(&self) -> Option<u64> {
        self.scenario.stop.versions
    }

    /// What a contribution weighs before staleness.
    pub(crate) fn contribution_weight(&self, samples: u64) -> f64 {
        let (RawRule::Mean { weights } | RawRule::LeaveOneOut { weights }) =
            self.scenario.method.rule;
        match weights {
            RawWeights::Samples => samples as f64,
            RawWeights::Equal => 1.0,
        }
    }

    /// Whether public samples are drawn anew for each version.
    fn redraws(&self) -> bool {
        let synchronous = matches!(
            self.scenario.method.schedule,
            RawSchedule::Synchronous { .. }
        );
        let asked = matches!(
            self.scenario.method.exchange,
            RawExchange::PublicLogits { redraw: true, .. }
        );
        synchronous && asked
    }

    /// The number of the list of public samples that work for a version predicts.
    pub(crate) fn list_number(&self, start_version: u64) -> u64 {
        if self.redraws() { start_version } else { 0 }
    }

    /// Public samples per list.
    pub(crate) fn list_length(&self) -> usize {
        match self.scenario.method.exchange {
            RawExchange::PublicLogits { samples, .. } => samples.min(self.split.public.len()),
            _ => 0,
        }
    }

    /// A list of public samples: both ends draw it from a seed agreed on beforehand.
    pub(crate) fn list(&self, number: u64) -> Vec<u32> {
        use rand::seq::index::sample;
        let mut stream = self
            .dynamics
            .stream("server", &format!("public list {number}"));
        let chosen = sample(&mut stream, self.split.public.len(), self.list_length());
        let mut list: Vec<u32> = chosen
            .iter()
            .map(|place| self.split.public[place])
            .collect();
        list.sort_unstable();
        list
    }

    /// Batch size of distillation: as asked, or min(256, P/8) (FedMD's choice).
    pub(crate) fn distill_batch(&self) -> usize {
        let automatic = (self.list_length() / 8).clamp(1, 256);
        self.scenario
            .method
            .local
            .distill
            .batch
            .unwrap_or(automatic)
    }

    /// The optimiser of a participation that starts from this version.
    pub(crate) fn optimizer(&self, version: u64) -> Optimizer {
        optimizing::optimizer(&self.scenario.method.local, version)
    }

    /// When the run ends at the latest.
    pub(crate) fn end(&self) -> SimTime {
        let longest = SimDuration::from_nanos(365 * 86_400 * 1_000_000_000);
        let asked = self.scenario.stop.time.map(duration);
        SimTime::ZERO + asked.unwrap_or(longest)
    }
}

/// The scale of the features, fitted on what the clients train on: neither the global test set nor
/// the public samples nor anyone's own test set is looked at.
fn normaliser(how: RawNormalise, dataset: &Dataset, split: &Split) -> Option<Normaliser> {
    let normalisation = match how {
        RawNormalise::None => return None,
        RawNormalise::Standard => Normalisation::Standard,
        RawNormalise::MinMax => Normalisation::MinMax,
    };
    let shards = split.clients.iter();
    let mut training: Vec<u32> = shards.flat_map(|shard| shard.train.clone()).collect();
    // Clients may have drawn the same sample.
    training.sort_unstable();
    training.dedup();
    Some(Normaliser::fit(normalisation, dataset, &training))
}

/// A scenario's length of time in the simulator's nanoseconds.
pub(super) fn duration(duration: crate::scenario::Duration) -> SimDuration {
    SimDuration::from_nanos(duration.nanoseconds())
}
