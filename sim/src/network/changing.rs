//! Links that change: which of them matter now, and when they next do.
//!
//! A link's state is a function of time, so nothing happens when it changes by itself. It is looked
//! up when a delivery comes to use the link, and followed while one does. Failures are followed for
//! the routes: every link that can fail is looked up before a route is asked for, and is an event
//! only while a delivery waits for a route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::timeline::Timeline;
use super::{
    Background, Bandwidth, DeliveryId, Failure, HostId, Jitter, OnOff, Profile, ResourceId,
};
use crate::kernel::{Stream, Streams};
use crate::time::SimTime;

/// What a link and direction does besides carrying bytes.
#[derive(Clone, Debug, Default)]
pub struct LinkBehaviour {
    /// The share of packets that it loses, in [0, 1): see `loss.rs`.
    pub loss: f64,
    /// Added to the latency of each transfer that crosses it.
    pub jitter: Option<Jitter>,
    /// Traffic of others.
    pub background: Option<Background>,
    /// Bandwidth, latency and failures over time.
    pub profile: Option<Arc<Profile>>,
    /// Failures at random: on while the link is up.
    pub outages: Option<OnOff>,
}

/// Everything that can happen to a network besides transfers.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// What links do; those not named do nothing. A resource is named once.
    pub links: Vec<(ResourceId, LinkBehaviour)>,
    /// The most that each transfer from or to a host takes.
    pub caps: Vec<(HostId, Bandwidth)>,
    /// What a failed link does to transfers.
    pub failure: Failure,
    /// The payload of a packet, for the bound by loss.
    pub segment_bytes: f64,
    /// For the jitter of each pair of sender and receiver.
    pub streams: Streams,
}

/// A link and direction with a behaviour.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) resource: ResourceId,
    pub(super) loss: f64,
    pub(super) jitter: Option<Jitter>,
    /// `None` where it never differs from the link by itself.
    pub(super) timeline: Option<Timeline>,
    /// As last looked up.
    up: bool,
    /// Deliveries with a flow over it that is still to be followed.
    users: u32,
    /// When it next changes, as entered in the calendar; only while it has users.
    next_change: Option<SimTime>,
}

/// The links with a behaviour, and the calendars of their changes.
#[derive(Debug)]
pub(super) struct Changing {
    pub(super) lines: Vec<Line>,
    by_resource: BTreeMap<ResourceId, u32>,
    pub(super) caps: BTreeMap<HostId, Bandwidth>,
    pub(super) failure: Failure,
    pub(super) segment_bytes: f64,
    pub(super) streams: Streams,
    pub(super) jitters: BTreeMap<(HostId, HostId), Stream>,
    /// Of the lines with users.
    changes: BTreeSet<(SimTime, u32)>,
    /// Of all lines that can fail.
    flips: BTreeSet<(SimTime, u32)>,
    /// Who uses which line.
    crossing: BTreeSet<(u32, DeliveryId)>,
    pub(super) has_loss: bool,
    pub(super) has_jitter: bool,
    pub(super) changes_latency: bool,
}

impl Changing {
    /// `own` tells the link by itself.
    pub(super) fn new(
        conduct: Conduct,
        own: impl Fn(ResourceId) -> (Bandwidth, crate::time::SimDuration),
    ) -> Changing {
        let line = |(resource, behaviour): (ResourceId, LinkBehaviour)| {
            let (bandwidth, latency) = own(resource);
            let timeline = Timeline {
                own: bandwidth,
                own_latency: latency,
                profile: behaviour.profile,
                outages: behaviour.outages,
                background: behaviour.background,
            };
            Line {
                resource,
                loss: behaviour.loss,
                jitter: behaviour.jitter,
                timeline: (!timeline.is_plain()).then_some(timeline),
                up: true,
                users: 0,
                next_change: None,
            }
        };
        let lines: Vec<Line> = conduct.links.into_iter().map(line).collect();
        let timelines = || lines.iter().filter_map(|line| line.timeline.as_ref());
        // All are looked up before the first route is asked for.
        let can_fail = |line: &Line| line.timeline.as_ref().is_some_and(Timeline::can_fail);
        let flips = lines.iter().zip(0..).filter(|(line, _)| can_fail(line));
        Changing {
            flips: flips.map(|(_, number)| (SimTime::ZERO, number)).collect(),
            by_resource: lines.iter().map(|line| line.resource).zip(0..).collect(),
            caps: conduct.caps.into_iter().collect(),
            failure: conduct.failure,
            segment_bytes: conduct.segment_bytes,
            streams: conduct.streams,
            jitters: BTreeMap::new(),
            changes: BTreeSet::new(),
            crossing: BTreeSet::new(),
            has_loss: lines.iter().any(|line| line.loss > 0.0),
            has_jitter: lines.iter().any(|line| line.jitter.is_some()),
            changes_latency: timelines().any(Timeline::changes_latency),
            lines,
        }
    }

    /// The behaviour of a resource, if it has one.
    pub(super) fn line(&self, resource: ResourceId) -> Option<&Line> {
        let number = self.by_resource.get(&resource)?;
        Some(&self.lines[*number as usize])
    }

    pub(super) fn line_mut(&mut self, resource: ResourceId) -> Option<&mut Line> {
        let number = self.by_resource.get(&resource)?;
        Some(&mut self.lines[*number as usize])
    }

