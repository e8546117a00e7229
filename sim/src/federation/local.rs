//! The client's work: learn from what was received, learn from own data, make the
//! contribution. Runs on the compute pool; knows no clock.

use super::codec::Sender;
use super::deployment::Deployment;
use super::exchange::{Beginning, Kept, Learner};
use super::own_losses::OwnLosses;
use super::parcel::{Contents, Outgoing, Parcel};
use crate::kernel::Stream;
use fedstill_models::{Layout, Loss, ModelError, OptimizerState, Stored, Term, Trainer};
use std::sync::Arc;

/// What a client keeps between participations.
#[derive(Clone)]
pub(crate) struct LocalState {
    pub(crate) parameters: Arc<Stored>,
    pub(crate) optimizer: Option<Arc<OptimizerState>>,
    /// Participations whose computation was completed.
    pub(crate) completed: u64,
    /// What each strand keeps; empty where none does.
    pub(crate) strands: Vec<Option<Kept>>,
}

impl LocalState {
    /// The state before the first participation. Where models travel every participation begins
    /// with the one received, and a client keeps none.
    pub(crate) fn at_start(deployment: &Deployment, client: usize) -> Self {
        if deployment.predicts_with_global_model() {
            Self::with(no_parameters())
        } else {
            Self::new(deployment, client)
        }
    }

    /// The state of a client that learns with a model of its own.
    fn new(deployment: &Deployment, client: usize) -> Self {
        Self::with(Arc::new(deployment.initial_state(client)))
    }

    fn with(parameters: Arc<Stored>) -> Self {
        Self {
            parameters,
            optimizer: None,
            completed: 0,
            strands: Vec::new(),
        }
    }
}

fn no_parameters() -> Arc<Stored> {
    Arc::new(Stored::F32(Vec::new()))
}

/// What a participation's computation gives.
pub(crate) struct LocalResult {
    pub(crate) state: LocalState,
    pub(crate) contribution: Parcel,
    /// What the model is scored with beside its parameters.
    pub(crate) companion: Option<Arc<Vec<f32>>>,
    /// What the codecs remember once it has arrived.
    pub(crate) if_arrived: Vec<Sender>,
}

/// Does the work of one participation. Once `cancelled` the result is without meaning.
///
/// # Errors
/// [`ModelError::Diverged`] when training leaves the finite numbers.
pub(crate) fn participate(
    deployment: &Deployment,
    client: usize,
    state: &LocalState,
    received: Option<&Contents>,
    senders: &[Sender],
    cancelled: &dyn Fn() -> bool,
) -> Result<LocalResult, ModelError> {
    let version = received.map_or(state.completed, |received| received.version);
    let mut learners: Vec<Box<dyn Learner>> = Vec::new();
    for (strand, kind) in deployment.kinds().iter().enumerate() {
        let received = received.expect("knowledge comes in a parcel");
        learners.push(kind.learner(Beginning {
            deployment,
            client,
            received: received.pieces[strand].as_ref(),
            list: received.list,
            version,
            kept: state.strands.get(strand).and_then(Option::as_ref),
        }));
    }
    let mut work = LocalWork::begin(deployment, client, state, version, &mut learners, cancelled)?;
    for learner in &mut learners {
        learner.digest(&mut work)?;
    }
    work.train(&mut learners)?;
    let mut pieces = Vec::with_capacity(learners.len());
    for learner in &mut learners {
        let piece = learner.contribute(&mut work)?;
        // Finite parameters can still overflow on a sample; that must not reach the others.
        if !piece.is_finite() {
            let steps = work.trainer.steps();
            return Err(ModelError::Diverged { steps });
        }
        pieces.push(Some(piece));
    }
    let loss = work.losses.report();
    let companion = learners.iter().find_map(|learner| learner.companion());
    let mut state = work.finish()?;
    let kept: Vec<_> = learners.iter_mut().map(|learner| learner.keep()).collect();
    if kept.iter().any(Option::is_some) {
        state.strands = kept;
    }
    if deployment.predicts_with_global_model() {
        state.parameters = no_parameters();
    }
    let outgoing = match received {
        None => Outgoing::nothing(),
        Some(received) => {
            let contents = Contents {
                version: received.version,
                samples: deployment.shard(client).train.len() as u64,
                loss,
                list: deployment.list_number(received.version),
                pieces,
                arrived: None,
            };
            let name = &deployment.client(client).name;
            let seed = deployment.codec_seed(name, state.completed);
            Parcel::encode(&contents, &deployment.wires_up(client), senders, seed)
        }
    };
    Ok(LocalResult {
        state,
        contribution: outgoing.parcel,
        companion,
        if_arrived: outgoing.if_arrived,
    })
}

