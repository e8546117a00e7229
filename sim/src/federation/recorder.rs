//! The recorder: starts the actors, writes down what they record, evaluates, and
//! says when the run is over.

use super::aggregator::{Aggregator, FederationAction, FederationMessage};
use super::client::Client;
use super::deployment::Deployment;
use super::evaluation::Evaluator;
use super::parcel::Parcel;
use super::peer::Peer;
use super::run::{Hooks, Progress};
use crate::kernel::{ActorId, ComputePool, Stage};
use crate::records::VersionRecord;
use crate::scenario::RawSchedule;
use crate::time::SimTime;
use crate::world::Host;
use fedstill_models::Stored;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The aggregator that the run is about.
const ROOT: ActorId = ActorId(0);

/// What actors have written down.
#[derive(Debug)]
pub(crate) enum Record {
    /// The aggregator published a version; with its model, where it has one.
    Version {
        record: VersionRecord,
        model: Option<Arc<Vec<f32>>>,
    },
    /// A client has completed its computation and has these parameters now.
    Trained {
        client: usize,
        parameters: Arc<Stored>,
        /// What they are scored with, where that is more than they.
        companion: Option<Arc<Vec<f32>>>,
    },
    /// Training left the finite numbers at a peer, which gives up.
    PeerDiverged { client: usize },
    /// Training left the finite numbers at every client of a version.
    AllDiverged,
}

/// The host of a federation.
pub(crate) struct Recorder<'p> {
    pub(crate) deployment: Arc<Deployment>,
    hooks: Hooks,
    pub(crate) evaluator: Evaluator,
    pub(crate) versions: Vec<VersionRecord>,
    /// The root's last one; peer to peer, how many the clients have published in the mean.
    version: u64,
    /// How many peers have published together.
    published: u64,
    diverged_peers: BTreeSet<usize>,
    /// Computations completed, by client.
    pub(crate) completed: Vec<u64>,
    pub(crate) diverged: bool,
    pub(crate) target_reached: bool,
    finished: bool,
    evaluated_version: u64,
    progress: &'p mut dyn FnMut(&Progress),
}

impl<'p> Recorder<'p> {
    pub(crate) fn new(
        deployment: Arc<Deployment>,
        hooks: Hooks,
        progress: &'p mut dyn FnMut(&Progress),
    ) -> Self {
        Self {
            evaluator: Evaluator::new(Arc::clone(&deployment)),
            completed: vec![0; deployment.clients()],
            deployment,
            hooks,
            versions: Vec::new(),
            version: 0,
            published: 0,
            diverged_peers: BTreeSet::new(),
            diverged: false,
            target_reached: false,
            finished: false,
            evaluated_version: 0,
            progress,
        }
    }

    /// The last version published.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The run has come to this version.
    fn reach(&mut self, version: u64) {
        self.version = version;
        let last = self.deployment.last_version();
        self.finished = last.is_some_and(|last| version >= last);
    }

    /// Unless asked otherwise every client has been heard about once between evaluations.
    fn versions_between_evaluations(&self) -> u64 {
        if self.deployment.is_peer_to_peer() {
            return 1;
        }
        match self.deployment.scenario().method.schedule {
            RawSchedule::Synchronous { .. } => 1,
            RawSchedule::Asynchronous { .. } => self.deployment.clients() as u64,
            RawSchedule::Buffered { size, .. } => (self.deployment.clients() / size).max(1) as u64,
            RawSchedule::Periodic { .. } => 1,
        }
    }

    fn evaluate(&mut self, now: SimTime, pool: &mut ComputePool) -> ControlFlow<()> {
        let version = self.version();
        self.evaluated_version = version;
        self.evaluator.evaluate(now, version, pool);
        // Decided on what earlier instants showed; this one's scores are still being computed.
        if self.evaluator.target_reached() && self.deployment.scenario().stop.target {
            self.target_reached = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Host<Parcel, Record> for Recorder<'_> {
    fn start(&mut self, actor: ActorId, stage: &mut Stage<FederationMessage, FederationAction>) {
        let deployment = Arc::clone(&self.deployment);
        match actor.index() {
            number if self.deployment.is_peer_to_peer() => {
                stage.start(actor, Peer::new(deployment, number - 1, self.hooks));
            }
            number if (1..=deployment.clients()).contains(&number) => {
                stage.start(actor, Client::new(deployment, number - 1));
            }
            _ => stage.start(actor, Aggregator::new(deployment, actor, self.hooks)),
        }
    }

    fn record(&mut self, _: ActorId, now: SimTime, record: Record) {
        match record {
            Record::Version { record, model } => {
                if self.deployment.is_peer_to_peer() {
                    // A version for all is as many as there are clients.
                    self.published += 1;
                    self.reach(self.published / self.deployment.clients() as u64);
                } else if record.aggregator == ROOT {
                    self.reach(record.version);
                    if let Some(model) = model {
                        self.evaluator.global_changed(model);
                    }
                }
                self.versions.push(record);
                let progress = Progress {
                    now,
                    version: self.version,
                    accuracy: self.evaluator.latest_accuracy(),
                };
                (self.progress)(&progress);
            }
            Record::Trained {
                client,
                parameters,
                companion,
            } => {
                self.completed[client] += 1;
                self.evaluator.client_changed(client, parameters, companion);
            }
            Record::PeerDiverged { client } => {
                self.diverged_peers.insert(client);
                self.diverged |= self.diverged_peers.len() == self.deployment.clients();
            }
            Record::AllDiverged => self.diverged = true,
        }
    }

    fn tick(&mut self, now: SimTime, pool: &mut ComputePool) -> ControlFlow<()> {
        self.evaluate(now, pool)
    }

    fn instant_ended(&mut self, now: SimTime, pool: &mut ComputePool) -> ControlFlow<()> {
        let evaluation = &self.deployment.scenario().evaluation;
        if evaluation.every.is_none() {
            let step = evaluation
                .versions
                .unwrap_or(self.versions_between_evaluations());
            let due = self.version() >= self.evaluated_version + step;
            if due || (now == SimTime::ZERO && self.evaluator.is_unused()) {
                self.evaluate(now, pool)?;
            }
        }
        if self.finished || self.diverged {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
