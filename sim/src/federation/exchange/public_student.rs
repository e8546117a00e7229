//! The client's side of predictions on public samples: it learns what it received before its own
//! data or together with them, and predicts the samples of the next version.

use super::cached_rows::ClientCache;
use super::public_pass::PublicPass;
use super::targets::{loss, targets};
use super::{Kept, Learner, sample_filter};
use crate::federation::knowledge::Piece;
use crate::federation::local::LocalWork;
use crate::federation::rule::nearest;
use crate::scenario::{RawDistill, RawDistillOrder, RawPredictions, RawSampleFilter};
use fedstill_models::{Batch, ModelError, StepResult, Term, Trainer, predict_logits, softmax};
use rand::seq::SliceRandom;
use std::sync::Arc;

/// Learns from what it received, and predicts.
pub(super) struct Student {
    /// What was received, and what its rows are.
    pub(super) received: Option<Vec<f32>>,
    pub(super) received_are: RawPredictions,
    /// Centroids in it, one of which is learned.
    pub(super) centroids: usize,
    /// The list of samples that it is about.
    pub(super) about: u64,
    /// The list to predict.
    pub(super) next: u64,
    pub(super) sends: RawPredictions,
    pub(super) distill: RawDistill,
    /// Batch size on public samples.
    pub(super) batch: usize,
    /// What training begins with, where not with the model of the last participation.
    pub(super) restart: Option<Vec<f32>>,
    pub(super) filter: RawSampleFilter,
    /// Whether each sample of the next list stays at home, its prediction being known.
    pub(super) stays: Vec<bool>,
    pub(super) cache: Option<ClientCache>,
    /// Public samples that are learned together with own data.
    pub(super) pass: Option<PublicPass>,
}

impl Student {
    /// What it takes of the centroids: the one nearest to what it predicts itself.
    fn taught(&self, work: &LocalWork<'_>, list: &[u32]) -> Result<Option<Vec<f32>>, ModelError> {
        let Some(received) = &self.received else {
            return Ok(None);
        };
        if self.centroids <= 1 {
            return Ok(Some(received.clone()));
        }
        let classes = work.deployment.dataset().n_classes();
        let own = self.predict(work, list)?;
        let centroids: Vec<&[f32]> = received.chunks_exact(list.len() * classes).collect();
        let chosen = nearest(&own, classes, &centroids);
        Ok(chosen.map(|place| centroids[place].to_vec()))
    }

    fn predict(&self, work: &LocalWork<'_>, list: &[u32]) -> Result<Vec<f32>, ModelError> {
        let parameters = work.trainer.parameters();
        let data = work.deployment.common_samples_at(work.client);
        let logits = predict_logits(&work.layout, &parameters, data, list)?;
        Ok(match self.sends {
            RawPredictions::Logits => logits,
            RawPredictions::Probabilities { temperature } => {
                softmax(&logits, work.layout.n_classes(), temperature as f32)
            }
        })
    }

    /// Makes ready to learn the public samples by turns with own data.
    fn spread(&self, work: &LocalWork<'_>, list: &[u32], targets: &[f32]) -> PublicPass {
        let deployment = work.deployment;
        let data = deployment.common_samples_at(work.client);
        let mut features = Vec::new();
        for sample in list {
            data.gather(*sample, &mut features);
        }
        let mut batches = Vec::new();
        for epoch in 0..self.distill.epochs {
            let mut order: Vec<u32> = (0..).take(list.len()).collect();
            order.shuffle(&mut work.stream("public batches", epoch));
            batches.extend(order.chunks(self.batch).map(<[u32]>::to_vec));
        }
        let local = &deployment.scenario().method.local;
        let samples = deployment.shard(work.client).train.len();
        let own = samples.div_ceil(local.batch) * deployment.epochs(work.client) as usize;
        let classes = work.layout.n_classes();
        let widths = (work.layout.n_features(), classes);
        PublicPass::new(features, targets.to_vec(), widths, batches, own)
    }

    /// Steps on public samples by turns with own data.
    fn step_by_turns(&mut self, trainer: &mut Trainer, all: bool) -> Result<(), ModelError> {
        let (distill, are) = (&self.distill, self.received_are);
        let step = |trainer: &mut Trainer, features: &[f32], targets: &[f32]| {
            let loss = loss(&distill.loss, targets, are);
            trainer.step(features, &[Term::new(distill.weight as f32, loss)])
        };
        match &mut self.pass {
            None => Ok(()),
            Some(pass) if all => pass.finish(trainer, step),
            Some(pass) => pass.before_own(trainer, step),
        }
    }
}

impl Learner for Student {
    fn start(&mut self, parameters: &mut Vec<f32>) {
        if let Some(initial) = self.restart.take() {
            *parameters = initial;
        }
    }

    /// Passes over public samples towards what was received.
    fn digest(&mut self, work: &mut LocalWork<'_>) -> Result<(), ModelError> {
        let list = work.deployment.list(self.about);
        let Some(taught) = self.taught(work, &list)? else {
            return Ok(());
        };
        let classes = work.deployment.dataset().n_classes();
        let targets = targets(&self.distill.loss, &taught, self.received_are, classes);
        if self.distill.order == RawDistillOrder::Together {
            self.pass = Some(self.spread(work, &list, &targets));
            return Ok(());
        }
        let data = work.deployment.common_samples_at(work.client);
        let mut rows = Vec::new();
        for epoch in 0..self.distill.epochs {
            let seed = work.shuffle_seed("public batches", epoch);
            let cancelled = work.cancelled;
            work.trainer.epoch(
                data,
                &list,
                self.batch,
                seed,
                cancelled,
                |trainer, batch| -> Result<StepResult, ModelError> {
                    rows.clear();
                    batch.gather(&targets, classes, &mut rows);
                    let loss = loss(&self.distill.loss, &rows, self.received_are);
                    let term = Term::new(self.distill.weight as f32, loss);
                    trainer.step(batch.features, &[term])
                },
            )?;
        }
        Ok(())
    }

    fn prepare(&mut self, trainer: &mut Trainer, _: &Batch<'_>) -> Result<(), ModelError> {
        self.step_by_turns(trainer, false)
    }

    fn contribute(&mut self, work: &mut LocalWork<'_>) -> Result<Piece, ModelError> {
        self.step_by_turns(&mut work.trainer, true)?;
        let list = work.deployment.list(self.next);
        let mut rows = self.predict(work, &list)?;
        let classes = work.layout.n_classes();
        let unlike = sample_filter::stay(self.filter, work, &list)?;
        for stays in [&self.stays, &unlike] {
            let rows = rows.chunks_exact_mut(classes).zip(stays);
            for (row, _) in rows.filter(|(_, stays)| **stays) {
                row.fill(0.0);
            }
        }
        Ok(Piece::of(rows))
    }

    fn keep(&mut self) -> Option<Kept> {
        let cache = self.cache.take()?;
        Some(Arc::new(cache))
    }
}
