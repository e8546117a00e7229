//! Computations of participations on the clients' devices.

use super::{ClientState, Event, Host, Simulation, site};
use crate::device::{Phase, SpeedNoise};
use crate::kernel::{ActorId, EventId, Job, JobHandle};
use crate::time::SimTime;
use crate::world::action::{Message, Ticket, Token, Work};

/// A computation under way.
pub(super) struct Computing {
    pub(super) ticket: Ticket,
    pub(super) token: Token,
    pub(super) work: Work,
    pub(super) start: SimTime,
    /// What this computation's speed is of the device's.
    pub(super) factor: f64,
    /// FLOPs done before `start`.
    pub(super) done: u64,
    pub(super) event: EventId,
    pub(super) job: Option<JobHandle>,
    pub(super) ends_in_drop: bool,
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    pub(super) fn compute(
        &mut self,
        actor: ActorId,
        now: SimTime,
        token: Token,
        ticket: Ticket,
        work: Work,
        job: Option<Job>,
    ) {
        self.ledger.start(ticket, Phase::Compute, now);
        self.enter(actor, ClientState::Computing, now);
        let index = site(actor);
        let cut = self.cut_in(actor, Phase::Compute);
        let site = &mut self.sites[index];
        let factor = site.noise.as_mut().map_or(1.0, SpeedNoise::draw);
        let flops = work.total() as f64 * cut.map_or(1.0, |cut| cut.fraction);
        let end = site.device.completion(now, flops / factor);
        // A job that will be cut is never run: nobody would see its result.
        let job = job
            .filter(|_| cut.is_none())
            .map(|job| self.pool.submit(end, job));
        let event = self.queue.schedule(end, Event::Computed(actor));
        self.computing.insert(
            actor,
            Computing {
                ticket,
                token,
                work,
                start: now,
                factor,
                done: 0,
                event,
                job,
                ends_in_drop: cut.is_some(),
            },
        );
    }

    /// A computation has reached its simulated end.
    pub(super) fn computed(&mut self, actor: ActorId, now: SimTime) {
        let Some(computing) = self.computing.remove(&actor) else {
            return;
        };
        let ticket = computing.ticket;
        if computing.ends_in_drop {
            self.account_computing(actor, &computing, now, None);
            self.lose(actor, now, ticket, Phase::Compute);
            return;
        }
        let left = computing.work.total() - computing.done;
        self.account_computing(actor, &computing, now, Some(left));
        self.ledger.complete(ticket, Phase::Compute, now);
        // Whatever the actor does next changes the state again at this instant.
        self.enter(actor, ClientState::Unselected, now);
        let message = Message::Computed {
            token: computing.token,
            output: computing.job.map(JobHandle::collect),
        };
        self.tell(actor, now, message);
    }

    /// Takes up a computation that was suspended.
    pub(super) fn resume_computing(&mut self, actor: ActorId, now: SimTime, computing: Computing) {
        let index = site(actor);
        let cut = self.cut_in(actor, Phase::Compute);
        let goal = computing.work.total() as f64 * cut.map_or(1.0, |cut| cut.fraction);
        let left = (goal - computing.done as f64).max(0.0) / computing.factor;
        let end = self.sites[index].device.completion(now, left);
        let event = self.queue.schedule(end, Event::Computed(actor));
        let computing = Computing {
            start: now,
            event,
            ..computing
        };
        self.computing.insert(actor, computing);
    }

    /// Writes down what was computed since `start`; gives the FLOPs.
    pub(super) fn account_computing(
        &mut self,
        actor: ActorId,
        computing: &Computing,
        now: SimTime,
        flops: Option<u64>,
    ) -> u64 {
        let device = &self.sites[site(actor)].device;
        let time = now.saturating_since(computing.start);
        let left = computing.work.total() - computing.done;
        let flops = flops.unwrap_or_else(|| {
            let done = device.flops_between(computing.start, now) * computing.factor;
            (done.round() as u64).min(left)
        });
        let joules = device.power.busy * time.as_secs_f64();
        let (ticket, work) = (computing.ticket, &computing.work);
        self.ledger
            .computed(ticket, work, computing.done, flops, joules);
        flops
    }
}
