//! Class logits: mean predicted probabilities per class of a client's own samples, collected while
//! it trains; each sample learns from the teacher of its class (FD, Jeong et al. 2018, algorithm 1).

use super::folded_rows::FoldedRows;
use super::rows::{MeanRows, Sharing};
use super::shuffle::Shuffle;
use super::{Beginning, Effort, Exchange, Kind, Learner, rule_weight};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::local::LocalWork;
use crate::federation::run::Hooks;
use crate::scenario::{RawDistill, RawRule, RawStrand};
use fedstill_models::{Batch, Loss, ModelError, Term, Trainer, softmax};
use std::sync::Arc;

/// The strand.
#[derive(Debug)]
pub(super) struct ClassLogits {
    rule: RawRule,
    distill: RawDistill,
}

impl ClassLogits {
    pub(super) fn new(strand: &RawStrand) -> Self {
        Self {
            rule: strand.rule.clone(),
            distill: strand.distill.clone(),
        }
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
            weight: self.distill.weight as f32,
            teachers: beginning.received.map(|piece| Arc::clone(&piece.values)),
            targets: Vec::new(),
            means: ClassMeans::new(classes),
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
    weight: f32,
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
            let taught = Loss::SoftCrossEntropy { targets };
            terms.push(Term::new(self.weight, taught));
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
