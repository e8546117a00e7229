//! What is sent outside participations.

use super::passing::effort_of;
use super::transferring::{Errand, Transfer};
use super::{Event, Host, Simulation};
use crate::kernel::ActorId;
use crate::network::{DeliveryEnd, DeliveryOutcome};
use crate::time::SimTime;
use crate::world::action::Message;
use crate::world::transfers::TransferOutcome;

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    pub(super) fn control(
        &mut self,
        from: ActorId,
        now: SimTime,
        to: ActorId,
        what: &'static str,
        bytes: u64,
        payload: P,
    ) {
        if bytes == 0 {
            if self.is_online(from, now) && self.is_online(to, now) {
                let message = Message::Controlled { from, payload };
                self.queue.schedule(now, Event::Tell(to, message));
            }
            return;
        }
        let transfer = Transfer {
            errand: Errand::Control,
            from,
            to,
            what,
            size: bytes,
            left: bytes,
            start: now,
            payload,
            ends_in_drop: false,
        };
        self.carry(now, transfer);
    }

    /// A transfer outside participations has ended by itself and is off the network.
    pub(super) fn controlled(&mut self, now: SimTime, end: &DeliveryEnd, transfer: Transfer<P>) {
        let (from, to) = (transfer.from, transfer.to);
        let outcome = match end.outcome {
            DeliveryOutcome::Lost => TransferOutcome::Lost,
            DeliveryOutcome::Delivered if self.is_online(from, now) && self.is_online(to, now) => {
                TransferOutcome::Delivered
            }
            DeliveryOutcome::Delivered => TransferOutcome::Missed,
        };
        let effort = effort_of(end, outcome);
        self.write_transfer(&transfer, now, effort, outcome, end.limiting_link);
        if outcome == TransferOutcome::Delivered {
            let payload = transfer.payload;
            self.tell(to, now, Message::Controlled { from, payload });
        }
    }
}
