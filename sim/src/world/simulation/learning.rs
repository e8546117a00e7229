//! Computations of aggregators on their own devices.

use super::{Event, Host, ROOT, Simulation, actor};
use crate::kernel::{ActorId, Job, JobHandle};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Message, Token, Work};
use crate::world::station::{AggregatorAccount, Station};
use std::collections::VecDeque;

/// An aggregator with what it computes and has computed.
pub(super) struct Aggregating {
    pub(super) station: Station,
    /// Computations that have not ended, one after the other.
    under_way: VecDeque<Learning>,
    flops: [u64; 3],
    computing: SimDuration,
    learned: Vec<(SimTime, SimTime)>,
}

/// A computation of an aggregator; nothing cuts it but the end of the run.
struct Learning {
    token: Token,
    work: Work,
    start: SimTime,
    end: SimTime,
    job: Option<JobHandle>,
}

impl Aggregating {
    pub(super) fn new(station: Station) -> Self {
        Self {
            station,
            under_way: VecDeque::new(),
            flops: [0; 3],
            computing: SimDuration::ZERO,
            learned: Vec::new(),
        }
    }

    /// Takes down what was computed from `start` until `end`.
    fn account(&mut self, start: SimTime, end: SimTime, flops: [u64; 3], remember: bool) {
        for (sum, part) in self.flops.iter_mut().zip(flops) {
            *sum += part;
        }
        self.computing += end.saturating_since(start);
        if remember {
            self.learned.push((start, end));
        }
    }
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    /// An aggregator.
    ///
    /// # Panics
    /// If the actor is a client.
    pub(super) fn aggregating(&mut self, aggregator: ActorId) -> &mut Aggregating {
        let place = self.aggregator_place(aggregator);
        &mut self.aggregators[place]
    }

    /// The place of an aggregator among the aggregators.
    pub(super) fn aggregator_place(&self, aggregator: ActorId) -> usize {
        if aggregator == ROOT {
            assert!(self.has_root, "there is no root in this world");
            return 0;
        }
        let clients = self.sites.len();
        let station = aggregator.index().checked_sub(clients + 1);
        let station = station.expect("a client is no aggregator of this kind");
        station + usize::from(self.has_root)
    }

    pub(super) fn learn(
        &mut self,
        aggregator: ActorId,
        now: SimTime,
        token: Token,
        work: Work,
        job: Option<Job>,
    ) {
        let aggregating = self.aggregating(aggregator);
        let start = aggregating.under_way.back().map_or(now, |last| last.end);
        let flops = work.total() as f64;
        let end = aggregating.station.device.completion(start, flops);
        // What it reads was fixed when it was asked for, so it may run while others are waited for.
        let job = job.map(|job| self.pool.submit(end, job));
        self.queue.schedule(end, Event::Learned(aggregator));
        self.aggregating(aggregator).under_way.push_back(Learning {
            token,
            work,
            start,
            end,
            job,
        });
    }

    /// The computation of an aggregator that is first in line has reached its simulated end.
    pub(super) fn learned(&mut self, aggregator: ActorId, now: SimTime) {
        let gather = self.config.gather;
        let aggregating = self.aggregating(aggregator);
        let Some(learning) = aggregating.under_way.pop_front() else {
            return;
        };
        let flops = learning.work.first(learning.work.total());
        aggregating.account(learning.start, now, flops, gather);
        let message = Message::Computed {
            token: learning.token,
            output: learning.job.map(JobHandle::collect),
        };
        self.tell(aggregator, now, message);
    }

    /// The accounts of all aggregators at the end of the run, which ends what they compute.
    pub(super) fn aggregator_accounts(&mut self, now: SimTime) -> Vec<AggregatorAccount> {
        let gather = self.config.gather;
        let first_station = self.sites.len() + 1;
        let has_root = self.has_root;
        let mut accounts = Vec::with_capacity(self.aggregators.len());
        for (place, aggregating) in self.aggregators.iter_mut().enumerate() {
            for learning in std::mem::take(&mut aggregating.under_way) {
                if learning.start >= now {
                    break;
                }
                let device = &aggregating.station.device;
                let done = device.flops_between(learning.start, now).round() as u64;
                let flops = learning.work.first(done.min(learning.work.total()));
                aggregating.account(learning.start, now, flops, gather);
            }
            let computing = aggregating.computing;
            let idle = now
                .saturating_since(SimTime::ZERO)
                .saturating_sub(computing);
            let power = aggregating.station.device.power;
            accounts.push(AggregatorAccount {
                actor: match (has_root, place) {
                    (true, 0) => ROOT,
                    (true, place) => actor(first_station + place - 1),
                    (false, place) => actor(first_station + place),
                },
                flops: aggregating.flops,
                computing,
                idle,
                energy_joules: power.busy * computing.as_secs_f64()
                    + power.idle * idle.as_secs_f64(),
                learned: std::mem::take(&mut aggregating.learned),
            });
        }
        accounts
    }
}
