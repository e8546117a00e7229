//! A client as the world sees it: where it stands, what it computes on, and when it is there.

use super::client_time::ClientState;
use crate::device::{Availability, Battery, Device, DropRate, Power, SpeedNoise};
use crate::kernel::Stream;
use crate::network::HostId;
use crate::time::SimTime;

/// A client as the world sees it.
#[derive(Debug)]
pub struct Site {
    /// Where it is attached to the network.
    pub host: HostId,
    /// What it computes on.
    pub device: Device,
    /// When it is online, as far as its battery lets it.
    pub availability: Availability,
    /// What it runs on; `None` is the mains.
    pub battery: Option<Box<Battery>>,
    /// What becomes of its work when it goes away.
    pub on_return: OnReturn,
    /// How often a participation is cut, with the stream that decides it.
    pub drops: Option<(DropRate, Stream)>,
    /// What each computation's speed is of the device's; `None` is 1.
    pub noise: Option<SpeedNoise>,
}

/// What becomes of a client's work when it goes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnReturn {
    /// It is cut.
    #[default]
    Abandon,
    /// It is suspended, and goes on when the client is back.
    Resume,
}

impl Site {
    /// Whether it is online.
    pub(super) fn is_online(&mut self, now: SimTime) -> bool {
        match &mut self.battery {
            None => self.availability.is_online(now),
            Some(battery) => battery.is_online(now, &mut self.availability),
        }
    }

    /// Whether it is there to be given work.
    pub(super) fn checks_in(&mut self, now: SimTime) -> bool {
        match &mut self.battery {
            None => self.availability.is_online(now),
            Some(battery) => battery.checks_in(now, &mut self.availability),
        }
    }

    /// When one that is online may go away; with a battery, when to look again.
    pub(super) fn next_turn(&mut self, now: SimTime, horizon: SimTime) -> Option<SimTime> {
        match &mut self.battery {
            None => self.availability.next_offline(now, horizon),
            Some(battery) => battery.next_turn(now, &mut self.availability),
        }
    }

    /// When it was away, begin and end, up to the end of a run.
    pub(super) fn absences(&mut self, end: SimTime) -> Vec<(SimTime, SimTime)> {
        if let Some(battery) = &self.battery {
            return battery.absences().to_vec();
        }
        let availability = &mut self.availability;
        let mut absences = Vec::new();
        let mut now = SimTime::ZERO;
        while now < end {
            if availability.is_online(now) {
                match availability.next_offline(now, end) {
                    Some(leaves) => now = leaves,
                    None => break,
                }
            } else {
                let back = availability.next_online(now, end);
                let back = back.map_or(end, |at| at.min(end));
                absences.push((now, back));
                now = back;
            }
        }
        absences
    }

    /// When it is next online; `None` is never.
    pub(super) fn next_online(&mut self, now: SimTime, horizon: SimTime) -> Option<SimTime> {
        match &mut self.battery {
            None => self.availability.next_online(now, horizon),
            Some(battery) => battery.next_online(now, &mut self.availability, horizon),
        }
    }
}

impl Power {
    /// The draw in a state.
    pub(super) fn of(&self, state: ClientState) -> f64 {
        match state {
            ClientState::Receiving => self.receive,
            ClientState::Sending => self.transmit,
            ClientState::Computing => self.busy,
            ClientState::WaitingForVersion
            | ClientState::WaitingForPeer
            | ClientState::Unselected => self.idle,
        }
    }
}
