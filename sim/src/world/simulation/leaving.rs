//! Clients that go away in the middle of their work and may come back to it, and clients whose
//! work is over.

use super::computing::Computing;
use super::passing::UnderWay;
use super::transferring::{Errand, Transfer, direction};
use super::{ClientState, Event, Host, OnReturn, Simulation, site};
use crate::device::{CutPoint, Phase};
use crate::kernel::{ActorId, EventId};
use crate::network::DeliveryId;
use crate::time::SimTime;
use crate::world::action::{Message, Ticket};
use crate::world::ledger::Outcome;
use crate::world::transfers::TransferOutcome;

/// The participation that a client is working on.
#[derive(Debug)]
pub(super) struct Busy {
    pub(super) ticket: Ticket,
    pub(super) cut: Option<CutPoint>,
    /// The event at which it goes away, or comes back.
    pub(super) offline: Option<EventId>,
    /// Its transfers under way: one, or to peers several.
    pub(super) deliveries: Vec<DeliveryId>,
    /// What it passes to peers.
    pub(super) passing: Option<UnderWay>,
}

impl Busy {
    pub(super) fn new(ticket: Ticket, cut: Option<CutPoint>) -> Self {
        Self {
            ticket,
            cut,
            offline: None,
            deliveries: Vec::new(),
            passing: None,
        }
    }
}

/// What a client that is away will go on with.
pub(super) enum Suspended<P> {
    Transfers(Vec<Transfer<P>>),
    Computing(Computing),
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    /// Looks at a working client again when it may go away.
    pub(super) fn watch(&mut self, client: ActorId, now: SimTime) {
        let Some(busy) = &mut self.busy[site(client)] else {
            return;
        };
        if let Some(event) = busy.offline.take() {
            self.queue.cancel(event);
        }
        let next = self.sites[site(client)].next_turn(now, self.config.end);
        busy.offline = next.map(|at| self.queue.schedule(at, Event::Offline(client)));
    }

    /// The instant at which a working client may go away, or at which its battery turns.
    pub(super) fn turn(&mut self, client: ActorId, now: SimTime) {
        let index = site(client);
        if let Some(busy) = &mut self.busy[index] {
            busy.offline = None;
        }
        if self.sites[index].is_online(now) {
            return self.watch(client, now);
        }
        let back = match self.sites[index].on_return {
            OnReturn::Abandon => None,
            OnReturn::Resume => self.sites[index].next_online(now, self.config.end),
        };
        match back {
            Some(back) => self.suspend(client, now, back),
            None => self.drop_client(client, now),
        }
    }

    /// The device of a client goes away: whatever it was doing is cut.
    fn drop_client(&mut self, client: ActorId, now: SimTime) {
        let Some(busy) = &self.busy[site(client)] else {
            return;
        };
        let ticket = busy.ticket;
        let transfers = self.cut_transfers(client, now, TransferOutcome::Cut);
        let phase = if let Some(transfer) = transfers.first() {
            match transfer.errand {
                Errand::Pass(_) => Phase::Upload,
                _ => direction(ticket, transfer.to),
            }
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

    /// Cuts all transfers of a client's participation.
    fn cut_transfers(
        &mut self,
        client: ActorId,
        now: SimTime,
        outcome: TransferOutcome,
    ) -> Vec<Transfer<P>> {
        self.account_sending(site(client), now);
        let deliveries = self.busy[site(client)].as_ref();
        let deliveries = deliveries.map_or_else(Vec::new, |busy| busy.deliveries.clone());
        let cut = |delivery| self.cut_transfer(delivery, now, outcome);
        deliveries.into_iter().map(cut).collect()
    }

    /// The device of a client goes away until `back`: whatever it was doing waits for that.
    fn suspend(&mut self, client: ActorId, now: SimTime, back: SimTime) {
        if self.busy[site(client)].is_none() {
            return;
        }
        let transfers = self.cut_transfers(client, now, TransferOutcome::Suspended);
        let suspended = if !transfers.is_empty() {
            Suspended::Transfers(transfers)
        } else if let Some(mut computing) = self.computing.remove(&client) {
            self.queue.cancel(computing.event);
            computing.done += self.account_computing(client, &computing, now, None);
            Suspended::Computing(computing)
        } else {
            // Between two phases of the same instant: what comes next is on its way already.
            let event = self.queue.schedule(now, Event::Offline(client));
            if let Some(busy) = &mut self.busy[site(client)] {
                busy.offline = Some(event);
            }
            return;
        };
        self.suspended.insert(client, suspended);
        let event = self.queue.schedule(back, Event::Back(client));
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.offline = Some(event);
        }
    }

    /// A client that went away is back and goes on with what it was doing.
    pub(super) fn come_back(&mut self, client: ActorId, now: SimTime) {
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.offline = None;
            if let Some(passing) = &mut busy.passing {
                passing.since = now;
            }
        }
        match self.suspended.remove(&client) {
            Some(Suspended::Transfers(transfers)) => {
                for transfer in transfers {
                    self.carry(now, transfer);
                }
            }
            Some(Suspended::Computing(computing)) => self.resume_computing(client, now, computing),
            None => {}
        }
        self.watch(client, now);
    }

    /// Ends a participation as dropped; the aggregator learns of it later.
    pub(super) fn lose(&mut self, client: ActorId, now: SimTime, ticket: Ticket, phase: Phase) {
        self.end_early(client, now, ticket, phase, Outcome::dropped(phase));
    }

    /// Ends a participation before its contribution has arrived; the aggregator learns of it later.
    pub(super) fn end_early(
        &mut self,
        worker: ActorId,
        now: SimTime,
        ticket: Ticket,
        phase: Phase,
        outcome: Outcome,
    ) {
        self.ledger.get_mut(ticket).cut_phase = Some(phase);
        self.ledger.settle(ticket, outcome, now);
        if self.client(worker).is_some() {
            self.release(worker, now);
        }
        if self.stage.has_started(worker) {
            self.tell(worker, now, Message::Cut(ticket));
        }
        if ticket.aggregator == worker {
            return;
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
}
