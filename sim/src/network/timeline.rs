//! What a link and direction is like over time: a pure function, worked out when asked.

use std::sync::Arc;

use super::profile::{Point, Profile, Rate};
use super::{Bandwidth, OnOff, ResourceId};
use crate::time::{SimDuration, SimTime};

/// Traffic of others on a link: inelastic, it takes its rate before any transfer gets a share.
#[derive(Clone, Debug)]
pub enum Background {
    /// Always the same.
    Constant(Bandwidth),
    /// At this rate while it is on.
    OnOff(Bandwidth, Box<OnOff>),
}

/// A change of a link and direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkChange {
    /// When.
    pub at: SimTime,
    /// Which.
    pub resource: ResourceId,
    /// Whether it has not failed from then on.
    pub up: bool,
    /// What it has for transfers from then on, beside its background traffic; `None` is nothing.
    pub open: Option<Bandwidth>,
}

/// A link and direction at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LinkState {
    /// Whether it has not failed.
    pub(super) up: bool,
    /// What it has for transfers, beside its background traffic; `None` is nothing.
    pub(super) open: Option<Bandwidth>,
    pub(super) latency: SimDuration,
}

/// A link and direction over time.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) own: Bandwidth,
    pub(super) own_latency: SimDuration,
    pub(super) profile: Option<Arc<Profile>>,
    /// On while the link is up.
    pub(super) outages: Option<OnOff>,
    pub(super) background: Option<Background>,
}

impl Timeline {
    /// Whether anything ever changes, or differs from the link's own.
    pub(super) fn is_plain(&self) -> bool {
        self.profile.is_none() && self.outages.is_none() && self.background.is_none()
    }

    /// Whether the link ever fails.
    pub(super) fn can_fail(&self) -> bool {
        self.outages.is_some() || self.profile.as_ref().is_some_and(|all| all.can_fail())
    }

    /// Whether its latency is ever another than its own.
    pub(super) fn changes_latency(&self) -> bool {
        self.profile
            .as_ref()
            .is_some_and(|all| all.changes_latency())
    }

    fn point(&self, time: SimTime) -> Point {
        match &self.profile {
            Some(profile) => profile.at(time),
            None => Point {
                bandwidth: Rate::Times(1.0),
                latency: None,
                up: true,
            },
        }
    }

    fn taken(&mut self, time: SimTime) -> f64 {
        match &mut self.background {
            None => 0.0,
            Some(Background::Constant(rate)) => rate.as_bytes_per_second(),
            Some(Background::OnOff(rate, when)) => match when.is_on(time) {
                true => rate.as_bytes_per_second(),
                false => 0.0,
            },
        }
    }

    /// The link at `time`.
    pub(super) fn at(&mut self, time: SimTime) -> LinkState {
        let point = self.point(time);
        let up = point.up && self.outages.as_mut().is_none_or(|link| link.is_on(time));
        let open = if up {
            open(&point, self.own, self.taken(time))
        } else {
            None
        };
        LinkState {
            up,
            open,
            latency: point.latency.unwrap_or(self.own_latency),
        }
    }

    /// When it is next another, after `time`; `None` is never.
    pub(super) fn next_change(&mut self, time: SimTime) -> Option<SimTime> {
        let profile = self.profile.as_ref().and_then(|all| all.next_change(time));
        let outages = self
            .outages
            .as_mut()
            .and_then(|link| link.next_switch(time));
        let background = match &mut self.background {
            Some(Background::OnOff(_, when)) => when.next_switch(time),
            _ => None,
        };
        [profile, outages, background].into_iter().flatten().min()
    }

    /// When it next may fail or come back, after `time`.
    pub(super) fn next_flip(&mut self, time: SimTime) -> Option<SimTime> {
        let profile = self.profile.as_ref().and_then(|all| all.next_flip(time));
        let outages = self
            .outages
            .as_mut()
            .and_then(|link| link.next_switch(time));
        [profile, outages].into_iter().flatten().min()
    }

    /// Whether nothing ever gets through from `time` on.
    pub(super) fn is_over(&self, time: SimTime) -> bool {
        let always = match &self.background {
            Some(Background::Constant(rate)) => rate.as_bytes_per_second(),
            _ => 0.0,
        };
        let is_open = |point: &Point| point.up && open(point, self.own, always).is_some();
        match &self.profile {
            Some(profile) => profile.is_over(time, is_open),
            None => open(&self.point(time), self.own, always).is_none(),
        }
    }

