//! Class logits: mean predictions per class of a client's own samples, collected while it trains;
//! each sample learns from the teacher of its class. Probabilities travel (FD, Jeong et al. 2018,
//! algorithm 1) or raw logits (FedDistill+, Zhu et al. 2021, section 5).

use super::folded_rows::FoldedRows;
use super::rows::{MeanRows, Sharing};
use super::shuffle::Shuffle;
use super::{Beginning, Effort, Exchange, Kind, Learner, rule_weight};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::local::LocalWork;
use crate::federation::parcel::is_held;
use crate::federation::run::Hooks;
use crate::scenario::{RawDistill, RawDistillLoss, RawPrediction, RawRule, RawStrand};
use fedstill_models::{Batch, Loss, ModelError, Teacher, Term, Trainer, softmax};
use std::sync::Arc;

/// The strand.
#[derive(Debug)]
pub(super) struct ClassLogits {
    rule: RawRule,
    distill: RawDistill,
    send: RawPrediction,
}

impl ClassLogits {
    pub(super) fn new(strand: &RawStrand, send: RawPrediction) -> Self {
        Self {
            rule: strand.rule.clone(),
            distill: strand.distill.clone(),
            send,
        }
    }

    /// What each class is to be predicted as. The teacher of a class that nobody else holds is a
    /// row of zeros, and stays one.
    fn teachers(&self, received: &Arc<Vec<f32>>, classes: usize) -> Arc<Vec<f32>> {
        let RawDistillLoss::Kl { temperature, .. } = self.distill.loss else {
            return Arc::clone(received);
        };
        let mut probabilities = softmax(received, classes, temperature as f32);
        let rows = probabilities.chunks_exact_mut(classes);
        for (row, given) in rows.zip(received.chunks_exact(classes)) {
            if !is_held(given) {
                row.fill(0.0);
            }
        }
        Arc::new(probabilities)
    }
}

impl Kind for ClassLogits {
    fn name(&self) -> &'static str {
        "class-logits"
    }

    fn up(&self, deployment: &Deployment, _: usize) -> Form {
        let classes = deployment.dataset().n_classes();
        Form::rows(classes, classes)
    }

    fn effort(&self, _: &Deployment, _: usize, _: bool) -> Effort {
        Effort::default()
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        let classes = beginning.deployment.dataset().n_classes();
        Box::new(Taught {
            classes,
            distill: self.distill.clone(),
            teachers: beginning
                .received
                .map(|piece| self.teachers(&piece.values, classes)),
            targets: Vec::new(),
            means: ClassMeans::new(classes, self.send),
        })
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, hooks: Hooks) -> Box<dyn Exchange> {
        if let RawRule::Mean { .. } | RawRule::LeaveOneOut { .. } = self.rule {
            let sharing = Sharing::of(&self.rule);
            return Box::new(MeanRows::for_strand(deployment, sharing, hooks));
        }
        let width = deployment.dataset().n_classes();
        let shuffle = Shuffle::asked_by(hooks, deployment);
        Box::new(FoldedRows::new(self.rule.clone(), width, shuffle))
    }

    fn weight(&self, samples: u64) -> f64 {
        rule_weight(&self.rule, samples)
    }
}

/// Own data with, per sample, the teacher of its class.
struct Taught {
    classes: usize,
    distill: RawDistill,
    teachers: Option<Arc<Vec<f32>>>,
    /// Of the batch.
    targets: Vec<f32>,
    means: ClassMeans,
}

impl Learner for Taught {
    fn prepare(&mut self, _: &mut Trainer, batch: &Batch<'_>) -> Result<(), ModelError> {
        if let Some(teachers) = &self.teachers {
            self.targets.clear();
            for label in batch.labels {
                // The teacher of a class that nobody else holds is a row of zeros.
                let row = *label as usize * self.classes;
                let teacher = &teachers[row..row + self.classes];
                self.targets.extend_from_slice(teacher);
            }
        }
        Ok(())
    }

