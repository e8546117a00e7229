//! When a client is online: a pure function of client and time, worked out when asked.

use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};

/// When a client is online.
///
/// The answer for a time is the same whenever and however often it is asked:
/// switching times are drawn in their own order from the client's own stream
/// and kept.
#[derive(Debug, Clone)]
pub enum Availability {
    /// Never away.
    Always,
    /// Alternating memoryless times online and offline, in equilibrium at time zero.
    Exponential(Box<OnOff>),
}

/// Alternating online and offline intervals, known as far as anyone has asked.
#[derive(Debug, Clone)]
pub struct OnOff {
    stream: Stream,
    mean_up: f64,
    mean_down: f64,
    starts_online: bool,
    /// Times at which the state switches, ascending; the last lies beyond every question so far.
    switches: Vec<SimTime>,
}

impl Availability {
    /// Memoryless times online and offline with these means, drawn from `stream`.
    ///
    /// The state at time zero is drawn from the equilibrium, up/(up+down); the
    /// first interval is then exponential too, since residual life is memoryless.
    pub fn exponential(mean_up: SimDuration, mean_down: SimDuration, mut stream: Stream) -> Self {
        let (mean_up, mean_down) = (mean_up.as_secs_f64(), mean_down.as_secs_f64());
        let starts_online = stream.random::<f64>() < mean_up / (mean_up + mean_down);
        Self::Exponential(Box::new(OnOff {
            stream,
            mean_up,
            mean_down,
            starts_online,
            switches: Vec::new(),
        }))
    }

    /// Whether the client is online at `time`.
    pub fn is_online(&mut self, time: SimTime) -> bool {
        match self {
            Self::Always => true,
            Self::Exponential(on_off) => {
                let passed = on_off.switches_until(time);
                on_off.online_after(passed)
            }
        }
    }

    /// When a client that is online at `time` next goes offline; `None` is never.
    pub fn next_offline(&mut self, time: SimTime) -> Option<SimTime> {
        match self {
            Self::Always => None,
            Self::Exponential(on_off) => {
                let passed = on_off.switches_until(time);
                debug_assert!(on_off.online_after(passed));
                Some(on_off.switches[passed])
            }
        }
    }

    /// When a client that is offline at `time` next comes back; `None` is never.
    pub fn next_online(&mut self, time: SimTime) -> Option<SimTime> {
        match self {
            Self::Always => None,
            Self::Exponential(on_off) => {
                let passed = on_off.switches_until(time);
                debug_assert!(!on_off.online_after(passed));
                Some(on_off.switches[passed])
            }
        }
    }

    /// Time offline between two instants.
    pub fn offline_between(&mut self, from: SimTime, until: SimTime) -> SimDuration {
        match self {
            Self::Always => SimDuration::ZERO,
            Self::Exponential(on_off) => on_off.offline_between(from, until),
        }
    }
}

impl OnOff {
    /// Number of switches at or before `time`; draws as many as are needed to know.
    fn switches_until(&mut self, time: SimTime) -> usize {
        while self.switches.last().is_none_or(|last| *last <= time) {
            let last = self.switches.last().copied().unwrap_or(SimTime::ZERO);
            let mean = if self.online_after(self.switches.len()) {
                self.mean_up
            } else {
                self.mean_down
            };
            let draw: f64 = Exp1.sample(&mut self.stream);
            let length = SimDuration::from_secs_f64(draw * mean).unwrap_or(SimDuration::MAX);
            // A nanosecond at least, so that time moves on.
            let length = length.max(SimDuration::from_nanos(1));
            self.switches.push(last + length);
        }
        self.switches.partition_point(|switch| *switch <= time)
    }

    fn online_after(&self, switches: usize) -> bool {
        self.starts_online == switches.is_multiple_of(2)
    }

    fn offline_between(&mut self, from: SimTime, until: SimTime) -> SimDuration {
        let last = self.switches_until(until);
        let first = self.switches_until(from);
        let mut offline = SimDuration::ZERO;
        let mut begin = from;
        for passed in first..=last {
            let end = self.switches[passed].min(until);
            if !self.online_after(passed) {
                offline += end.saturating_since(begin);
            }
            begin = end;
        }
        offline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;

    fn seconds(seconds: u64) -> SimTime {
        SimTime::from_nanos(seconds * 1_000_000_000)
    }

    fn two_hours_up_one_down(seed: u64) -> Availability {
        let hours = |h: u64| SimDuration::from_nanos(h * 3_600_000_000_000);
        Availability::exponential(
            hours(2),
            hours(1),
            Streams::new(seed).stream("c", "dropout"),
        )
    }

    #[test]
    fn the_answer_for_a_time_does_not_depend_on_what_was_asked_before() {
        let mut forwards = two_hours_up_one_down(1);
        let mut backwards = two_hours_up_one_down(1);
        let times: Vec<_> = (0..500).map(|i| seconds(i * 700)).collect();
        let ahead: Vec<_> = times.iter().map(|t| forwards.is_online(*t)).collect();
        let mut behind: Vec<_> = times
            .iter()
            .rev()
            .map(|t| backwards.is_online(*t))
            .collect();
        behind.reverse();
        assert_eq!(ahead, behind);
        assert!(ahead.contains(&true) && ahead.contains(&false));
    }

    #[test]
    fn the_share_of_time_offline_tends_to_down_over_up_plus_down() {
        // The time offline in [0, t] has mean t/3 and, for an alternating renewal
        // process with exponential phases u and d, variance → 2u²d²/(u+d)³·t.
        let hours: f64 = 200_000.0;
        let end = seconds(200_000 * 3600);
        let offline = two_hours_up_one_down(3)
            .offline_between(SimTime::ZERO, end)
            .as_secs_f64()
            / 3600.0;
        let deviation = (2.0 * 4.0 * 1.0 / 27.0 * hours).sqrt();
        assert!(
            (offline - hours / 3.0).abs() < 4.0 * deviation,
            "{offline} hours offline"
        );
    }

    #[test]
    fn time_offline_adds_up_over_adjacent_windows_and_agrees_with_the_state() {
        let mut client = two_hours_up_one_down(5);
        let whole = client.offline_between(seconds(100), seconds(90_000));
        let mut sum = SimDuration::ZERO;
        for start in (100..90_000).step_by(100) {
            let part = client.offline_between(seconds(start), seconds((start + 100).min(90_000)));
            sum += part;
        }
        assert_eq!(whole, sum);
        let online_at = (0..1000).map(seconds).find(|t| client.is_online(*t));
        let start = online_at.expect("online at some time in the first quarter of an hour");
        let leaves = client.next_offline(start).unwrap();
        assert!(client.is_online(SimTime::from_nanos(leaves.as_nanos() - 1)));
        assert!(!client.is_online(leaves));
        assert_eq!(client.offline_between(start, leaves), SimDuration::ZERO);
    }
}