    /// Bytes that transfers could have had in all until `until`.
    ///
    /// Complexity: O(steps of the profile) for each outage, and where there is background traffic
    /// for each change.
    pub(super) fn could_carry(&mut self, until: SimTime) -> f64 {
        let (own, mut bytes, mut from) = (self.own, 0.0, SimTime::ZERO);
        while from < until {
            // Between two switches of outages and background only the profile changes.
            let outages = self
                .outages
                .as_mut()
                .and_then(|link| link.next_switch(from));
            let background = match &mut self.background {
                Some(Background::OnOff(_, when)) => when.next_switch(from),
                _ => None,
            };
            let next = [outages, background, Some(until)].into_iter().flatten();
            let next = next.min().unwrap_or(until).min(until);
            if self.outages.as_mut().is_none_or(|link| link.is_on(from)) {
                let taken = self.taken(from);
                let rate = |point: &Point| {
                    let open = point.up.then(|| open(point, own, taken)).flatten();
                    open.map_or(0.0, Bandwidth::as_bytes_per_second)
                };
                bytes += match &self.profile {
                    Some(profile) => profile.integral(from, next, rate),
                    None => rate(&self.point(from)) * next.saturating_since(from).as_secs_f64(),
                };
            }
            from = next;
        }
        bytes
    }
}

/// What is left of a bandwidth beside what is taken.
fn open(point: &Point, own: Bandwidth, taken: f64) -> Option<Bandwidth> {
    let bandwidth = point.bandwidth.of(own)?;
    if taken == 0.0 {
        return Some(bandwidth);
    }
    Bandwidth::from_bytes_per_second(bandwidth.as_bytes_per_second() - taken).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Streams;
    use crate::network::profile::Step;

    fn rate(bytes_per_second: f64) -> Bandwidth {
        Bandwidth::from_bytes_per_second(bytes_per_second).unwrap()
    }

    fn seconds(seconds: f64) -> SimTime {
        SimTime::from_secs_f64(seconds).unwrap()
    }

    fn length(seconds: f64) -> SimDuration {
        SimDuration::from_secs_f64(seconds).unwrap()
    }

    fn link() -> Timeline {
        Timeline {
            own: rate(1e6),
            own_latency: length(0.01),
            profile: None,
            outages: None,
            background: None,
        }
    }

    /// Half the bandwidth from 1 s to 2 s of every 4 s, and twice the latency.
    fn with_profile() -> Timeline {
        let steps = [(1.0, 0.5, 0.02), (2.0, 1.0, 0.01)].map(|(at, factor, latency)| Step {
            at: length(at),
            bandwidth: Some(Rate::Times(factor)),
            latency: Some(length(latency)),
            up: None,
        });
        let profile = Profile::new(&steps, Some(length(4.0))).unwrap();
        Timeline {
            profile: Some(Arc::new(profile)),
            ..link()
        }
    }

    #[test]
    fn background_traffic_takes_its_rate_first_and_leaves_nothing_where_it_takes_all() {
        let mut busy = Timeline {
            background: Some(Background::Constant(rate(0.6e6))),
            ..with_profile()
        };
        let open = |busy: &mut Timeline, at| busy.at(seconds(at)).open;
        assert_eq!(open(&mut busy, 0.0), Some(rate(0.4e6)));
        assert_eq!(open(&mut busy, 1.0), None);
        assert!(busy.at(seconds(1.0)).up);
        assert!(!busy.is_over(seconds(1.0)));
        // 0.4 MB/s for 3 of 4 s.
        assert!((busy.could_carry(seconds(8.0)) - 2.4e6).abs() < 1e-6);
        busy.background = Some(Background::Constant(rate(1e6)));
        assert!(busy.is_over(SimTime::ZERO));
    }

    #[test]
    fn latency_follows_the_profile() {
        let mut link = with_profile();
        assert_eq!(link.at(seconds(0.5)).latency, length(0.01));
        assert_eq!(link.at(seconds(5.5)).latency, length(0.02));
        assert!(link.changes_latency() && !link.can_fail());
        assert_eq!(link.next_flip(SimTime::ZERO), None);
    }

    #[test]
    fn what_a_link_could_carry_is_the_sum_over_its_changes() {
        let stream = |purpose| Streams::new(4).stream("l", purpose);
        let mut link = Timeline {
            outages: Some(OnOff::new(length(5.0), length(2.0), stream("outages"))),
            background: Some(Background::OnOff(
                rate(0.7e6),
                Box::new(OnOff::new(length(3.0), length(3.0), stream("background"))),
            )),
            ..with_profile()
        };
        let (end, mut now, mut sum) = (seconds(300.0), SimTime::ZERO, 0.0);
        let mut changes = 0;
        while now < end {
            let next = link.next_change(now).unwrap().min(end);
            let open = link
                .at(now)
                .open
                .map_or(0.0, Bandwidth::as_bytes_per_second);
            sum += open * next.saturating_since(now).as_secs_f64();
            (now, changes) = (next, changes + 1);
        }
        assert!(changes > 200);
        let whole = link.could_carry(end);
        assert!((whole - sum).abs() < 1e-9 * sum, "{whole} and {sum}");
    }
}
