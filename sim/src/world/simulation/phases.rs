//! The phases of a participation: transfers and computations, and what cuts them.

use super::{ClientState, Event, Host, SERVER, Simulation, site};
use crate::device::{CutPoint, Phase};
use crate::kernel::{ActorId, EventId, Job, JobHandle};
use crate::network::{Completion, FlowId, HostId, ResourceId};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Message, Plan, Ticket, Token, Work};
use crate::world::ledger::Outcome;
use crate::world::transfers::{TransferOutcome, TransferRecord};

/// The participation that a client is working on.
#[derive(Debug)]
pub(super) struct Busy {
    pub(super) ticket: Ticket,
    pub(super) cut: Option<CutPoint>,
    pub(super) offline: Option<EventId>,
    pub(super) flow: Option<FlowId>,
}

/// A transfer under way.
pub(super) struct Transfer<P> {
    pub(super) ticket: Ticket,
    pub(super) from: ActorId,
    pub(super) to: ActorId,
    pub(super) what: &'static str,
    pub(super) size: u64,
    pub(super) start: SimTime,
    pub(super) payload: P,
    /// The flow carries only the bytes up to the drop.
    pub(super) ends_in_drop: bool,
}

/// A computation under way.
pub(super) struct Computing {
    pub(super) ticket: Ticket,
    pub(super) token: Token,
    pub(super) work: Work,
    pub(super) start: SimTime,
    pub(super) event: EventId,
    pub(super) job: Option<JobHandle>,
    pub(super) ends_in_drop: bool,
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one action, taken apart where it is matched"
    )]
    pub(super) fn send(
        &mut self,
        from: ActorId,
        now: SimTime,
        to: ActorId,
        ticket: Ticket,
        what: &'static str,
        bytes: u64,
        payload: P,
    ) {
        if bytes == 0 {
            if to == SERVER {
                self.ledger.get_mut(ticket).end = Some(now);
                self.release(from, now);
                self.enter(from, ClientState::WaitingForVersion, now);
            }
            let message = Message::Arrived { ticket, payload };
            self.queue.schedule(now, Event::Tell(to, message));
            return;
        }
        let phase = direction(to);
        let client = self.ledger.get(ticket).client;
        self.ledger.start(ticket, phase, now);
        self.enter(client, ClientState::Transferring, now);
        let cut = self.busy[site(client)]
            .as_ref()
            .and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == phase);
        let carried = cut.map_or(bytes, |cut| (cut.fraction * bytes as f64) as u64);
        let (origin, destination) = (self.host_of(from), self.host_of(to));
        let flow = self
            .network
            .transfer(now, origin, destination, carried)
            .expect("routes are checked before a run");
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.flow = Some(flow);
        }
        self.flows.insert(
            flow,
            Transfer {
                ticket,
                from,
                to,
                what,
                size: bytes,
                start: now,
                payload,
                ends_in_drop: cut.is_some(),
            },
        );
        self.peak_transfers = self.peak_transfers.max(self.flows.len());
    }

    /// A flow has carried all its bytes.
    pub(super) fn transferred(&mut self, now: SimTime, done: Completion) {
        let Some(transfer) = self.flows.remove(&done.flow) else {
            return;
        };
        let phase = direction(transfer.to);
        let ticket = transfer.ticket;
        let client = self.ledger.get(ticket).client;
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.flow = None;
        }
        let link = done.limiting_link;
        if transfer.ends_in_drop {
            self.write_transfer(&transfer, now, done.bytes, TransferOutcome::Cut, link);
            self.lose(client, now, ticket, phase);
            return;
        }
        self.write_transfer(&transfer, now, done.bytes, TransferOutcome::Delivered, link);
        self.ledger.complete(ticket, phase, now);
        if phase == Phase::Upload {
            self.release(client, now);
            self.enter(client, ClientState::WaitingForVersion, now);
        }
        let payload = transfer.payload;
        self.tell(transfer.to, now, Message::Arrived { ticket, payload });
    }

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
        let whole = self.sites[index].device.compute_time(work.total());
        let cut = self.busy[index]
            .as_ref()
            .and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == Phase::Compute);
        let end = match cut {
            None => now + whole,
            Some(cut) => {
                let part = whole.as_secs_f64() * cut.fraction;
                now + SimDuration::from_secs_f64(part).unwrap_or(whole)
            }
        };
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
        let total = computing.work.total();
        self.account_computing(actor, &computing, now, Some(total));
        self.ledger.complete(ticket, Phase::Compute, now);
        // Whatever the actor does next changes the state again at this instant.
        self.enter(actor, ClientState::Unselected, now);
        let message = Message::Computed {
            token: computing.token,
            output: computing.job.map(JobHandle::collect),
        };
        self.tell(actor, now, message);
    }

    /// The device of a client goes away: whatever it was doing is cut.
    pub(super) fn drop_client(&mut self, client: ActorId, now: SimTime) {
        let Some(busy) = &self.busy[site(client)] else {
            return;
        };
        let (ticket, flow) = (busy.ticket, busy.flow);
        let phase = if let Some(flow) = flow {
            self.cut_transfer(flow, now, TransferOutcome::Cut)
        } else if let Some(computing) = self.computing.remove(&client) {
            self.queue.cancel(computing.event);
            self.account_computing(client, &computing, now, None);
            Phase::Compute
        } else {
            // Between two phases of the same instant.
            Phase::Compute
        };
        self.lose(client, now, ticket, phase);
    }

    /// Takes a transfer off the network; gives the phase that it belonged to.
    pub(super) fn cut_transfer(
        &mut self,
        flow: FlowId,
        now: SimTime,
        outcome: TransferOutcome,
    ) -> Phase {
        let transfer = self.flows.remove(&flow).expect("a flow has a transfer");
        let progress = self.network.cancel(now, flow);
        let carried = progress.map_or(0, |progress| progress.bytes_carried);
        let link = progress.and_then(|progress| progress.limiting_link);
        self.write_transfer(&transfer, now, carried, outcome, link);
        direction(transfer.to)
    }

    /// Ends a participation as dropped; the aggregator learns of it later.
    fn lose(&mut self, client: ActorId, now: SimTime, ticket: Ticket, phase: Phase) {
        self.ledger.get_mut(ticket).cut_phase = Some(phase);
        self.ledger.settle(ticket, Outcome::dropped(phase), now);
        self.release(client, now);
        if self.stage.has_started(client) {
            self.tell(client, now, Message::Cut(ticket));
        }
        let known = now + self.config.detection_delay;
        let message = Message::Lost(ticket);
        self.queue
            .schedule(known, Event::Tell(ticket.aggregator, message));
    }

    /// The client's work for its participation is over.
    pub(super) fn release(&mut self, client: ActorId, now: SimTime) {
        if let Some(busy) = self.busy[site(client)].take()
            && let Some(event) = busy.offline
        {
            self.queue.cancel(event);
        }
        self.enter(client, ClientState::Unselected, now);
    }

    pub(super) fn enter(&mut self, client: ActorId, state: ClientState, now: SimTime) {
        let index = site(client);
        self.times[index].enter(state, now, &mut self.sites[index].availability);
    }

    pub(super) fn account_computing(
        &mut self,
        actor: ActorId,
        computing: &Computing,
        now: SimTime,
        flops: Option<u64>,
    ) {
        let device = &self.sites[site(actor)].device;
        let time = now.saturating_since(computing.start);
        let total = computing.work.total();
        let flops = flops.unwrap_or_else(|| device.flops_in(time).min(total));
        let joules = device.power.busy * time.as_secs_f64();
        self.ledger
            .computed(computing.ticket, &computing.work, flops, joules);
    }

    fn write_transfer(
        &mut self,
        transfer: &Transfer<P>,
        end: SimTime,
        carried: u64,
        outcome: TransferOutcome,
        limiting_link: Option<ResourceId>,
    ) {
        let client = self.ledger.get(transfer.ticket).client;
        let power = self.sites[site(client)].device.power.radio;
        let joules = power * end.saturating_since(transfer.start).as_secs_f64();
        self.ledger
            .carried(transfer.ticket, direction(transfer.to), carried, joules);
        self.transfers.push(TransferRecord {
            ticket: transfer.ticket,
            from: transfer.from,
            to: transfer.to,
            what: transfer.what,
            size_bytes: transfer.size,
            carried_bytes: carried,
            start: transfer.start,
            end,
            outcome,
            limiting_link: limiting_link.map(|link| self.network.link_name(link)),
        });
    }

    /// How long download, computation and upload take with nobody else on the way.
    pub(super) fn uncontended(&mut self, client: ActorId, plan: Plan) -> [SimDuration; 3] {
        let mut transfer = |from, to, bytes| match bytes {
            0 => SimDuration::ZERO,
            _ => self.travel(from, to, bytes),
        };
        let download = transfer(SERVER, client, plan.download_bytes);
        let upload = transfer(client, SERVER, plan.upload_bytes);
        let device = &self.sites[site(client)].device;
        [download, device.compute_time(plan.flops), upload]
    }

    pub(super) fn travel(&mut self, from: ActorId, to: ActorId, bytes: u64) -> SimDuration {
        let (from, to) = (self.host_of(from), self.host_of(to));
        self.network
            .uncontended(from, to, bytes)
            .expect("routes are checked before a run")
    }

    fn host_of(&self, actor: ActorId) -> HostId {
        match actor {
            SERVER => self.config.server,
            client => self.sites[site(client)].host,
        }
    }
}

/// Which way something sent to `to` goes, from the client's side.
fn direction(to: ActorId) -> Phase {
    if to == SERVER {
        Phase::Upload
    } else {
        Phase::Download
    }
}
