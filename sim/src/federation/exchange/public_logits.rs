//! Public logits: predictions on samples that everyone may see. Clients digest the consensus, learn
//! from their own data, and predict the samples of the next version (FedMD, Li and Wang 2019,
//! algorithm 1).

use super::rows::{MeanRows, Sharing};
use super::{Beginning, Effort, Exchange, Kind, Learner, rule_weight};
use crate::federation::deployment::Deployment;
use crate::federation::knowledge::{Form, Piece};
use crate::federation::local::{LocalWork, distill_loss};
use crate::federation::run::Hooks;
use crate::scenario::{RawDistill, RawDistillLoss, RawRule, RawStrand};
use fedstill_models::{ModelError, Term, predict_logits, softmax};
use std::sync::Arc;

/// The strand.
#[derive(Debug)]
pub(super) struct PublicLogits {
    rule: RawRule,
    distill: RawDistill,
}

impl PublicLogits {
    pub(super) fn new(strand: &RawStrand) -> Self {
        Self {
            rule: strand.rule.clone(),
            distill: strand.distill.clone(),
        }
    }

    /// Batch size of distillation: as asked, or min(256, P/8) (FedMD's choice).
    fn batch(&self, samples: usize) -> usize {
        let automatic = (samples / 8).clamp(1, 256);
        self.distill.batch.unwrap_or(automatic)
    }
}

impl Kind for PublicLogits {
    fn name(&self) -> &'static str {
        "public-logits"
    }

    fn up(&self, deployment: &Deployment, _: usize) -> Form {
        Form::rows(deployment.list_length(), deployment.dataset().n_classes())
    }

    fn effort(&self, deployment: &Deployment, client: usize, known: bool) -> Effort {
        let layout = &deployment.client(client).layout;
        let samples = deployment.list_length();
        let mut effort = Effort {
            predict: layout.predict_flops(samples as u64),
            ..Effort::default()
        };
        if known {
            let epochs = u64::from(self.distill.epochs);
            effort.digest = layout.train_flops(samples as u64 * epochs);
            effort.batch = self.batch(samples);
            effort.steps = samples.div_ceil(effort.batch) as u64 * epochs;
        }
        effort
    }

    fn learner(&self, beginning: Beginning<'_>) -> Box<dyn Learner> {
        let deployment = beginning.deployment;
        Box::new(Student {
            consensus: beginning.received.map(|piece| Arc::clone(&piece.values)),
            about: beginning.list,
            next: deployment.list_number(beginning.version),
            distill: self.distill.clone(),
            batch: self.batch(deployment.list_length()),
        })
    }

    fn aggregator(&self, deployment: &Arc<Deployment>, hooks: Hooks) -> Box<dyn Exchange> {
        let sharing = Sharing::of(&self.rule);
        Box::new(MeanRows::for_strand(deployment, sharing, hooks))
    }

    fn weight(&self, samples: u64) -> f64 {
        rule_weight(&self.rule, samples)
    }
}

/// Learns the consensus, and predicts.
struct Student {
    consensus: Option<Arc<Vec<f32>>>,
    /// The list of samples that the consensus is about.
    about: u64,
    /// The list to predict.
    next: u64,
    distill: RawDistill,
    batch: usize,
}

impl Learner for Student {
    /// Passes over public samples towards the consensus.
    fn digest(&mut self, work: &mut LocalWork<'_>) -> Result<(), ModelError> {
        let Some(consensus) = &self.consensus else {
            return Ok(());
        };
        let classes = work.deployment.dataset().n_classes();
        let probabilities = match self.distill.loss {
            RawDistillLoss::CrossEntropy => softmax(consensus, classes, 1.0),
            _ => Vec::new(),
        };
        let targets = match self.distill.loss {
            RawDistillLoss::CrossEntropy => &probabilities,
            _ => &**consensus,
        };
        let list = work.deployment.list(self.about);
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
                |trainer, batch| {
                    rows.clear();
                    batch.gather(targets, classes, &mut rows);
                    let loss = distill_loss(&self.distill.loss, &rows);
                    let term = Term::new(self.distill.weight as f32, loss);
                    trainer.step(batch.features, &[term])
                },
            )?;
        }
        Ok(())
    }

    fn contribute(&mut self, work: &mut LocalWork<'_>) -> Result<Piece, ModelError> {
        let list = work.deployment.list(self.next);
        let parameters = work.trainer.parameters();
        let data = work.deployment.common_samples_at(work.client);
        predict_logits(&work.layout, &parameters, data, &list).map(Piece::of)
    }
}
