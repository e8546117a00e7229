//! Where a client's time goes: every nanosecond of the run is in exactly one state.

use crate::device::Availability;
use crate::time::{SimDuration, SimTime};

/// What a client is doing; offline takes precedence over all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientState {
    /// Nobody asked it to work.
    Unselected,
    /// Receiving what the aggregator sent, latency included.
    Receiving,
    /// Sending its contribution, latency included.
    Sending,
    /// Computing.
    Computing,
    /// Its contribution has arrived; the version is still open.
    WaitingForVersion,
    /// It needs what a peer has yet to pass on.
    WaitingForPeer,
}

/// Time spent in each state, up to the last change.
#[derive(Debug, Clone)]
pub struct ClientTimes {
    state: ClientState,
    since: SimTime,
    spent: [SimDuration; 6],
    offline: SimDuration,
}

impl Default for ClientTimes {
    fn default() -> Self {
        Self {
            state: ClientState::Unselected,
            since: SimTime::ZERO,
            spent: [SimDuration::ZERO; 6],
            offline: SimDuration::ZERO,
        }
    }
}

impl ClientTimes {
    /// Accounts the time since the last change and enters `state`.
    pub fn enter(&mut self, state: ClientState, now: SimTime, availability: &mut Availability) {
        let offline = availability.offline_between(self.since, now);
        self.enter_after(state, now, offline);
    }

    /// The same where the time offline since the last change is known.
    pub fn enter_after(&mut self, state: ClientState, now: SimTime, offline: SimDuration) {
        self.offline += offline;
        let online = now.saturating_since(self.since).saturating_sub(offline);
        let spent = &mut self.spent[self.state as usize];
        *spent += online;
        (self.state, self.since) = (state, now);
    }

    /// The state entered last.
    pub fn state(&self) -> ClientState {
        self.state
    }

    /// Time in a state while online.
    pub fn in_state(&self, state: ClientState) -> SimDuration {
        self.spent[state as usize]
    }

    /// Time offline.
    pub fn offline(&self) -> SimDuration {
        self.offline
    }
}

/// What a client does for itself, and what crosses its link besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activity {
    /// What it does for a participation of its own, or waits for.
    pub(super) own: ClientState,
    /// Transfers to it that belong to no participation of its own.
    pub(super) incoming: u32,
    /// Transfers from it that belong to no participation of its own.
    pub(super) outgoing: u32,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            own: ClientState::Unselected,
            incoming: 0,
            outgoing: 0,
        }
    }
}

impl Activity {
    /// The state that its time counts to: computing takes precedence over transferring, sending
    /// over receiving, and both over waiting.
    pub(super) fn state(self) -> ClientState {
        match self.own {
            ClientState::Computing | ClientState::Sending => self.own,
            _ if self.outgoing > 0 => ClientState::Sending,
            _ if self.incoming > 0 => ClientState::Receiving,
            own => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    #[test]
    fn the_states_and_the_time_offline_add_up_to_the_whole() {
        let minutes = |m: u64| SimDuration::from_nanos(m * 60_000_000_000);
        let mut availability =
            Availability::exponential(minutes(9), minutes(4), Streams::new(4).stream("c", "d"));
        let mut times = ClientTimes::default();
        let mut now = SimTime::ZERO;
        let states = [
            ClientState::Receiving,
            ClientState::Computing,
            ClientState::Sending,
            ClientState::WaitingForVersion,
            ClientState::WaitingForPeer,
            ClientState::Unselected,
        ];
        for (i, state) in states.into_iter().cycle().take(100).enumerate() {
            now += SimDuration::from_nanos(7_777_777_777 * (i as u64 % 5));
            times.enter(state, now, &mut availability);
        }
        let sum = states
            .into_iter()
            .fold(times.offline(), |sum, state| sum + times.in_state(state));
        assert_eq!(sum, now.saturating_since(SimTime::ZERO));
        assert!(times.offline() > SimDuration::ZERO);
    }
}
