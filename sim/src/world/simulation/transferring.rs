//! Transfers of participations: what is sent, what arrives, and what is cut on the way.

use super::{ClientState, Event, Host, SERVER, Simulation, site};
use crate::device::Phase;
use crate::kernel::ActorId;
use crate::network::{DeliveryEnd, DeliveryId, DeliveryOutcome, Effort, HostId, ResourceId};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Message, Plan, Ticket};
use crate::world::ledger::Outcome;
use crate::world::transfers::{TransferOutcome, TransferRecord};

/// A transfer under way.
pub(super) struct Transfer<P> {
    pub(super) ticket: Ticket,
    pub(super) from: ActorId,
    pub(super) to: ActorId,
    pub(super) what: &'static str,
    pub(super) size: u64,
    /// Bytes that it still has to carry, from `start` on.
    pub(super) left: u64,
    pub(super) start: SimTime,
    pub(super) payload: P,
    /// Only the bytes up to the drop are sent.
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
        let state = match phase {
            Phase::Upload => ClientState::Sending,
            Phase::Download | Phase::Compute => ClientState::Receiving,
        };
        self.enter(client, state, now);
        let cut = self.busy[site(client)]
            .as_ref()
            .and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == phase);
        let carried = cut.map_or(bytes, |cut| (cut.fraction * bytes as f64) as u64);
        let transfer = Transfer {
            ticket,
            from,
            to,
            what,
            size: bytes,
            left: carried,
            start: now,
            payload,
            ends_in_drop: cut.is_some(),
        };
        self.carry(client, now, transfer);
    }

    /// Puts a transfer on the network, the first time or after it was suspended.
    pub(super) fn carry(&mut self, client: ActorId, now: SimTime, transfer: Transfer<P>) {
        let (origin, destination) = (self.host_of(transfer.from), self.host_of(transfer.to));
        let delivery = self
            .network
            .transfer(now, origin, destination, transfer.left)
            .expect("routes are checked before a run");
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.delivery = Some(delivery);
        }
        self.deliveries.insert(
            delivery,
            Transfer {
                start: now,
                ..transfer
            },
        );
        self.peak_transfers = self.peak_transfers.max(self.deliveries.len());
    }

    /// A delivery has ended by itself.
    pub(super) fn transferred(&mut self, now: SimTime, end: DeliveryEnd) {
        let Some(transfer) = self.deliveries.remove(&end.delivery) else {
            return;
        };
        let phase = direction(transfer.to);
        let ticket = transfer.ticket;
        let client = self.ledger.get(ticket).client;
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.delivery = None;
        }
        let (effort, link) = (end.effort, end.limiting_link);
        let (written, lost) = match (end.outcome, transfer.ends_in_drop) {
            (DeliveryOutcome::Lost, _) => (TransferOutcome::Lost, Some(Outcome::LostLink)),
            (DeliveryOutcome::Delivered, true) => {
                (TransferOutcome::Cut, Some(Outcome::dropped(phase)))
            }
            (DeliveryOutcome::Delivered, false) => (TransferOutcome::Delivered, None),
        };
        self.write_transfer(&transfer, now, effort, written, link);
        if let Some(outcome) = lost {
            self.end_early(client, now, ticket, phase, outcome);
            return;
        }
        self.ledger.complete(ticket, phase, now);
        if phase == Phase::Upload {
            self.release(client, now);
            self.enter(client, ClientState::WaitingForVersion, now);
        }
        let payload = transfer.payload;
        self.tell(transfer.to, now, Message::Arrived { ticket, payload });
    }

    /// Takes a transfer off the network; what is left of it can be carried later.
    pub(super) fn cut_transfer(
        &mut self,
        delivery: DeliveryId,
        now: SimTime,
        outcome: TransferOutcome,
    ) -> Transfer<P> {
        let mut transfer = self
            .deliveries
            .remove(&delivery)
            .expect("a delivery has a transfer");
        let cancelled = self.network.cancel(now, delivery);
        let effort = cancelled.map_or(Effort::default(), |cancelled| cancelled.effort);
        let link = cancelled.and_then(|cancelled| cancelled.limiting_link);
        self.write_transfer(&transfer, now, effort, outcome, link);
        let received = effort.received_bytes();
        transfer.left = transfer.left.saturating_sub(received);
        transfer.size = transfer.size.saturating_sub(received);
        transfer
    }

    fn write_transfer(
        &mut self,
        transfer: &Transfer<P>,
        end: SimTime,
        effort: Effort,
        outcome: TransferOutcome,
        limiting_link: Option<ResourceId>,
    ) {
        let client = self.ledger.get(transfer.ticket).client;
        let power = self.sites[site(client)].device.power;
        let phase = direction(transfer.to);
        let watts = match phase {
            Phase::Upload => power.transmit,
            Phase::Download | Phase::Compute => power.receive,
        };
        let joules = watts * end.saturating_since(transfer.start).as_secs_f64();
        self.ledger
            .carried(transfer.ticket, phase, effort.sent_bytes, joules);
        self.transfers.push(TransferRecord {
            ticket: transfer.ticket,
            from: transfer.from,
            to: transfer.to,
            what: transfer.what,
            size_bytes: transfer.size,
            effort,
            start: transfer.start,
            end,
            outcome,
            limiting_link: limiting_link.map(|link| self.network.link_name(link)),
        });
    }

    /// How long download, computation and upload take with nobody else on the way.
    pub(super) fn uncontended(
        &mut self,
        client: ActorId,
        now: SimTime,
        plan: Plan,
    ) -> [SimDuration; 3] {
        let mut transfer = |from, to, bytes| match bytes {
            0 => SimDuration::ZERO,
            _ => self.travel(from, to, bytes),
        };
        let download = transfer(SERVER, client, plan.download_bytes);
        let upload = transfer(client, SERVER, plan.upload_bytes);
        let device = &self.sites[site(client)].device;
        [download, device.compute_time(now, plan.flops), upload]
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
pub(super) fn direction(to: ActorId) -> Phase {
    if to == SERVER {
        Phase::Upload
    } else {
        Phase::Download
    }
}