    /// Whether a line is to be looked up by `now`.
    pub(super) fn is_due(&self, now: SimTime) -> bool {
        let due = |calendar: &BTreeSet<(SimTime, u32)>| {
            calendar.first().is_some_and(|(time, _)| *time <= now)
        };
        due(&self.changes) || due(&self.flips)
    }

    /// When a line with users next changes.
    pub(super) fn next_change(&self) -> Option<SimTime> {
        self.changes.first().map(|(time, _)| *time)
    }

    /// When a link may next fail or come back.
    pub(super) fn next_flip(&self) -> Option<SimTime> {
        self.flips.first().map(|(time, _)| *time)
    }

    /// The links that have failed or come back by `now` since they were last looked up, ascending,
    /// and whether they are up.
    pub(super) fn flipped(&mut self, now: SimTime) -> Vec<(ResourceId, bool)> {
        let mut flipped = Vec::new();
        while let Some((time, number)) = self.flips.first().copied() {
            if time > now {
                break;
            }
            self.flips.pop_first();
            let line = &mut self.lines[number as usize];
            let Some(timeline) = &mut line.timeline else {
                continue;
            };
            let up = timeline.at(now).up;
            if up != line.up {
                line.up = up;
                flipped.push((line.resource, up));
            }
            if let Some(next) = timeline.next_flip(now) {
                self.flips.insert((next, number));
            }
        }
        flipped.sort_unstable();
        flipped
    }

    /// The lines with users that have changed by `now`, and what they have for transfers.
    pub(super) fn changed(&mut self, now: SimTime) -> Vec<(ResourceId, Option<Bandwidth>)> {
        let mut changed = Vec::new();
        while let Some((time, number)) = self.changes.first().copied() {
            if time > now {
                break;
            }
            self.changes.pop_first();
            changed.extend(self.look_up(number, now));
        }
        changed
    }

    fn look_up(&mut self, number: u32, now: SimTime) -> Option<(ResourceId, Option<Bandwidth>)> {
        let line = &mut self.lines[number as usize];
        let timeline = line.timeline.as_mut()?;
        line.next_change = timeline.next_change(now);
        if let Some(next) = line.next_change {
            self.changes.insert((next, number));
        }
        Some((line.resource, timeline.at(now).open))
    }

    /// Those of the resources that change over time.
    pub(super) fn timed(&self, resources: impl Iterator<Item = ResourceId>) -> Box<[ResourceId]> {
        let is_timed = |on: &ResourceId| self.line(*on).is_some_and(|line| line.timeline.is_some());
        resources.filter(is_timed).collect()
    }

    /// Lets a delivery use these from `now` on; tells what those that nobody used before have for
    /// transfers.
    pub(super) fn enter(
        &mut self,
        now: SimTime,
        delivery: DeliveryId,
        resources: &[ResourceId],
    ) -> Vec<(ResourceId, Option<Bandwidth>)> {
        let numbers: Vec<u32> = resources
            .iter()
            .filter_map(|resource| self.by_resource.get(resource).copied())
            .collect();
        let mut opened = Vec::new();
        for number in &numbers {
            if !self.crossing.insert((*number, delivery)) {
                continue;
            }
            self.lines[*number as usize].users += 1;
            if self.lines[*number as usize].users == 1 {
                opened.extend(self.look_up(*number, now));
            }
        }
        self.give_up(now, delivery, resources);
        opened
    }

    /// Follows a delivery no further over whose lines nothing ever gets through again, as far as
    /// nothing can come of it: a line that may yet cut it is still followed.
    pub(super) fn give_up(&mut self, now: SimTime, delivery: DeliveryId, resources: &[ResourceId]) {
        if !resources
            .iter()
            .any(|resource| self.is_over(*resource, now))
        {
            return;
        }
        let can_cut = |resource: &ResourceId| {
            let timeline = self.line(*resource).and_then(|line| line.timeline.as_ref());
            self.failure != Failure::Stall && timeline.is_some_and(Timeline::can_fail)
        };
        let idle: Vec<ResourceId> = resources
            .iter()
            .copied()
            .filter(|on| !can_cut(on))
            .collect();
        self.leave(delivery, &idle);
    }

    /// Lets a delivery use none of these any more.
    pub(super) fn leave(&mut self, delivery: DeliveryId, resources: &[ResourceId]) {
        for resource in resources {
            let Some(number) = self.by_resource.get(resource) else {
                continue;
            };
            if !self.crossing.remove(&(*number, delivery)) {
                continue;
            }
            let line = &mut self.lines[*number as usize];
            line.users -= 1;
            if line.users == 0
                && let Some(next) = line.next_change.take()
            {
                self.changes.remove(&(next, *number));
            }
        }
    }

    /// The deliveries that use a resource.
    pub(super) fn users(&self, resource: ResourceId) -> Vec<DeliveryId> {
        let Some(number) = self.by_resource.get(&resource) else {
            return Vec::new();
        };
        let all = self
            .crossing
            .range((*number, DeliveryId::new(0, 0))..(*number + 1, DeliveryId::new(0, 0)));
        all.map(|(_, delivery)| *delivery).collect()
    }

    /// Whether nothing ever gets through a resource from `now` on.
    pub(super) fn is_over(&self, resource: ResourceId, now: SimTime) -> bool {
        let timeline = self.line(resource).and_then(|line| line.timeline.as_ref());
        timeline.is_some_and(|timeline| timeline.is_over(now))
    }
}
