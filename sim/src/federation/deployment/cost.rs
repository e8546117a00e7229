//! What a participation costs a client, worked out from shapes before it happens.

use super::Deployment;
use crate::federation::parcel::parcel_bytes;
use crate::kernel::ActorId;
use crate::scenario::RawExchange;
use crate::world::{Plan, Work, WorkKind};

/// What one participation costs a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalCost {
    /// Length of what it receives.
    pub download_bytes: u64,
    /// FLOPs, in order.
    pub work: Work,
    /// Length of what it sends.
    pub upload_bytes: u64,
    /// Working set of its training.
    pub memory_bytes: u64,
}

impl LocalCost {
    /// The size of the work, for who needs to know it beforehand.
    pub fn plan(&self) -> Plan {
        Plan {
            download_bytes: self.download_bytes,
            flops: self.work.total(),
            upload_bytes: self.upload_bytes,
        }
    }
}

impl Deployment {
    /// What a participation costs a client, with or without knowledge to learn from.
    pub fn cost(&self, client: ActorId, has_knowledge: bool) -> LocalCost {
        let client = client.index() - 1;
        let layout = &self.clients[client].layout;
        let own = self.shard(client).train.len() as u64;
        let local = &self.scenario.method.local;
        let classes = self.dataset.n_classes();
        let train = layout.train_flops(own * u64::from(local.epochs));
        let mut work = vec![(WorkKind::Train, train)];
        let mut batch = local.batch;
        let values = match self.scenario.method.exchange {
            RawExchange::None => None,
            RawExchange::Parameters => Some(layout.parameter_count()),
            RawExchange::ClassLogits => Some(classes * classes),
            RawExchange::PublicLogits { .. } => {
                let samples = self.list_length() as u64;
                if has_knowledge {
                    let passes = samples * u64::from(local.distill.epochs);
                    work.insert(0, (WorkKind::Distill, layout.train_flops(passes)));
                    batch = batch.max(self.distill_batch());
                }
                work.push((WorkKind::Infer, layout.predict_flops(samples)));
                Some(self.list_length() * classes)
            }
        };
        let bytes = |values: Option<usize>| values.map_or(0, parcel_bytes);
        let received = values.map(|values| if has_knowledge { values } else { 0 });
        LocalCost {
            download_bytes: bytes(received),
            work: Work(work),
            upload_bytes: bytes(values),
            memory_bytes: layout.training_memory_bytes(batch, &self.optimizer(0)),
        }
    }

    /// Optimiser steps of a participation.
    pub(crate) fn steps(&self, client: usize, has_knowledge: bool) -> u64 {
        let local = &self.scenario.method.local;
        let steps = |samples: usize, batch: usize, epochs: u32| {
            samples.div_ceil(batch) as u64 * u64::from(epochs)
        };
        let own = steps(self.shard(client).train.len(), local.batch, local.epochs);
        if has_knowledge && self.list_length() > 0 {
            own + steps(
                self.list_length(),
                self.distill_batch(),
                local.distill.epochs,
            )
        } else {
            own
        }
    }
}
