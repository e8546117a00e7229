//! The deployment: a scenario drawn out into data, clients and costs.
//!
//! Everything here is fixed before the simulation starts and shared, never copied.

mod adapting;
mod behaving;
mod codecs;
mod cost;
mod data_sites;
mod devices;
mod drawing;
mod global_models;
mod optimizing;
mod placing;
mod presence;
mod registering;
mod tiers;

pub use cost::LocalCost;

pub(crate) use presence::{ClientBattery, Presence};

use codecs::Codecs;
use data_sites::{draw_sites, take_missing};
use drawing::{draw_group, load_dataset};
use global_models::GlobalModels;
use placing::Standing;
use tiers::aggregators;

use super::exchange::{Kind, Predictor, kind};
use super::knowledge::{Form, Known};
use super::neighbours::{Neighbours, complete, ring};
use super::parcel::Wire;
use crate::device::Device;
use crate::kernel::{ActorId, Streams};
use crate::network::{Conduct, NodeId};
use crate::scenario::{
    Factor, RawExchange, RawNormalise, RawOnReturn, RawPartition, RawPeerGraph, RawPeers,
    RawPrecision, RawSchedule, RawSelection, Sampled, Scenario,
};
use crate::time::{SimDuration, SimTime};
use crate::world::Plan;
use fedstill_models::{
    Dataset, Holding, Layout, Normalisation, Normaliser, Optimizer, Precision, Shard, Site, Split,
    Stored, View,
};
use std::sync::{Arc, OnceLock};

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
    label_counts: OnceLock<Vec<u32>>,
    clients: Vec<ClientSpec>,
    standing: Standing,
    conduct: Option<Conduct>,
    kinds: Vec<Box<dyn Kind>>,
    /// Passes over own data by client, where they differ from the method's.
    epochs: Vec<u32>,
    /// By strand.
    codecs: Vec<Codecs>,
    /// The server first; none peer to peer.
    aggregators: Vec<AggregatorSpec>,
    neighbours: Option<Neighbours>,
    global_models: GlobalModels,
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

/// One aggregator.
#[derive(Debug)]
pub(crate) struct AggregatorSpec {
    /// `server` at the root, else its tier's name and its number there.
    pub(crate) name: String,
    /// 0 at the root.
    pub(crate) tier: u32,
    /// Who it contributes to; none at the root.
    pub(crate) parent: Option<ActorId>,
    /// In child order.
    pub(crate) children: Vec<ActorId>,
    pub(crate) schedule: RawSchedule,
    pub(crate) selection: RawSelection,
    /// Versions that it makes between two contributions to its parent.
    pub(crate) versions: u64,
    pub(crate) node: NodeId,
    pub(crate) device: Device,
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
        let method = &scenario.method;
        let strands = method.strands();
        let kinds: Vec<_> = strands.iter().filter_map(|s| kind(method, s)).collect();
        let codecs = strands.iter().map(Codecs::of_strand).collect();
        let global_models = GlobalModels::of(&scenario, &kinds, &clients, &dataset)?;
        let neighbours = neighbours(&scenario, &standing, clients.len(), dynamics);
        let aggregators = aggregators(&scenario, clients.len(), &standing, world)?;
        let mut deployment = Self {
            scenario,
            world,
            dynamics,
            dataset,
            normaliser,
            sites,
            split,
            label_counts: OnceLock::new(),
            clients,
            standing,
            conduct,
            kinds,
            codecs,
            epochs: Vec::new(),
            aggregators,
            neighbours,
            global_models,
        };
        let clients = actors(deployment.clients.len());
        deployment.epochs = deployment.adapted_epochs(clients);
        Ok(deployment)
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

