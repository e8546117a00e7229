//! Prototypes: mean features per class of a client's own samples, as the model hands them to its
//! head. Clients learn to keep near what comes of them (FedProto, Tan et al. 2022, algorithm 1),
//! or are sent a head that was trained on them (FedGH, Yi et al. 2023). Extractors may differ as
//! long as their features have one width.

mod means;
mod trained_head;
mod trained_prototypes;

use super::{Beginning, Effort, Exchange, Kind, Learner, Predictor};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::local::LocalWork;
use crate::federation::parcel::is_held;
use crate::federation::run::Hooks;
use crate::scenario::{RawDistill, RawMeans, RawRule, RawStrand, RawWeights};
use fedstill_models::{
    Batch, ClassSums, Loss, ModelError, Term, Trainer, class_means, extract_features,
};
use means::ClassPrototypes;
use std::sync::Arc;
use trained_head::TrainedHead;
use trained_prototypes::TrainedPrototypes;

/// The strand.
#[derive(Debug)]
pub(super) struct Prototypes {
    rule: RawRule,
    distill: RawDistill,
    means: RawMeans,
}

impl Prototypes {
    pub(super) fn new(strand: &RawStrand, means: RawMeans) -> Self {
        Self {
            rule: strand.rule.clone(),
            distill: strand.distill.clone(),
            means,
        }
    }

    /// Whether clients are sent a head.
    fn sends_head(&self) -> bool {
        matches!(self.rule, RawRule::TrainedHead { .. })
    }

    /// Whether a class's mean is weighed by its samples, which then travel beside it.
    fn is_counted(&self) -> bool {
        matches!(
            self.rule,
            RawRule::Mean {
                weights: RawWeights::Samples
            }
        )
    }

    fn rows(deployment: &Deployment) -> Form {
        let width = deployment.client(0).layout.feature_width();
        Form::held_rows(deployment.dataset().n_classes(), width)
    }
}

impl Kind for Prototypes {
    fn name(&self) -> &'static str {
        "prototypes"
    }

    fn up(&self, deployment: &Deployment, _: usize) -> Form {
        let rows = Self::rows(deployment);
        let counts = if self.is_counted() {
            rows.row_count()
        } else {
            0
        };
        rows.and_scalars(counts)
    }

    fn down(&self, deployment: &Deployment, client: usize) -> Form {
        match self.sends_head() {
            true => Form::flat(deployment.client(client).layout.head().len()),
            false => Self::rows(deployment),
        }
    }

    fn between_down(&self, deployment: &Deployment) -> Form {
        self.down(deployment, 0)
    }

    fn effort(&self, deployment: &Deployment, client: usize, _: bool) -> Effort {
        let own = deployment.shard(client).train.len() as u64;
        let layout = &deployment.client(client).layout;
        Effort {
            predict: match self.means {
                RawMeans::LastEpoch => 0,
                RawMeans::AfterTraining => {
                    let extractor = layout.extractor_layout();
                    extractor.map_or(0, |extractor| extractor.predict_flops(own))
                }
            },
            ..Effort::default()
        }
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        let deployment = beginning.deployment;
        let classes = deployment.dataset().n_classes();
        let width = deployment.client(beginning.client).layout.feature_width();
        let received = beginning.received.map(|piece| Arc::clone(&piece.values));
        let (head, prototypes) = match self.sends_head() {
            true => (received, None),
            false => (None, received),
        };
        let own = deployment.shard(beginning.client).train.len() as u64;
        let before = u64::from(deployment.scenario().method.local.epochs) - 1;
        Box::new(Near {
            width,
            weight: self.distill.weight as f32,
            head,
            prototypes,
            targets: Vec::new(),
            present: Vec::new(),
            gathers: self.means == RawMeans::LastEpoch,
            unseen: before * own,
            sums: ClassSums::new(classes, width),
            is_counted: self.is_counted(),
        })
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, hooks: Hooks) -> Box<dyn Exchange> {
        let means = ClassPrototypes::for_strand(deployment, self.is_counted(), hooks);
        match self.rule {
            RawRule::TrainedHead { epochs, batch, lr } => {
                let training = means::server_training(epochs, batch, lr);
                Box::new(TrainedHead::new(deployment, means, training))
            }
            RawRule::TrainedPrototypes {
                epochs,
                batch,
                lr,
                margin,
            } => {
                let training = means::server_training(epochs, batch, lr);
                Box::new(TrainedPrototypes::new(deployment, means, training, margin))
            }
            // Others are refused.
            _ => Box::new(means),
        }
    }

    /// Rows weigh by their own samples, or not at all.
    fn weight(&self, _: u64) -> f64 {
        1.0
    }

    fn predictor(&self) -> Predictor {
        match self.sends_head() {
            true => Predictor::Own,
            false => Predictor::NearestPrototype,
        }
    }
}

