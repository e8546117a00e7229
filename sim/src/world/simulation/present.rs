//! Who is there, and what each client's time counts to.

use super::{ClientState, Event, Host, Simulation, site};
use crate::kernel::ActorId;
use crate::time::SimTime;
use crate::world::action::{Message, Token};

impl<P: Send + 'static, R: 'static, H: Host<P, R>> Simulation<'_, P, R, H> {
    /// The place of a client among the sites; `None` of an aggregator that is none.
    pub(super) fn client(&self, actor: ActorId) -> Option<usize> {
        let place = actor.index().checked_sub(1)?;
        (place < self.sites.len()).then_some(place)
    }

    /// Whether an actor is online: aggregators always are.
    pub(super) fn is_online(&mut self, actor: ActorId, now: SimTime) -> bool {
        match self.client(actor) {
            None => true,
            Some(client) => self.sites[client].is_online(now),
        }
    }

    /// Answers a roll call, and remembers whether it will ever find anybody.
    pub(super) fn call_roll(
        &mut self,
        asker: ActorId,
        now: SimTime,
        token: Token,
        asked: &[ActorId],
    ) {
        let mut children = asked.to_vec();
        children.retain(|child| match self.client(*child) {
            None => true,
            Some(client) => self.sites[client].checks_in(now),
        });
        // Ends at the first one that will be back: mostly that is the first of all. A client may
        // mean to go on alone.
        let is_deserted = children.is_empty()
            && self.client(asker).is_none()
            && asked.iter().all(|child| {
                let site = &mut self.sites[site(*child)];
                site.next_online(now, self.config.end).is_none()
            });
        if is_deserted {
            self.deserted.insert(asker);
        } else {
            self.deserted.remove(&asker);
        }
        let message = Message::CheckedIn { token, children };
        self.queue.schedule(now, Event::Tell(asker, message));
    }

    /// Tells an actor when it is next online.
    pub(super) fn await_online(&mut self, actor: ActorId, now: SimTime, token: Token) {
        let at = match self.client(actor) {
            None => Some(now),
            Some(client) => self.sites[client].next_online(now, self.config.end),
        };
        if let Some(at) = at {
            self.queue
                .schedule(at, Event::Tell(actor, Message::Online(token)));
        }
    }

    /// Accounts a client's time, and enters a state of its own work.
    pub(super) fn enter(&mut self, client: ActorId, state: ClientState, now: SimTime) {
        let client = site(client);
        self.activities[client].own = state;
        self.count_time(client, now);
    }

    /// A transfer that belongs to no participation of a client begins or ends at its link.
    pub(super) fn crosses_link(
        &mut self,
        actor: ActorId,
        now: SimTime,
        count: impl FnOnce(&mut crate::world::client_time::Activity),
    ) {
        let Some(client) = self.client(actor) else {
            return;
        };
        let activity = &mut self.activities[client];
        let before = activity.state();
        count(activity);
        if activity.state() != before {
            self.count_time(client, now);
        }
    }

    /// Accounts a client's time, and what its battery gave in it, and goes on in its present state.
    pub(super) fn count_time(&mut self, index: usize, now: SimTime) {
        let state = self.activities[index].state();
        let site = &mut self.sites[index];
        let Some(battery) = &mut site.battery else {
            return self.times[index].enter(state, now, &mut site.availability);
        };
        let draw = site.device.power.of(state);
        let offline = battery.set_draw(now, &mut site.availability, draw);
        self.times[index].enter_after(state, now, offline);
        let client = super::actor(index + 1);
        if self.busy[index].is_some() && !self.suspended.contains_key(&client) {
            self.watch(client, now);
        }
    }
}