    /// Those counts, worked out once: every evaluation asks for everyone's.
    pub(crate) fn label_counts_known(&self, client: usize) -> &[u32] {
        let of_all = self.label_counts.get_or_init(|| {
            let of = |client| {
                let samples = &self.shard(client).train;
                self.own_samples(client).class_counts(samples)
            };
            (0..self.clients()).flat_map(of).collect()
        });
        let classes = self.dataset.n_classes();
        &of_all[client * classes..(client + 1) * classes]
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
        let entity = match self.global_models.shared_start {
            true => "server",
            false => &spec.name,
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

    /// What the aggregator's own weights begin with.
    pub(crate) fn initial_server_seed(&self) -> u64 {
        self.world.seed("server", "initial weights")
    }

    /// Whether clients are scored with the aggregator's model.
    pub(crate) fn predicts_with_global_model(&self) -> bool {
        let mut kinds = self.kinds.iter();
        let is_global = kinds.any(|kind| kind.predictor() == Predictor::Global);
        is_global && !self.is_peer_to_peer()
    }

    /// Whether the server has a model that is scored: the clients', or one of its own.
    pub(crate) fn has_global_model(&self) -> bool {
        self.predicts_with_global_model() || self.scenario.method.has_server_model()
    }

    /// The strands of the method.
    pub(crate) fn kinds(&self) -> &[Box<dyn Kind>] {
        &self.kinds
    }

    /// Whether clients pass to each other, without a server.
    pub(crate) fn is_peer_to_peer(&self) -> bool {
        self.neighbours.is_some()
    }

    /// Who passes to whom.
    ///
    /// # Panics
    /// Where there is a server.
    pub(crate) fn neighbours(&self) -> &Neighbours {
        let neighbours = self.neighbours.as_ref();
        neighbours.expect("only peers have neighbours")
    }

    /// Every aggregator, the server first.
    pub(crate) fn aggregators(&self) -> &[AggregatorSpec] {
        &self.aggregators
    }

    /// An aggregator, by its actor.
    pub(crate) fn aggregator(&self, actor: ActorId) -> &AggregatorSpec {
        match actor.index() {
            0 => &self.aggregators[0],
            index => &self.aggregators[index - self.clients.len()],
        }
    }

    /// The client that an actor is.
    pub(crate) fn client_of(&self, actor: ActorId) -> Option<usize> {
        let index = actor.index().checked_sub(1)?;
        (index < self.clients.len()).then_some(index)
    }

    /// How what a child sends becomes bytes, by strand.
    pub(crate) fn wires_up_from(&self, child: ActorId) -> Vec<Wire> {
        match self.client_of(child) {
            Some(client) => self.wires_up(client),
            None => self.wires_between(true),
        }
    }

    /// How what a child is sent becomes bytes, by strand.
    pub(crate) fn wires_down_to(&self, child: ActorId) -> Vec<Wire> {
        match self.client_of(child) {
            Some(client) => self.wires_down(client),
            None => self.wires_between(false),
        }
    }

    /// How what aggregators send each other becomes bytes, by strand.
    fn wires_between(&self, up: bool) -> Vec<Wire> {
        let forms = self.kinds.iter().map(|kind| match up {
            true => kind.between(self),
            false => kind.between_down(self),
        });
        self.wires(forms, up)
    }

    fn wires(&self, forms: impl Iterator<Item = Form>, up: bool) -> Vec<Wire> {
        let wire = |(form, codecs): (Form, &Codecs)| Wire {
            codec: Arc::clone(codecs.of(form, up)),
            form,
        };
        forms.zip(&self.codecs).map(wire).collect()
    }

    /// Whether a codec remembers what was sent before.
    pub(crate) fn codecs_remember(&self) -> bool {
        self.codecs.iter().any(Codecs::remember)
    }

    /// What the codecs of a sender draw from, for its n-th parcel.
    pub(crate) fn codec_seed(&self, sender: &str, number: u64) -> u64 {
        match self.codecs.iter().all(Codecs::are_identity) {
            true => 0,
            false => self.dynamics.seed(sender, &format!("codec {number}")),
        }
    }

    /// The size of a child's participation.
    pub(crate) fn plan(&self, child: ActorId, known: Known) -> Plan {
        match self.client_of(child) {
            Some(_) => self.cost(child, known).plan(),
            None => Plan::default(),
        }
    }

    /// How what a client sends becomes bytes, by strand.
    pub(crate) fn wires_up(&self, client: usize) -> Vec<Wire> {
        self.wires(self.kinds.iter().map(|kind| kind.up(self, client)), true)
    }

    /// How what a client is sent becomes bytes, by strand.
    pub(crate) fn wires_down(&self, client: usize) -> Vec<Wire> {
        self.wires(self.kinds.iter().map(|kind| kind.down(self, client)), false)
    }

    /// What travels, for the tables.
    pub(crate) fn what_travels(&self) -> &'static str {
        match &*self.kinds {
            [] => "nothing",
            [only] => only.name(),
            _ => "several",
        }
    }

    /// Whether no knowledge travels at all.
    pub(crate) fn nothing_travels(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(crate) fn poll(&self) -> SimDuration {
        duration(self.scenario.server.poll)
    }

    pub(crate) fn last_version(&self) -> Option<u64> {
        self.scenario.stop.versions
    }

    /// Whether public samples are drawn anew for each version.
    fn redraws(&self) -> bool {
        let synchronous = matches!(
            self.scenario.method.schedule,
            RawSchedule::Synchronous { .. }
        );
        synchronous && self.public().is_some_and(|(_, redraw)| redraw)
    }

    /// Public samples asked for, and whether they are drawn anew; of the strand that has any.
    fn public(&self) -> Option<(usize, bool)> {
        let mut exchanges = self.scenario.method.exchanges();
        exchanges.find_map(|exchange| match *exchange {
            RawExchange::PublicLogits {
                samples, redraw, ..
            } => Some((samples, redraw)),
            _ => None,
        })
    }

    /// The number of the list of public samples that work for a version predicts.
    pub(crate) fn list_number(&self, start_version: u64) -> u64 {
        if self.redraws() { start_version } else { 0 }
    }

    /// Public samples per list.
    pub(crate) fn list_length(&self) -> usize {
        let asked = self.public().map_or(0, |(samples, _)| samples);
        asked.min(self.split.public.len())
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

/// Who passes to whom, peer to peer.
fn neighbours(
    scenario: &Scenario,
    standing: &Standing,
    clients: usize,
    dynamics: Streams,
) -> Option<Neighbours> {
    let peers = scenario.method.peers.clone()?;
    let graph = match peers {
        RawPeers::All { graph, .. } | RawPeers::Matching { graph, .. } => graph,
        RawPeers::Exponential { .. } => RawPeerGraph::Complete,
    };
    let graph = match graph {
        RawPeerGraph::Complete => complete(clients),
        RawPeerGraph::Ring => ring(clients),
        RawPeerGraph::Network => standing.neighbours(),
    };
    Some(Neighbours::new(peers, graph, dynamics))
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

/// The actors of so many clients.
fn actors(clients: usize) -> impl Iterator<Item = ActorId> {
    let clients = u32::try_from(clients).expect("the number was checked");
    (1..=clients).map(ActorId)
}

/// A scenario's length of time in the simulator's nanoseconds.
pub(super) fn duration(duration: crate::scenario::Duration) -> SimDuration {
    SimDuration::from_nanos(duration.nanoseconds())
}
