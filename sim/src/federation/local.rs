//! The client's work: learn from what was received, learn from own data, make the
//! contribution. Runs on the compute pool; knows no clock.

use super::deployment::Deployment;
use super::own_losses::OwnLosses;
use super::parcel::{Contents, Parcel};
use crate::scenario::{RawDistillLoss, RawExchange};
use fedstill_models::{
    Batch, Layout, Loss, ModelError, OptimizerState, StepResult, Stored, Teacher, Term, Trainer,
    predict_logits, softmax,
};
use std::sync::Arc;

/// What a client keeps between participations.
#[derive(Debug, Clone)]
pub(crate) struct LocalState {
    pub(crate) parameters: Arc<Stored>,
    pub(crate) optimizer: Option<Arc<OptimizerState>>,
    /// Participations whose computation was completed.
    pub(crate) completed: u64,
}

impl LocalState {
    /// The state before the first participation. Where models travel every participation begins
    /// with the one received, and a client keeps none.
    pub(crate) fn at_start(deployment: &Deployment, client: usize) -> Self {
        if deployment.predicts_with_global_model() {
            Self {
                parameters: no_parameters(),
                optimizer: None,
                completed: 0,
            }
        } else {
            Self::new(deployment, client)
        }
    }

    /// The state of a client that learns with a model of its own.
    fn new(deployment: &Deployment, client: usize) -> Self {
        Self {
            parameters: Arc::new(deployment.initial_state(client)),
            optimizer: None,
            completed: 0,
        }
    }
}

fn no_parameters() -> Arc<Stored> {
    Arc::new(Stored::F32(Vec::new()))
}

/// What a participation's computation gives.
#[derive(Debug)]
pub(crate) struct LocalResult {
    pub(crate) state: LocalState,
    pub(crate) contribution: Parcel,
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
    cancelled: &dyn Fn() -> bool,
) -> Result<LocalResult, ModelError> {
    let knowledge = received.and_then(|received| received.values.as_deref());
    let version = received.map_or(state.completed, |received| received.version);
    let mut work = LocalWork::begin(deployment, client, state, knowledge, version, cancelled)?;
    let mut values = None;
    let mut list = 0;
    match deployment.scenario().method.exchange {
        RawExchange::None => work.train(None)?,
        RawExchange::Parameters => {
            work.train(None)?;
            values = Some(work.trainer.parameters());
        }
        RawExchange::ClassLogits => {
            let mut means = ClassMeans::new(deployment.dataset().n_classes());
            work.learn_by_class(knowledge, &mut means)?;
            values = Some(means.into_values());
        }
        RawExchange::PublicLogits { .. } => {
            let received = received.expect("public logits come in a parcel");
            if let Some(consensus) = knowledge {
                work.distill(&deployment.list(received.list), consensus)?;
            }
            work.train(None)?;
            list = deployment.list_number(received.version);
            values = Some(work.predict(&deployment.list(list))?);
        }
    }
    // Finite parameters can still overflow on a sample; that must not reach the others.
    if values.iter().flatten().any(|value| !value.is_finite()) {
        let steps = work.trainer.steps();
        return Err(ModelError::Diverged { steps });
    }
    let loss = work.losses.report();
    let mut state = work.finish()?;
    if deployment.predicts_with_global_model() {
        state.parameters = no_parameters();
    }
    let contribution = match received {
        None => Parcel::nothing(),
        Some(received) => Parcel::encode(&Contents {
            version: received.version,
            samples: deployment.shard(client).train.len() as u64,
            list,
            loss,
            values,
        }),
    };
    Ok(LocalResult {
        state,
        contribution,
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
        let mut work =
            LocalWork::begin(deployment, client, &state, None, state.completed, cancelled)?;
        work.train(None)?;
        state = work.finish()?;
    }
    Ok(state.parameters)
}

struct LocalWork<'a> {
    deployment: &'a Deployment,
    client: usize,
    layout: Arc<Layout>,
    trainer: Trainer,
    completed: u64,
    /// Parameters to stay near, and how near.
    anchor: Option<(f32, Vec<f32>)>,
    losses: OwnLosses,
    cancelled: &'a dyn Fn() -> bool,
}

