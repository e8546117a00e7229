//! What adapters make of a deployment: epochs by device, temperatures by version.

use super::{Deployment, duration};
use crate::federation::adapter::equal_time::{EqualTime, WorkEstimate};
use crate::federation::adapter::temperature::temperature;
use crate::federation::knowledge::Known;
use crate::kernel::ActorId;
use crate::scenario::{RawAdapter, RawDistill, RawDistillLoss, RawReference, RawSchedule};
use crate::time::SimDuration;

impl Deployment {
    /// Passes of a client over its own data in one participation.
    pub(crate) fn epochs(&self, client: usize) -> u32 {
        let adapted = self.epochs.get(client).copied();
        adapted.unwrap_or(self.scenario.method.local.epochs)
    }

    /// The epochs of every client; none where they are everybody's.
    pub(super) fn adapted_epochs(&self, clients: impl Iterator<Item = ActorId>) -> Vec<u32> {
        let method = &self.scenario.method;
        let equal = method.adapter.iter().find_map(|adapter| match *adapter {
            RawAdapter::EqualTime {
                reference,
                least_epochs,
                most_epochs,
            } => Some((reference, least_epochs, most_epochs)),
            RawAdapter::Temperature { .. } => None,
        });
        let Some((reference, least, most)) = equal else {
            return Vec::new();
        };
        let estimates: Vec<_> = clients.map(|client| self.work_estimate(client)).collect();
        let rule = match (reference, &method.schedule) {
            (
                RawReference::Deadline,
                RawSchedule::Synchronous {
                    deadline: Some(deadline),
                    ..
                },
            ) => Some(EqualTime::by(duration(*deadline), least, most)),
            _ => EqualTime::with_median(method.local.epochs, &estimates, least, most),
        };
        let rule = rule.expect("there is a client");
        estimates.iter().map(|client| rule.epochs(client)).collect()
    }

    /// What a client estimates of its time when it registers.
    fn work_estimate(&self, child: ActorId) -> WorkEstimate {
        let client = child.index() - 1;
        let spec = &self.clients[client];
        let own = self.shard(client).train.len() as u64;
        let epoch = spec.layout.train_flops(own);
        let all = self.cost(child, Known::ALL).work.total();
        let beside = all.saturating_sub(epoch * u64::from(self.epochs(client)));
        let compute = |flops: u64| {
            let seconds = flops as f64 / spec.device.training_speed();
            SimDuration::from_secs_f64(seconds).unwrap_or(SimDuration::MAX)
        };
        let transfers = self.registration(child).1.estimate;
        let transfers = transfers.map_or(SimDuration::ZERO, |times| times.download + times.upload);
        WorkEstimate {
            fixed: transfers + compute(beside),
            epoch: compute(epoch),
        }
    }

    /// How received predictions are learned in work for this version.
    pub(crate) fn distill_at(&self, distill: &RawDistill, version: u64) -> RawDistill {
        let mut distill = distill.clone();
        let adapters = self.scenario.method.adapter.iter();
        let course = adapters.filter_map(|adapter| match adapter {
            RawAdapter::Temperature { course } => Some(course),
            RawAdapter::EqualTime { .. } => None,
        });
        for course in course {
            if let RawDistillLoss::Kl {
                temperature: at, ..
            } = &mut distill.loss
            {
                *at = temperature(course, version);
            }
        }
        distill
    }
}
