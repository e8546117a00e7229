//! A run from its plan to its books.

use super::benefit::benefits;
use super::deployment::{AggregatorSpec, Deployment, DeploymentError, duration};
use super::exchange::AsynchronousFold;
use super::recorder::Recorder;
use crate::kernel::ComputePool;
use crate::records::{AggregatorRecord, ClientRecord, DataSite, RunBooks, RunIdentity, RunStatus};
use crate::scenario::{PlannedRun, RawSchedule, Scenario};
use crate::time::SimTime;
use crate::traffic::TrafficError;
use crate::world::{Accounts, End, Simulation, WorldConfig};
use fedstill_models::Site;
use std::fmt;
use std::sync::Arc;

/// How to run, as far as it changes no table.
#[derive(Debug, Clone, Copy)]
pub struct RunSettings {
    /// Threads that compute.
    pub threads: usize,
    /// Whether the books also hold what only a trace tells.
    pub gather: bool,
    /// Experiments on the method itself.
    pub hooks: Hooks,
}

/// Interventions that no scenario can ask for; they test what makes a method work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hooks {
    /// Send rows of predictions in a shuffled order, so that each sample or class gets
    /// another one's.
    pub shuffle_knowledge: bool,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Simulated time.
    pub now: SimTime,
    /// Versions published.
    pub version: u64,
    /// Mean client accuracy on the global test set at the last evaluation read.
    pub accuracy: Option<f64>,
}

/// Why a run did not end.
#[derive(Debug)]
pub enum RunError {
    /// The scenario cannot be drawn out.
    Deployment(DeploymentError),
    /// The transfers listed cannot be carried.
    Transfers(TrafficError),
    /// The operating system gives no threads.
    Threads(std::io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(error) => write!(f, "{error}"),
            Self::Transfers(error) => write!(f, "{error}"),
            Self::Threads(error) => write!(
                f,
                "cannot start the compute threads: {error}; fewer (`--threads`) may do"
            ),
        }
    }
}

impl std::error::Error for RunError {}

/// Simulates a planned run.
///
/// The books depend on the plan alone, not on the number of threads.
///
/// # Errors
/// When the scenario cannot be drawn out or no thread can be started.
pub fn run(
    planned: &PlannedRun,
    settings: RunSettings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RunBooks, RunError> {
    let deployment = Deployment::draw(planned.scenario.clone()).map_err(RunError::Deployment)?;
    let deployment = Arc::new(deployment);
    let (recorder, accounts, mut pool) = simulate(&deployment, settings, progress)?;
    let status = status(&recorder, accounts.end, &planned.scenario);
    let version = recorder.version();
    let evaluations = recorder
        .evaluator
        .finish(accounts.ended_at, version, &mut pool);
    let scores = evaluations.last().map_or(&[][..], |last| &last.clients);
    let completed = &recorder.completed;
    let benefits = benefits(&deployment, &accounts, completed, scores, &mut pool);
    Ok(RunBooks {
        class_names: deployment.dataset().class_names().to_vec(),
        identity: identity(planned),
        scenario: (*planned.scenario).clone(),
        status,
        accounts,
        versions: recorder.versions,
        evaluations,
        clients: client_records(&deployment, benefits),
        aggregators: aggregator_records(&deployment),
        keeps_store: keeps_store(&deployment),
    })
}

/// Lets the deployment's actors work until the end.
pub(super) fn simulate<'p>(
    deployment: &Arc<Deployment>,
    settings: RunSettings,
    progress: &'p mut dyn FnMut(&Progress),
) -> Result<(Recorder<'p>, Accounts, ComputePool), RunError> {
    let pool = ComputePool::new(settings.threads).map_err(RunError::Threads)?;
    let (network, cast) = deployment.place();
    let scenario = deployment.scenario();
    let config = WorldConfig {
        detection_delay: duration(scenario.server.detection_delay),
        end: deployment.end(),
        tick: scenario.evaluation.every.map(duration),
        gather: settings.gather,
    };
    let mut recorder = Recorder::new(Arc::clone(deployment), settings.hooks, progress);
    let simulation = Simulation::new(config, cast, network, pool, &mut recorder);
    let (accounts, pool) = simulation.run();
    Ok((recorder, accounts, pool))
}

