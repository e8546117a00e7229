//! What clients pass to their peers: several transfers at once that end a participation.

use super::transferring::{Errand, Transfer};
use super::{ClientState, Event, Host, Simulation, actor, site};
use crate::device::Phase;
use crate::kernel::ActorId;
use crate::network::{DeliveryEnd, DeliveryOutcome, Effort};
use crate::time::SimTime;
use crate::world::action::{Message, Passing, Ticket};
use crate::world::transfers::TransferOutcome;

/// What a client is passing on.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// Transfers that have not ended.
    left: usize,
    missed: Vec<ActorId>,
    /// Begin of the sending that is not accounted yet.
    pub(super) since: SimTime,
}

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    pub(super) fn pass(
        &mut self,
        client: ActorId,
        now: SimTime,
        ticket: Ticket,
        what: &'static str,
        parcels: Vec<Passing<P>>,
    ) {
        assert_eq!(ticket.aggregator, client, "a client passes its own on");
        let mut missed = Vec::new();
        let (travelling, at_once): (Vec<_>, Vec<_>) =
            parcels.into_iter().partition(|parcel| parcel.bytes > 0);
        for Passing { to, payload, .. } in at_once {
            if self.is_online(to, now) {
                let from = client;
                let message = Message::Passed { from, payload };
                self.queue.schedule(now, Event::Tell(to, message));
            } else {
                missed.push(to);
            }
        }
        if travelling.is_empty() {
            self.ledger.get_mut(ticket).end = Some(now);
            self.release(client, now);
            let message = Message::Sent { ticket, missed };
            self.queue.schedule(now, Event::Tell(client, message));
            return;
        }
        self.ledger.start(ticket, Phase::Upload, now);
        self.enter(client, ClientState::Sending, now);
        let cut = self.cut_in(client, Phase::Upload);
        if let Some(busy) = &mut self.busy[site(client)] {
            busy.passing = Some(UnderWay {
                left: travelling.len(),
                missed,
                since: now,
            });
        }
        for Passing { to, bytes, payload } in travelling {
            let transfer = Transfer {
                errand: Errand::Pass(ticket),
                from: client,
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
    }

    /// A transfer to a peer has ended by itself and is off the network.
    pub(super) fn passed(
        &mut self,
        now: SimTime,
        ticket: Ticket,
        end: &DeliveryEnd,
        transfer: Transfer<P>,
    ) {
        let (from, to, dropped) = (transfer.from, transfer.to, transfer.ends_in_drop);
        let outcome = match end.outcome {
            DeliveryOutcome::Lost => TransferOutcome::Lost,
            DeliveryOutcome::Delivered if dropped => TransferOutcome::Cut,
            DeliveryOutcome::Delivered if self.is_online(to, now) => TransferOutcome::Delivered,
            DeliveryOutcome::Delivered => TransferOutcome::Missed,
        };
        let effort = effort_of(end, outcome);
        self.write_transfer(&transfer, now, effort, outcome, end.limiting_link);
        let passing = self.busy[site(from)]
            .as_mut()
            .and_then(|busy| busy.passing.as_mut());
        let passing = passing.expect("what has ended was under way");
        passing.left -= 1;
        if outcome != TransferOutcome::Delivered {
            passing.missed.push(to);
        }
        let missed = (passing.left == 0).then(|| std::mem::take(&mut passing.missed));
        if missed.is_some() {
            self.account_sending(site(from), now);
            if dropped {
                return self.lose(from, now, ticket, Phase::Upload);
            }
            self.ledger.complete(ticket, Phase::Upload, now);
            self.release(from, now);
        }
        if outcome == TransferOutcome::Delivered {
            let payload = transfer.payload;
            self.tell(to, now, Message::Passed { from, payload });
        }
        if let Some(missed) = missed {
            self.tell(from, now, Message::Sent { ticket, missed });
        }
    }

    /// Accounts the energy of passing on since it was last accounted: that of one sender, however
    /// many receive.
    pub(super) fn account_sending(&mut self, client: usize, now: SimTime) {
        if self.suspended.contains_key(&actor(client + 1)) {
            return;
        }
        let Some(busy) = &mut self.busy[client] else {
            return;
        };
        let Some(passing) = &mut busy.passing else {
            return;
        };
        let time = now.saturating_since(passing.since);
        passing.since = now;
        let joules = self.sites[client].device.power.transmit * time.as_secs_f64();
        self.ledger.carried(busy.ticket, Phase::Upload, 0, joules);
    }
}

/// What was sent for a delivery: for nothing where nobody was there to take it.
pub(super) fn effort_of(end: &DeliveryEnd, outcome: TransferOutcome) -> Effort {
    match outcome {
        TransferOutcome::Missed => Effort {
            lost_bytes: end.effort.sent_bytes,
            ..end.effort
        },
        _ => end.effort,
    }
}