/// Adds terms to the objective of a batch, and sees its logits afterwards.
type OnBatch<'a> = &'a mut dyn FnMut(&mut Trainer, &Batch<'_>, Term<'_>) -> StepOutcome;
type StepOutcome = Result<StepResult, ModelError>;

impl<'a> LocalWork<'a> {
    fn begin(
        deployment: &'a Deployment,
        client: usize,
        state: &LocalState,
        knowledge: Option<&[f32]>,
        version: u64,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Result<Self, ModelError> {
        let scenario = deployment.scenario();
        let local = &scenario.method.local;
        let layout = Arc::clone(&deployment.client(client).layout);
        let received_model = match scenario.method.exchange {
            RawExchange::Parameters => knowledge,
            _ => None,
        };
        let own = state.parameters.values();
        let parameters = received_model.unwrap_or(&own);
        let kept = state.optimizer.as_ref().filter(|_| local.keep_optimizer);
        let name = &deployment.client(client).name;
        let seed = deployment
            .dynamics()
            .seed(name, &format!("model noise {}", state.completed));
        let trainer = Trainer::new(
            Arc::clone(&layout),
            parameters,
            &deployment.optimizer(version),
            kept.map(|state| (**state).clone()),
            seed,
        )?;
        let anchor = received_model
            .filter(|_| local.proximal > 0.0)
            .map(|received| (local.proximal as f32, received.to_vec()));
        Ok(Self {
            deployment,
            client,
            layout,
            trainer,
            completed: state.completed,
            anchor,
            losses: OwnLosses::new(scenario.method.selection.needs_losses()),
            cancelled,
        })
    }

    /// The order of the batches of a pass, from a stream of the client's own.
    fn shuffle_seed(&self, purpose: &str, epoch: u32) -> u64 {
        let name = &self.deployment.client(self.client).name;
        let purpose = format!("{purpose} {} {epoch}", self.completed);
        self.deployment.dynamics().seed(name, &purpose)
    }

    /// Passes over the client's own data with cross-entropy, and whatever `on_batch` adds.
    fn train(&mut self, mut on_batch: Option<OnBatch<'_>>) -> Result<(), ModelError> {
        let local = &self.deployment.scenario().method.local;
        let shard = self.deployment.shard(self.client);
        let data = self.deployment.training_samples(self.client);
        for epoch in 0..local.epochs {
            let seed = self.shuffle_seed("batches", epoch);
            let anchor = &self.anchor;
            let losses = &mut self.losses;
            self.trainer.epoch(
                data,
                &shard.train,
                local.batch,
                seed,
                self.cancelled,
                |trainer, batch| {
                    let labels = batch.labels;
                    let own = Term::from(Loss::CrossEntropy { labels });
                    let result = match (&mut on_batch, anchor) {
                        (Some(on_batch), _) => on_batch(trainer, batch, own),
                        (None, Some((weight, anchor))) => {
                            let proximal = Loss::Proximal { anchor };
                            trainer.step(batch.features, &[own, Term::new(*weight, proximal)])
                        }
                        (None, None) => trainer.step(batch.features, &[own]),
                    }?;
                    losses.add(labels, trainer.logits());
                    Ok(result)
                },
            )?;
        }
        Ok(())
    }

    /// Own data with, per sample, the teacher of its class; collects the mean
    /// predictions per class on the way (Jeong et al. 2018, algorithm 1).
    fn learn_by_class(
        &mut self,
        teachers: Option<&[f32]>,
        means: &mut ClassMeans,
    ) -> Result<(), ModelError> {
        let classes = self.deployment.dataset().n_classes();
        let weight = self.deployment.scenario().method.local.distill.weight as f32;
        let mut targets = Vec::new();
        self.train(Some(&mut |trainer, batch, own| {
            let result = match teachers {
                None => trainer.step(batch.features, &[own]),
                Some(teachers) => {
                    targets.clear();
                    for label in batch.labels {
                        // The teacher of a class that nobody else holds is a row of zeros.
                        let row = *label as usize * classes;
                        targets.extend_from_slice(&teachers[row..row + classes]);
                    }
                    let taught = Loss::SoftCrossEntropy { targets: &targets };
                    trainer.step(batch.features, &[own, Term::new(weight, taught)])
                }
            }?;
            means.add(batch.labels, trainer.logits());
            Ok(result)
        }))
    }

    /// Passes over public samples towards the consensus.
    fn distill(&mut self, list: &[u32], consensus: &[f32]) -> Result<(), ModelError> {
        let distill = &self.deployment.scenario().method.local.distill;
        let classes = self.deployment.dataset().n_classes();
        let probabilities = match distill.loss {
            RawDistillLoss::CrossEntropy => softmax(consensus, classes, 1.0),
            _ => Vec::new(),
        };
        let targets = match distill.loss {
            RawDistillLoss::CrossEntropy => &probabilities,
            _ => consensus,
        };
        let mut rows = Vec::new();
        let data = self.deployment.common_samples_at(self.client);
        for epoch in 0..distill.epochs {
            let seed = self.shuffle_seed("public batches", epoch);
            self.trainer.epoch(
                data,
                list,
                self.deployment.distill_batch(),
                seed,
                self.cancelled,
                |trainer, batch| {
                    rows.clear();
                    batch.gather(targets, classes, &mut rows);
                    let loss = distill_loss(&distill.loss, &rows);
                    let term = Term::new(distill.weight as f32, loss);
                    trainer.step(batch.features, &[term])
                },
            )?;
        }
        Ok(())
    }

    fn predict(&self, list: &[u32]) -> Result<Vec<f32>, ModelError> {
        let parameters = self.trainer.parameters();
        let data = self.deployment.common_samples_at(self.client);
        predict_logits(&self.layout, &parameters, data, list)
    }

    fn finish(self) -> Result<LocalState, ModelError> {
        let keeps = self.deployment.scenario().method.local.keep_optimizer;
        let (parameters, optimizer) = self.trainer.into_parts()?;
        Ok(LocalState {
            parameters: Arc::new(self.deployment.kept(parameters)),
            optimizer: keeps.then(|| Arc::new(optimizer)),
            completed: self.completed + 1,
        })
    }
}

fn distill_loss<'a>(loss: &RawDistillLoss, targets: &'a [f32]) -> Loss<'a> {
    match *loss {
        RawDistillLoss::MeanAbsolute => Loss::MeanAbsoluteError { targets },
        RawDistillLoss::MeanSquared => Loss::MeanSquaredError { targets },
        RawDistillLoss::CrossEntropy => Loss::SoftCrossEntropy { targets },
        RawDistillLoss::Kl {
            temperature,
            squared_factor,
        } => Loss::Distillation {
            teacher: Teacher::Logits(targets),
            temperature: temperature as f32,
            scale_by_temperature_squared: squared_factor,
        },
    }
}

/// Mean predicted probabilities per class of the samples seen.
struct ClassMeans {
    classes: usize,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl ClassMeans {
    fn new(classes: usize) -> Self {
        Self {
            classes,
            sums: vec![0.0; classes * classes],
            counts: vec![0; classes],
        }
    }

    fn add(&mut self, labels: &[u32], logits: &[f32]) {
        let probabilities = softmax(logits, self.classes, 1.0);
        for (label, row) in labels.iter().zip(probabilities.chunks_exact(self.classes)) {
            let class = *label as usize;
            self.counts[class] += 1;
            let sums = &mut self.sums[class * self.classes..(class + 1) * self.classes];
            for (sum, probability) in sums.iter_mut().zip(row) {
                *sum += f64::from(*probability);
            }
        }
    }

    /// Rows of means; a class without a sample is a row of zeros.
    fn into_values(self) -> Vec<f32> {
        let means = self.sums.chunks_exact(self.classes).zip(&self.counts);
        means
            .flat_map(|(sums, count)| {
                let count = (*count).max(1) as f64;
                sums.iter().map(move |sum| (sum / count) as f32)
            })
            .collect()
    }
}