/// Trains as the client would have trained alone, for this many participations.
///
/// # Errors
/// [`ModelError::Diverged`] when training leaves the finite numbers.
pub(crate) fn train_alone(
    deployment: &Deployment,
    client: usize,
    participations: u64,
    cancelled: &dyn Fn() -> bool,
) -> Result<Arc<Stored>, ModelError> {
    let mut state = LocalState::new(deployment, client);
    for _ in 0..participations {
        let version = state.completed;
        let nothing = &mut [];
        let mut work = LocalWork::begin(deployment, client, &state, version, nothing, cancelled)?;
        work.train(nothing)?;
        state = work.finish()?;
    }
    Ok(state.parameters)
}

/// One participation's training under way.
pub(crate) struct LocalWork<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) client: usize,
    pub(crate) layout: Arc<Layout>,
    pub(crate) trainer: Trainer,
    completed: u64,
    losses: OwnLosses,
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

impl<'a> LocalWork<'a> {
    fn begin(
        deployment: &'a Deployment,
        client: usize,
        state: &LocalState,
        version: u64,
        learners: &mut [Box<dyn Learner>],
        cancelled: &'a dyn Fn() -> bool,
    ) -> Result<Self, ModelError> {
        let local = &deployment.scenario().method.local;
        let layout = Arc::clone(&deployment.client(client).layout);
        let mut parameters = state.parameters.values().into_owned();
        for learner in learners {
            learner.start(&mut parameters);
        }
        let kept = state.optimizer.as_ref().filter(|_| local.keep_optimizer);
        let name = &deployment.client(client).name;
        let seed = deployment
            .dynamics()
            .seed(name, &format!("model noise {}", state.completed));
        let trainer = Trainer::new(
            Arc::clone(&layout),
            &parameters,
            &deployment.optimizer(version),
            kept.map(|state| (**state).clone()),
            seed,
        )?;
        Ok(Self {
            deployment,
            client,
            layout,
            trainer,
            completed: state.completed,
            losses: OwnLosses::new(deployment.scenario().method.selection.needs_losses()),
            cancelled,
        })
    }

    /// The order of the batches of a pass, from a stream of the client's own.
    pub(crate) fn shuffle_seed(&self, purpose: &str, epoch: u32) -> u64 {
        let name = &self.deployment.client(self.client).name;
        let purpose = format!("{purpose} {} {epoch}", self.completed);
        self.deployment.dynamics().seed(name, &purpose)
    }

    /// The same as a stream.
    pub(crate) fn stream(&self, purpose: &str, epoch: u32) -> Stream {
        let name = &self.deployment.client(self.client).name;
        let purpose = format!("{purpose} {} {epoch}", self.completed);
        self.deployment.dynamics().stream(name, &purpose)
    }

    /// Passes over the client's own data with cross-entropy and whatever the strands add.
    fn train(&mut self, learners: &mut [Box<dyn Learner>]) -> Result<(), ModelError> {
        let local = &self.deployment.scenario().method.local;
        let shard = self.deployment.shard(self.client);
        let data = self.deployment.training_samples(self.client);
        for epoch in 0..self.deployment.epochs(self.client) {
            let seed = self.shuffle_seed("batches", epoch);
            let losses = &mut self.losses;
            self.trainer.epoch(
                data,
                &shard.train,
                local.batch,
                seed,
                self.cancelled,
                |trainer, batch| {
                    for learner in &mut *learners {
                        learner.prepare(trainer, batch)?;
                    }
                    let labels = batch.labels;
                    let own = Term::from(Loss::CrossEntropy { labels });
                    let result = if learners.is_empty() {
                        trainer.step(batch.features, &[own])
                    } else {
                        let mut terms = vec![own];
                        for learner in &*learners {
                            learner.terms(batch, &mut terms);
                        }
                        trainer.step(batch.features, &terms)
                    }?;
                    losses.add(labels, trainer.logits());
                    for learner in &mut *learners {
                        learner.seen(trainer, batch)?;
                    }
                    Ok(result)
                },
            )?;
        }
        Ok(())
    }

    fn finish(self) -> Result<LocalState, ModelError> {
        let keeps = self.deployment.scenario().method.local.keep_optimizer;
        let (parameters, optimizer) = self.trainer.into_parts()?;
        Ok(LocalState {
            parameters: Arc::new(self.deployment.kept(parameters)),
            optimizer: keeps.then(|| Arc::new(optimizer)),
            completed: self.completed + 1,
            strands: Vec::new(),
        })
    }
}
