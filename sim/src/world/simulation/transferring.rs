//! Transfers: what is sent, what arrives, and what is cut on the way.

use super::{ClientState, Event, Host, ROOT, Simulation, site};
use crate::device::{CutPoint, Phase};
use crate::kernel::ActorId;
use crate::network::{
    DeliveryEnd, DeliveryId, DeliveryOutcome, Effort, HostId, LinkDirection, ResourceId,
};
use crate::time::{SimDuration, SimTime};
use crate::world::action::{Message, Plan, Ticket};
use crate::world::ledger::Outcome;
use crate::world::transfers::{TransferKind, TransferOutcome, TransferRecord};

/// A transfer under way.
pub(super) struct Transfer<P> {
    pub(super) errand: Errand,
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

/// What a transfer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Between an aggregator and who works for it.
    Work(Ticket),
    /// From a client to a peer, for the sender's participation.
    Pass(Ticket),
    /// No participation.
    Control,
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
        let phase = direction(ticket, to);
        let worker = self.ledger.get(ticket).client;
        let is_client = self.client(worker).is_some();
        if !is_client && phase == Phase::Upload {
            // An aggregator works from its download until it sends.
            self.ledger.complete(ticket, Phase::Compute, now);
        }
        if bytes == 0 {
            if phase == Phase::Upload {
                self.ledger.get_mut(ticket).end = Some(now);
            }
            match (phase, is_client) {
                (Phase::Upload, true) => {
                    self.release(from, now);
                    self.enter(from, ClientState::WaitingForVersion, now);
                }
                (Phase::Download, false) => self.ledger.start(ticket, Phase::Compute, now),
                _ => {}
            }
            let message = Message::Arrived { ticket, payload };
            self.queue.schedule(now, Event::Tell(to, message));
            return;
        }
        self.ledger.start(ticket, phase, now);
        let mut cut = None;
        if is_client {
            let state = match phase {
                Phase::Upload => ClientState::Sending,
                Phase::Download | Phase::Compute => ClientState::Receiving,
            };
            self.enter(worker, state, now);
            cut = self.cut_in(worker, phase);
        }
        let transfer = Transfer {
            errand: Errand::Work(ticket),
            from,
            to,
            what,
            size: bytes,
            left: cut.map_or(bytes, |cut| (cut.fraction * bytes as f64) as u64),
            start: now,
            payload,
            ends_in_drop: cut.is_some(),
        };
        self.carry(now, transfer);
    }

    /// Where the participation of a client is to be cut, if that is in this phase.
    pub(super) fn cut_in(&self, client: ActorId, phase: Phase) -> Option<CutPoint> {
        let busy = self.busy[site(client)].as_ref();
        busy.and_then(|busy| busy.cut)
            .filter(|cut| cut.phase == phase)
    }

    /// Puts a transfer on the network, the first time or after it was suspended.
    pub(super) fn carry(&mut self, now: SimTime, transfer: Transfer<P>) {
        let (origin, destination) = (self.host_of(transfer.from), self.host_of(transfer.to));
        let delivery = self
            .network
            .transfer(now, origin, destination, transfer.left)
            .expect("routes are checked before a run");
        if let Some(busy) = self.busy_with(&transfer) {
            busy.deliveries.push(delivery);
        }
        match transfer.errand {
            Errand::Work(_) => {}
            Errand::Pass(_) => self.crosses_link(transfer.to, now, |link| link.incoming += 1),
            Errand::Control => {
                self.crosses_link(transfer.from, now, |link| link.outgoing += 1);
                self.crosses_link(transfer.to, now, |link| link.incoming += 1);
            }
        }
        self.crossing += usize::from(self.is_at_root(&transfer));
        self.peak_transfers = self.peak_transfers.max(self.crossing);
        self.deliveries.insert(
            delivery,
            Transfer {
                start: now,
                ..transfer
            },
        );
    }

    /// The participation of a client that a transfer belongs to.
    fn busy_with(&mut self, transfer: &Transfer<P>) -> Option<&mut super::Busy> {
        let (Errand::Work(ticket) | Errand::Pass(ticket)) = transfer.errand else {
            return None;
        };
        let client = self.client(self.ledger.get(ticket).client)?;
        self.busy[client].as_deref_mut()
    }

    /// Whether a transfer loads the root's link; without a root each counts.
    fn is_at_root(&self, transfer: &Transfer<P>) -> bool {
        !self.has_root || transfer.from == ROOT || transfer.to == ROOT
    }

    /// Takes a transfer that has ended, or is cut, out of what is under way.
    fn take(&mut self, now: SimTime, delivery: DeliveryId) -> Option<Transfer<P>> {
        let transfer = self.deliveries.remove(&delivery)?;
        if let Some(busy) = self.busy_with(&transfer) {
            busy.deliveries.retain(|other| *other != delivery);
        }
        match transfer.errand {
            Errand::Work(_) => {}
            Errand::Pass(_) => self.crosses_link(transfer.to, now, |link| link.incoming -= 1),
            Errand::Control => {
                self.crosses_link(transfer.from, now, |link| link.outgoing -= 1);
                self.crosses_link(transfer.to, now, |link| link.incoming -= 1);
            }
        }
        self.crossing -= usize::from(self.is_at_root(&transfer));
        Some(transfer)
    }

    /// A delivery has ended by itself.
    pub(super) fn transferred(&mut self, now: SimTime, end: &DeliveryEnd) {
        let Some(transfer) = self.take(now, end.delivery) else {
            return;
        };
        match transfer.errand {
            Errand::Work(ticket) => self.arrived(now, ticket, end, transfer),
            Errand::Pass(ticket) => self.passed(now, ticket, end, transfer),
            Errand::Control => self.controlled(now, end, transfer),
        }
    }

    /// A transfer between an aggregator and who works for it has ended by itself.
    fn arrived(&mut self, now: SimTime, ticket: Ticket, end: &DeliveryEnd, transfer: Transfer<P>) {
        let phase = direction(ticket, transfer.to);
        let worker = self.ledger.get(ticket).client;
        let (written, lost) = match (end.outcome, transfer.ends_in_drop) {
            (DeliveryOutcome::Lost, _) => (TransferOutcome::Lost, Some(Outcome::LostLink)),
            (DeliveryOutcome::Delivered, true) => {
                (TransferOutcome::Cut, Some(Outcome::dropped(phase)))
            }
            (DeliveryOutcome::Delivered, false) => (TransferOutcome::Delivered, None),
        };
        self.write_transfer(&transfer, now, end.effort, written, end.limiting_link);
        if let Some(outcome) = lost {
            self.end_early(worker, now, ticket, phase, outcome);
            return;
        }
        self.ledger.complete(ticket, phase, now);
        match (phase, self.client(worker).is_some()) {
            (Phase::Upload, true) => {
                self.release(worker, now);
                self.enter(worker, ClientState::WaitingForVersion, now);
            }
            (Phase::Download, false) => self.ledger.start(ticket, Phase::Compute, now),
            _ => {}
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
        let mut transfer = self.take(now, delivery).expect("a delivery has a transfer");
        let cancelled = self.network.cancel(now, delivery);
        let effort = cancelled.map_or(Effort::default(), |cancelled| cancelled.effort);
        let link = cancelled.and_then(|cancelled| cancelled.limiting_link);
        self.write_transfer(&transfer, now, effort, outcome, link);
        let received = effort.received_bytes();
        transfer.left = transfer.left.saturating_sub(received);
        transfer.size = transfer.size.saturating_sub(received);
        transfer
    }

    pub(super) fn write_transfer(
        &mut self,
        transfer: &Transfer<P>,
        end: SimTime,
        effort: Effort,
        outcome: TransferOutcome,
        limiting_link: Option<ResourceId>,
    ) {
        let (ticket, kind) = match transfer.errand {
            Errand::Control => (None, TransferKind::Control),
            Errand::Pass(ticket) => {
                // Its energy is that of the one who sends, however many receive.
                self.ledger
                    .carried(ticket, Phase::Upload, effort.sent_bytes, 0.0);
                (Some(ticket), TransferKind::Peer)
            }
            Errand::Work(ticket) => {
                let phase = direction(ticket, transfer.to);
                let client = self.client(self.ledger.get(ticket).client);
                let watts = client.map_or(0.0, |client| {
                    let power = self.sites[client].device.power;
                    match phase {
                        Phase::Upload => power.transmit,
                        Phase::Download | Phase::Compute => power.receive,
                    }
                });
                let joules = watts * end.saturating_since(transfer.start).as_secs_f64();
                self.ledger
                    .carried(ticket, phase, effort.sent_bytes, joules);
                let kind = client.map_or(TransferKind::Tier, |_| TransferKind::Client);
                (Some(ticket), kind)
            }
        };
        self.transfers.push(TransferRecord {
            ticket,
            kind,
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
        ticket: Ticket,
        client: ActorId,
        now: SimTime,
        plan: Plan,
    ) -> [SimDuration; 3] {
        let device = &self.sites[site(client)].device;
        let compute = device.compute_time(now, plan.flops);
        let aggregator = ticket.aggregator;
        if aggregator == client {
            // To whom is not known yet.
            let upload = self.own_link(client, plan.upload_bytes);
            return [SimDuration::ZERO, compute, upload];
        }
        let mut transfer = |from, to, bytes| match bytes {
            0 => SimDuration::ZERO,
            _ => self.travel(from, to, bytes),
        };
        let download = transfer(aggregator, client, plan.download_bytes);
        let upload = transfer(client, aggregator, plan.upload_bytes);
        [download, compute, upload]
    }

    /// How long it takes to send so much over a client's own link alone.
    fn own_link(&self, client: ActorId, bytes: u64) -> SimDuration {
        let host = self.host_of(client).0;
        let connections = self.network.connections();
        if bytes == 0 || host as usize >= connections.attached_count() {
            return SimDuration::ZERO;
        }
        // Attached host k has the resource 2k for its way up.
        let LinkDirection {
            bandwidth, latency, ..
        } = connections.link_direction(ResourceId(2 * host));
        let seconds = bytes as f64 / bandwidth.as_bytes_per_second();
        latency + SimDuration::from_secs_f64(seconds).unwrap_or(SimDuration::MAX)
    }

    pub(super) fn travel(&mut self, from: ActorId, to: ActorId, bytes: u64) -> SimDuration {
        let (from, to) = (self.host_of(from), self.host_of(to));
        self.network
            .uncontended(from, to, bytes)
            .expect("routes are checked before a run")
    }

    fn host_of(&self, actor: ActorId) -> HostId {
        match self.client(actor) {
            Some(client) => self.sites[client].host,
            None => self.aggregators[self.aggregator_place(actor)].station.host,
        }
    }
}

/// Which way something sent to `to` goes, from the side of who works.
pub(super) fn direction(ticket: Ticket, to: ActorId) -> Phase {
    if to == ticket.aggregator {
        Phase::Upload
    } else {
        Phase::Download
    }
}
