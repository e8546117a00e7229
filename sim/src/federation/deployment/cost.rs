//! What a participation costs a client, worked out from shapes before it happens.

use super::Deployment;
use crate::federation::exchange::Effort;
use crate::federation::knowledge::Known;
use crate::federation::parcel::{Wire, parcel_bytes};
use crate::kernel::ActorId;
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
    /// What a participation costs a client that knows something of these strands.
    pub fn cost(&self, client: ActorId, known: Known) -> LocalCost {
        let client = client.index() - 1;
        let layout = &self.clients[client].layout;
        let own = self.shard(client).train.len() as u64;
        let local = &self.scenario.method.local;
        let train = layout.train_flops(own * u64::from(self.epochs(client)));
        let (mut before, mut beside, mut after) = (0, 0, 0);
        let (mut batch, mut memory) = (local.batch, 0);
        for effort in self.efforts(client, known) {
            before += effort.digest;
            beside += effort.beside;
            after += effort.predict;
            batch = batch.max(effort.batch);
            memory += effort.memory;
        }
        let work = [
            (WorkKind::Distill, before),
            (WorkKind::Train, train),
            (WorkKind::Distill, beside),
            (WorkKind::Infer, after),
        ];
        let work = work
            .into_iter()
            .filter(|(kind, flops)| *kind == WorkKind::Train || *flops > 0);
        let bytes = |wires: &[Wire], known| match wires {
            [] => 0,
            wires => parcel_bytes(wires, known),
        };
        let training = layout.training_memory_bytes(batch, &self.optimizer(0));
        LocalCost {
            download_bytes: bytes(&self.wires_down(client), known),
            work: Work(work.collect()),
            upload_bytes: bytes(&self.wires_up(client), Known::ALL),
            memory_bytes: training + memory,
        }
    }

    fn efforts(&self, client: usize, known: Known) -> impl Iterator<Item = Effort> {
        let kinds = self.kinds.iter().enumerate();
        kinds.map(move |(strand, kind)| kind.effort(self, client, known.has(strand)))
    }

    /// Optimiser steps of a participation.
    pub(crate) fn steps(&self, client: usize, known: Known) -> u64 {
        let local = &self.scenario.method.local;
        let batches = self.shard(client).train.len().div_ceil(local.batch) as u64;
        let digests = self.efforts(client, known).map(|effort| effort.steps);
        batches * u64::from(self.epochs(client)) + digests.sum::<u64>()
    }
}