    fn terms<'t>(&'t self, _: &'t Batch<'_>, terms: &mut Vec<Term<'t>>) {
        if self.teachers.is_some() {
            let targets = &self.targets;
            let taught = match self.distill.loss {
                RawDistillLoss::Kl {
                    temperature,
                    squared_factor,
                } => Loss::Distillation {
                    teacher: Teacher::Probabilities(targets),
                    temperature: temperature as f32,
                    scale_by_temperature_squared: squared_factor,
                },
                _ => Loss::SoftCrossEntropy { targets },
            };
            terms.push(Term::new(self.distill.weight as f32, taught));
        }
    }

    fn seen(&mut self, trainer: &mut Trainer, batch: &Batch<'_>) -> Result<(), ModelError> {
        self.means.add(batch.labels, trainer.logits());
        Ok(())
    }

    fn contribute(&mut self, _: &mut LocalWork<'_>) -> Result<Piece, ModelError> {
        Ok(Piece::of(self.means.values()))
    }
}

/// Mean predictions per class of the samples seen.
struct ClassMeans {
    classes: usize,
    of: RawPrediction,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl ClassMeans {
    fn new(classes: usize, of: RawPrediction) -> Self {
        Self {
            classes,
            of,
            sums: vec![0.0; classes * classes],
            counts: vec![0; classes],
        }
    }

    fn add(&mut self, labels: &[u32], logits: &[f32]) {
        let probabilities = match self.of {
            RawPrediction::Probabilities => softmax(logits, self.classes, 1.0),
            RawPrediction::Logits => Vec::new(),
        };
        let predictions = match self.of {
            RawPrediction::Probabilities => &probabilities,
            RawPrediction::Logits => logits,
        };
        for (label, row) in labels.iter().zip(predictions.chunks_exact(self.classes)) {
            let class = *label as usize;
            self.counts[class] += 1;
            let sums = &mut self.sums[class * self.classes..(class + 1) * self.classes];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
    }

    /// Rows of means; a class without a sample is a row of zeros.
    fn values(&self) -> Vec<f32> {
        let means = self.sums.chunks_exact(self.classes).zip(&self.counts);
        means
            .flat_map(|(sums, count)| {
                let count = (*count).max(1) as f64;
                sums.iter().map(move |sum| (sum / count) as f32)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_probabilities_or_of_the_logits_themselves() {
        // Two samples of class 0 and none of class 1; softmax([ln 3, 0]) is (3/4, 1/4).
        let logits = [3f32.ln(), 0.0, 0.0, 3f32.ln()];
        let of = |what| {
            let mut means = ClassMeans::new(2, what);
            means.add(&[0, 0], &logits);
            means.values()
        };
        let half = 3f32.ln() / 2.0;
        for (what, expected) in [
            (RawPrediction::Probabilities, [0.5, 0.5, 0.0, 0.0]),
            (RawPrediction::Logits, [half, half, 0.0, 0.0]),
        ] {
            for (value, expected) in of(what).iter().zip(expected) {
                assert!((value - expected).abs() < 1e-6, "{what:?}: {value}");
            }
        }
    }

    #[test]
    fn a_class_without_logits_from_anyone_has_no_teacher() {
        let strand = ClassLogits {
            rule: RawRule::default(),
            distill: RawDistill {
                loss: RawDistillLoss::Kl {
                    temperature: 2.0,
                    squared_factor: false,
                },
                ..RawDistill::default()
            },
            send: RawPrediction::Logits,
        };
        let received = Arc::new(vec![2.0 * 3f32.ln(), 0.0, 0.0, 0.0]);
        // At temperature 2 softmax([2·ln 3, 0]/2) is (3/4, 1/4).
        let teachers = strand.teachers(&received, 2);
        for (value, expected) in teachers.iter().zip([0.75, 0.25, 0.0, 0.0]) {
            assert!((value - expected).abs() < 1e-6, "{teachers:?}");
        }
    }
}