/// Own data, near what was received.
struct Near {
    width: usize,
    weight: f32,
    head: Option<Arc<Vec<f32>>>,
    prototypes: Option<Arc<Vec<f32>>>,
    /// Of the batch.
    targets: Vec<f32>,
    present: Vec<bool>,
    /// Whether features are gathered in the last epoch, rather than after it.
    gathers: bool,
    /// Samples still to pass before the last epoch.
    unseen: u64,
    sums: ClassSums,
    is_counted: bool,
}

impl Near {
    fn add(&mut self, features: &[f32], labels: &[u32]) -> Result<(), ModelError> {
        // A sample in the epochs before counts as unseen until all of them have passed.
        if self.unseen > 0 {
            self.unseen = self.unseen.saturating_sub(labels.len() as u64);
            return Ok(());
        }
        self.sums.add(features, labels)
    }

    fn piece(&self, values: Vec<f32>, counts: &[u64]) -> Piece {
        let counts = counts.iter().map(|count| *count as f32);
        Piece {
            scalars: if self.is_counted {
                counts.collect()
            } else {
                Vec::new()
            },
            ..Piece::of(values)
        }
    }
}

impl Learner for Near {
    fn digest(&mut self, work: &mut LocalWork<'_>) -> Result<(), ModelError> {
        if self.gathers {
            work.trainer.keep_features(true);
        }
        Ok(())
    }

    fn start(&mut self, parameters: &mut Vec<f32>) {
        if let Some(head) = &self.head {
            let begin = parameters.len() - head.len();
            parameters[begin..].copy_from_slice(head);
        }
    }

    fn prepare(&mut self, _: &mut Trainer, batch: &Batch<'_>) -> Result<(), ModelError> {
        if let Some(prototypes) = &self.prototypes {
            self.targets.clear();
            self.present.clear();
            for label in batch.labels {
                let row = *label as usize * self.width;
                let prototype = &prototypes[row..row + self.width];
                self.targets.extend_from_slice(prototype);
                self.present.push(is_held(prototype));
            }
        }
        Ok(())
    }

    fn terms<'t>(&'t self, _: &'t Batch<'_>, terms: &mut Vec<Term<'t>>) {
        if self.prototypes.is_some() {
            let near = Loss::FeatureSquaredError {
                targets: &self.targets,
                present: &self.present,
            };
            terms.push(Term::new(self.weight, near));
        }
    }

    fn seen(&mut self, trainer: &mut Trainer, batch: &Batch<'_>) -> Result<(), ModelError> {
        match self.gathers {
            true => self.add(trainer.features(), batch.labels),
            false => Ok(()),
        }
    }

    fn contribute(&mut self, work: &mut LocalWork<'_>) -> Result<Piece, ModelError> {
        if self.gathers {
            return Ok(self.piece(self.sums.means(), self.sums.counts()));
        }
        let samples = &work.deployment.shard(work.client).train;
        let data = work.deployment.training_samples(work.client);
        let parameters = work.trainer.parameters();
        let features = extract_features(&work.layout, &parameters, data, samples)?;
        let labels: Vec<u32> = samples.iter().map(|sample| data.label(*sample)).collect();
        let classes = work.deployment.dataset().n_classes();
        let (means, counts) = class_means(&features, &labels, classes)?;
        Ok(self.piece(means, &counts))
    }

    fn companion(&self) -> Option<Arc<Vec<f32>>> {
        self.prototypes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(prototypes: Option<Vec<f32>>, unseen: u64) -> Near {
        Near {
            width: 2,
            weight: 1.0,
            head: None,
            prototypes: prototypes.map(Arc::new),
            targets: Vec::new(),
            present: Vec::new(),
            gathers: true,
            unseen,
            sums: ClassSums::new(3, 2),
            is_counted: true,
        }
    }

    #[test]
    fn only_features_of_the_last_epoch_count_and_a_class_not_held_is_a_row_of_zeros() {
        // Two epochs over three samples, in batches of two and one.
        let mut near = near(None, 3);
        near.add(&[90.0, 90.0, 90.0, 90.0], &[0, 2]).unwrap();
        near.add(&[90.0, 90.0], &[0]).unwrap();
        near.add(&[1.0, 2.0, 5.0, -1.0], &[0, 2]).unwrap();
        near.add(&[3.0, 6.0], &[0]).unwrap();
        // Class 0: (1+3)/2, (2+6)/2; class 2 has one sample.
        let piece = near.piece(near.sums.means(), near.sums.counts());
        assert_eq!(*piece.values, [2.0, 4.0, 0.0, 0.0, 5.0, -1.0]);
        assert_eq!(piece.scalars, [2.0, 0.0, 1.0]);
    }

    #[test]
    fn a_received_head_takes_the_place_of_the_last_parameters() {
        let mut near = near(None, 0);
        near.head = Some(Arc::new(vec![7.0, 8.0]));
        let mut parameters = vec![1.0, 2.0, 3.0];
        near.start(&mut parameters);
        assert_eq!(parameters, [1.0, 7.0, 8.0]);
    }
}