fn status(recorder: &Recorder<'_>, end: End, scenario: &Scenario) -> RunStatus {
    if recorder.diverged {
        return RunStatus::Diverged;
    }
    if recorder.target_reached {
        return RunStatus::Target;
    }
    match end {
        End::Stopped => RunStatus::Completed,
        End::TimeUp if scenario.stop.time.is_some() => RunStatus::Completed,
        End::TimeUp | End::Stalled => RunStatus::Stalled,
    }
}

pub(super) fn identity(planned: &PlannedRun) -> RunIdentity {
    RunIdentity {
        run_id: planned.run_id.clone(),
        config_id: planned.config_id.clone(),
        scenario: planned.scenario.name.clone(),
        number: planned.number as u64,
        replication: planned.replication,
        seed_world: planned.scenario.world_seed(),
        seed_dynamics: planned.scenario.dynamics_seed(),
        factors: planned.factors.clone(),
    }
}

/// Whether contributions stay in a store and are folded again until replaced.
fn keeps_store(deployment: &Deployment) -> bool {
    let schedule = &deployment.scenario().method.schedule;
    let mut kinds = deployment.kinds().iter();
    let stored = kinds.any(|kind| kind.asynchronous_fold() == AsynchronousFold::Store);
    stored && !is_synchronous(schedule)
}
/// Whether a schedule has rounds.
fn is_synchronous(schedule: &RawSchedule) -> bool {
    matches!(schedule, RawSchedule::Synchronous { .. })
}

fn aggregator_records(deployment: &Deployment) -> Vec<AggregatorRecord> {
    let core = deployment.core();
    let record = |spec: &AggregatorSpec| AggregatorRecord {
        name: spec.name.clone(),
        tier: spec.tier,
        parent: spec.parent,
        children: spec.children.len() as u64,
        node: core.node_name(spec.node).unwrap_or(&spec.name).to_owned(),
        flops_per_second: spec.device.training_speed(),
        power: spec.device.power,
        synchronous: is_synchronous(&spec.schedule),
    };
    deployment.aggregators().iter().map(record).collect()
}

fn client_records(
    deployment: &Deployment,
    benefits: Vec<[Option<crate::records::Benefit>; 2]>,
) -> Vec<ClientRecord> {
    let record = |(number, benefit)| {
        let spec = deployment.client(number);
        let shard = deployment.shard(number);
        ClientRecord {
            name: spec.name.clone(),
            group: spec.group.clone(),
            model: spec.model.clone(),
            parameters: spec.layout.parameter_count() as u64,
            n_train: shard.train.len() as u64,
            n_test: shard.test.len() as u64,
            label_counts: deployment.label_counts(number),
            test_label_counts: deployment.test_label_counts(number),
            data_group: deployment.data_group(number).map(str::to_owned),
            data_site: deployment.site(number).map(data_site),
            device: spec.device_name.clone(),
            cores: spec.device.processor.cores(),
            flops_per_second: spec.device.training_speed(),
            memory_bytes: spec.device.memory_bytes,
            power: spec.device.power,
            link: (spec.link.0, spec.link.1, spec.link.2.as_secs_f64()),
            benefit,
        }
    };
    benefits.into_iter().enumerate().map(record).collect()
}

fn data_site(site: &Site) -> DataSite {
    let renamed = site.names.iter().flat_map(|names| names.iter().zip(0..));
    DataSite {
        rotation: f64::from(site.rotation),
        contrast: f64::from(site.contrast),
        brightness: f64::from(site.brightness),
        noise: f64::from(site.noise),
        label_noise: site.label_noise,
        renamed_classes: renamed.filter(|(called, class)| *called != class).count() as u64,
        missing_classes: site.missing_classes.len() as u64,
        missing_features: site.missing_features.len() as u64,
    }
}
