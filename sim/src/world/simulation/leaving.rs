//! Clients that go away in the middle of their work, and clients whose work is over.

use super::{ClientState, Event, Host, Simulation, site};
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
    pub(super) offline: Option<EventId>,
    pub(super) delivery: Option<DeliveryId>,
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    /// The device of a client goes away: whatever it was doing is cut.
    pub(super) fn drop_client(&mut self, client: ActorId, now: SimTime) {
        let Some(busy) = &self.busy[site(client)] else {
            return;
        };
        let (ticket, delivery) = (busy.ticket, busy.delivery);
        let phase = if let Some(delivery) = delivery {
            self.cut_transfer(delivery, now, TransferOutcome::Cut)
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

    /// Ends a participation as dropped; the aggregator learns of it later.
    pub(super) fn lose(&mut self, client: ActorId, now: SimTime, ticket: Ticket, phase: Phase) {
        self.end_early(client, now, ticket, phase, Outcome::dropped(phase));
    }

    /// Ends a participation before its contribution has arrived; the aggregator learns of it later.
    pub(super) fn end_early(
        &mut self,
        client: ActorId,
        now: SimTime,
        ticket: Ticket,
        phase: Phase,
        outcome: Outcome,
    ) {
        self.ledger.get_mut(ticket).cut_phase = Some(phase);
        self.ledger.settle(ticket, outcome, now);
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
}
