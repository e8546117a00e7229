//! When a client is online: a pure function of client and time, worked out when asked.

mod diurnal;
mod pattern;
mod renewal;
#[cfg(test)]
mod tests;

pub use diurnal::{DailyCurve, Diurnal};
pub use pattern::Pattern;
pub use renewal::{Lengths, Renewal};

use crate::kernel::Stream;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// When a client is online.
///
/// The answer for a time is the same whenever and however often it is asked:
/// switching times are drawn in their own order from the client's own stream
/// and kept. A question costs O(log n) for n switches so far.
#[derive(Debug, Clone)]
pub enum Availability {
    /// Never away.
    Always,
    /// Alternating independent times online and offline.
    Renewal(Box<Renewal>),
    /// Online with a probability that depends on the time of day.
    Diurnal(Box<Diurnal>),
    /// Online in recorded or stated intervals.
    Pattern {
        /// The intervals, which many clients may share.
        pattern: Arc<Pattern>,
        /// Where in the pattern the run begins, in nanoseconds.
        offset: u64,
    },
    /// Online from one instant until another.
    Between {
        /// The first instant online.
        joins: SimTime,
        /// The first instant offline for good; [`SimTime::MAX`] is never.
        leaves: SimTime,
    },
    /// Online when every one of these is.
    Every(Box<[Availability]>),
}

/// The state at a time, and how long it is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Whether the client is online.
    pub online: bool,
    /// The state is the same before this instant, which is later than the time asked about;
    /// [`SimTime::MAX`] is for ever. At it the state may go on.
    pub until: SimTime,
}

impl Availability {
    /// Memoryless times online and offline with these means, drawn from `stream`.
    pub fn exponential(mean_up: SimDuration, mean_down: SimDuration, stream: Stream) -> Self {
        let law = |mean: SimDuration| Lengths::Exponential {
            mean: mean.as_secs_f64(),
        };
        Self::Renewal(Box::new(Renewal::new(law(mean_up), law(mean_down), stream)))
    }

    /// Online when both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, one) | (one, Self::Always) => one,
            (Self::Every(parts), other) => {
                let mut parts = parts.into_vec();
                parts.push(other);
                Self::Every(parts.into())
            }
            (one, other) => Self::Every([one, other].into()),
        }
    }

    /// The state at `time`, and how long it is known to hold.
    pub fn stretch(&mut self, time: SimTime) -> Stretch {
        match self {
            Self::Always => Stretch {
                online: true,
                until: SimTime::MAX,
            },
            Self::Renewal(renewal) => renewal.stretch(time),
            Self::Diurnal(diurnal) => diurnal.stretch(time),
            Self::Pattern { pattern, offset } => pattern.stretch(time, *offset),
            Self::Between { joins, leaves } => {
                let online = (*joins..*leaves).contains(&time);
                let until = match time {
                    time if time < *joins && *joins < *leaves => *joins,
                    _ if online => *leaves,
                    _ => SimTime::MAX,
                };
                Stretch { online, until }
            }
            Self::Every(parts) => {
                let mut online_until = SimTime::MAX;
                let mut offline_until = None;
                for part in parts.iter_mut() {
                    let stretch = part.stretch(time);
                    if stretch.online {
                        online_until = online_until.min(stretch.until);
                    } else {
                        offline_until = offline_until.max(Some(stretch.until));
                    }
                }
                Stretch {
                    online: offline_until.is_none(),
                    until: offline_until.unwrap_or(online_until),
                }
            }
        }
    }

    /// Whether the client is online at `time`.
    pub fn is_online(&mut self, time: SimTime) -> bool {
        self.stretch(time).online
    }

    /// When a client that is online at `time` next goes offline; `None` is never.
    ///
    /// Not looked for beyond `horizon`: an answer from there on says only that it is not before.
    pub fn next_offline(&mut self, time: SimTime, horizon: SimTime) -> Option<SimTime> {
        self.next(false, time, horizon)
    }

    /// The first instant from `time` on at which the client is online; `None` is never.
    ///
    /// Not looked for beyond `horizon`: an answer from there on says only that it is not before.
    pub fn next_online(&mut self, time: SimTime, horizon: SimTime) -> Option<SimTime> {
        self.next(true, time, horizon)
    }

    fn next(&mut self, online: bool, time: SimTime, horizon: SimTime) -> Option<SimTime> {
        let mut at = time;
        loop {
            let stretch = self.stretch(at);
            if stretch.online == online {
                return Some(at);
            }
            if stretch.until == SimTime::MAX {
                return None;
            }
            at = stretch.until;
            if at > horizon {
                return Some(at);
            }
        }
    }

    /// Time offline between two instants.
    pub fn offline_between(&mut self, from: SimTime, until: SimTime) -> SimDuration {
        let mut offline = SimDuration::ZERO;
        let mut at = from;
        while at < until {
            let stretch = self.stretch(at);
            let end = stretch.until.min(until);
            if !stretch.online {
                offline += end.saturating_since(at);
            }
            at = end;
        }
        offline
    }
}
