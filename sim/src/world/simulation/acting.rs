//! What actors want, taken up one by one.

use super::leaving::Busy;
use super::{ClientState, Event, Host, Simulation};
use crate::kernel::ActorId;
use crate::time::SimTime;
use crate::world::action::{Action, Message, Plan, Ticket};
use crate::world::ledger::{Merge, Outcome};

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    pub(super) fn carry_out(&mut self, actor: ActorId, now: SimTime, action: Action<P, R>) {
        match action {
            Action::Open {
                ticket,
                client,
                start_version,
                plan,
            } => self.open(now, ticket, client, start_version, plan),
            Action::Send {
                to,
                ticket,
                what,
                bytes,
                payload,
            } => self.send(actor, now, to, ticket, what, bytes, payload),
            Action::Compute {
                token,
                ticket,
                work,
                job,
            } => self.compute(actor, now, token, ticket, work, job),
            Action::Learn { token, work, job } => self.learn(actor, now, token, work, job),
            Action::Pass {
                ticket,
                what,
                parcels,
            } => self.pass(actor, now, ticket, what, parcels),
            Action::Control {
                to,
                what,
                bytes,
                payload,
            } => self.control(actor, now, to, what, bytes, payload),
            Action::Await(token) => self.await_online(actor, now, token),
            Action::WaitForPeers => self.enter(actor, ClientState::WaitingForPeer, now),
            Action::Wake { token, at } => {
                let event = self.queue.schedule(at.max(now), Event::Woken(actor, token));
                self.wakes.insert((actor, token), event);
            }
            Action::Cancel(token) => {
                if let Some(event) = self.wakes.remove(&(actor, token)) {
                    self.queue.cancel(event);
                }
            }
            Action::RollCall { token, children } => self.call_roll(actor, now, token, &children),
            Action::Settle {
                ticket,
                outcome,
                merge,
            } => self.settle(now, ticket, outcome, merge),
            Action::Refuse { ticket, outcome } => self.refuse(actor, now, ticket, outcome),
            Action::Report {
                ticket,
                samples,
                steps,
            } => {
                let participation = self.ledger.get_mut(ticket);
                (participation.samples, participation.steps) = (samples, steps);
            }
            Action::Record(record) => self.host.record(actor, now, record),
        }
    }

    fn open(
        &mut self,
        now: SimTime,
        ticket: Ticket,
        worker: ActorId,
        start_version: u64,
        plan: Plan,
    ) {
        self.ledger.open(ticket, worker, start_version, now);
        // An aggregator is always there, and may work for several versions at once.
        let Some(client) = self.client(worker) else {
            return;
        };
        let durations = self.uncontended(ticket, worker, now, plan);
        let site = &mut self.sites[client];
        let cut = site
            .drops
            .as_mut()
            .and_then(|(rate, stream)| rate.draw(durations, stream));
        if ticket.aggregator == worker {
            self.stop_waiting(worker, now, ClientState::WaitingForPeer);
        }
        self.busy[client] = Some(Box::new(Busy::new(ticket, cut)));
        self.watch(worker, now);
    }

    fn settle(&mut self, now: SimTime, ticket: Ticket, outcome: Outcome, merge: Option<Merge>) {
        self.ledger.settle(ticket, outcome, now);
        self.ledger.get_mut(ticket).merge = merge;
        let worker = self.ledger.get(ticket).client;
        if self.client(worker).is_none() {
            return;
        }
        self.stop_waiting(worker, now, ClientState::WaitingForVersion);
        if ticket.aggregator == worker {
            self.stop_waiting(worker, now, ClientState::WaitingForPeer);
        }
    }

    /// Whoever waits so waits no longer.
    fn stop_waiting(&mut self, client: ActorId, now: SimTime, waiting: ClientState) {
        let is_waiting = self
            .client(client)
            .is_some_and(|client| self.activities[client].own == waiting);
        if is_waiting {
            self.enter(client, ClientState::Unselected, now);
        }
    }

    fn refuse(&mut self, worker: ActorId, now: SimTime, ticket: Ticket, outcome: Outcome) {
        self.ledger.settle(ticket, outcome, now);
        if self.client(worker).is_some() {
            self.release(worker, now);
        }
        if ticket.aggregator == worker {
            return;
        }
        let delay = self.travel(worker, ticket.aggregator, 0);
        let message = Message::Refused(ticket, outcome);
        self.queue
            .schedule(now + delay, Event::Tell(ticket.aggregator, message));
    }
}
