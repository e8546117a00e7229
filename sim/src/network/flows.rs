//! The fluid network: flows over resources, each at its max-min fair share.
//!
//! [`FlowNetwork`] takes any routes. It knows neither graph nor hosts, and it does not keep the
//! queue of the simulation: it says when it next has something to tell ([`FlowNetwork::next_event`])
//! and is told when that instant is there ([`FlowNetwork::advance`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Bandwidth;
use super::class::Classes;
use super::crossing::{Crossing, Share};
use super::fill::fill;
use super::filling::{Even, Weighted};
use super::fixed::{Rate, Work};
use super::flow::{Completion, Flow, FlowId, FlowSpec, Pace, Phase, Progress};
use super::links::{Capacity, LinkUsage, Links, ResourceId};
use super::slots::Slots;
use super::transport::Transport;
use crate::time::{SimDuration, SimTime};

/// Something that will happen in the network if nothing changes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// The latency phase of a flow is over.
    Begins(FlowId),
    /// A flow that runs at its own cap ends.
    Ends(FlowId),
    /// The first of a class's flows at the level ends.
    ClassEnds(u32),
}

/// Flows in progress over a fixed set of resources.
///
/// The order of calls at one instant: any number of [`start`](Self::start),
/// [`cancel`](Self::cancel) and [`advance`](Self::advance), then [`settle`](Self::settle) once, then
/// [`next_event`](Self::next_event). Time never runs back, and never past an event: whoever keeps
/// the clock calls `advance` at every instant that `next_event` names.
///
/// # Exactness
/// Rates and work are integers (see the notes in `fixed.rs`); a completion is rounded to the
/// nearest nanosecond once, so times are exact to 1 ns for each completion before. The result does
/// not depend on the order in which flows of one instant start, nor on extra calls in between.
///
/// # Complexity
/// A flow costs a few searches in ordered sets. A change works out the shares of the classes of
/// flows (those with the same contended links) that it can affect: on a single shared link one class
/// whatever the number of flows, which costs n / 128 steps for n flows plus the flows whose cap lies
/// between the old and the new share. With a transport that weighs flows by their round-trip time,
/// each weight makes a class of its own.
#[derive(Debug)]
pub struct FlowNetwork {
    pub(super) transport: Transport,
    pub(super) links: Links,
    pub(super) flows: Slots<Flow>,
    pub(super) classes: Classes,
    pub(super) calendar: BTreeSet<(SimTime, Alarm)>,
    /// Contended links on which something changed at this instant.
    pub(super) touched: BTreeSet<ResourceId>,
    pub(super) now: SimTime,
    pub(super) carrying: usize,
    started: u64,
}

impl FlowNetwork {
    /// A network at rest at time zero, with fluid transport; resource k has the k-th capacity.
    pub fn new(resources: Vec<Capacity>) -> Self {
        Self::with_transport(resources, Transport::fluid())
    }

    /// A network at rest at time zero; resource k has the k-th capacity.
    ///
    /// # Panics
    /// If [`Transport::check`] finds fault with `transport`.
    pub fn with_transport(resources: Vec<Capacity>, transport: Transport) -> Self {
        let transport = transport
            .check()
            .unwrap_or_else(|error| panic!("no such transport: {error}"));
        FlowNetwork {
            transport,
            links: Links::new(resources),
            flows: Slots::default(),
            classes: Classes::default(),
            calendar: BTreeSet::new(),
            touched: BTreeSet::new(),
            now: SimTime::ZERO,
            carrying: 0,
            started: 0,
        }
    }

    /// Starts a flow: it waits for its latency, then takes its share until its bytes are carried.
    ///
    /// A flow without bytes completes when its latency has passed.
    ///
    /// # Panics
    /// If `now` lies before an earlier call or beyond the next event, the route names an unknown
    /// resource, or there are more than 2⁵⁶ bytes.
    pub fn start(&mut self, now: SimTime, spec: FlowSpec) -> FlowId {
        self.start_both_ways(now, spec, &[])
    }

    /// Like [`start`](Self::start), with the way that acknowledgements take: it matters only where
    /// [`Transport::crosstraffic`] is on.
    ///
    /// # Panics
    /// As [`start`](Self::start), and if `back` names an unknown resource.
    pub fn start_both_ways(&mut self, now: SimTime, spec: FlowSpec, back: &[ResourceId]) -> FlowId {
        self.move_to(now);
        let delay = self.transport.delay(spec.latency);
        let route = self.crossings(&spec.route, back);
        let (own_cap, own_cap_link) = self.own_cap(&spec, &route, |on| self.links.rate(on));
        let share = self.share(&spec, &route);
        let bytes = spec.bytes;
        let work = self.work(bytes);
        let until = now + delay;
        let id = FlowId::new(self.started, 0);
        let slot = self.flows.insert(Flow {
            id,
            route,
            share,
            bytes,
            own_cap,
            own_cap_link,
            phase: Phase::Latency { until },
        });
        let id = FlowId::new(self.started, slot);
        self.started += 1;
        self.flows[slot].id = id;
        if until == now && bytes > 0 {
            self.begin(id, work);
        } else {
            self.calendar.insert((until, Alarm::Begins(id)));
        }
        id
    }

    /// Cuts a flow and tells how far it had come; `None` if there is no such flow (any more).
    ///
    /// # Panics
    /// If `now` lies before an earlier call or beyond the next event.
    pub fn cancel(&mut self, now: SimTime, flow: FlowId) -> Option<Progress> {
        self.move_to(now);
        let progress = self.progress(flow)?;
        self.finish(flow, progress.bytes_carried);
        Some(progress)
    }

    /// Gives a resource another bandwidth from now on; `None` lets nothing through, and flows that
    /// cross it wait for the next change.
    ///
    /// Flows in their latency phase meet the new bandwidth when they begin. A flow's weight, and
    /// with [`Transport::bandwidth_at_start`] its bound, stay as they were when it started. Where
    /// an event is due at `now`, [`advance`](Self::advance) comes first: a flow that ends at this
    /// instant could otherwise be held up by the change.
    ///
    /// Complexity: that of one flow; on a resource that is not shared, O(live flows).
    ///
    /// # Panics
    /// If `now` lies before an earlier call or beyond the next event, or there is no such resource.
    pub fn set_bandwidth(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        bandwidth: Option<Bandwidth>,
    ) {
        self.move_to(now);
        if self.links.is_contended(resource) {
            self.links.set_bandwidth(resource, bandwidth);
            self.touched.insert(resource);
            return;
        }
        let on_it: Vec<FlowId> = if let Some(alone) = self.links.alone_on(resource) {
            vec![self.flows[alone].id]
        } else if self.links.crossing(resource) > 0 {
            let crosses = |flow: &&Flow| {
                matches!(flow.phase, Phase::Carrying(_))
                    && flow.route.iter().any(|on| on.resource == resource)
            };
            self.flows
                .iter()
                .filter(crosses)
                .map(|flow| flow.id)
                .collect()
        } else {
            Vec::new()
        };
        // Out of their classes first: what they took is reckoned against the old bandwidth.
        let left: Vec<Work> = on_it.iter().map(|flow| self.displace(*flow)).collect();
        self.links.set_bandwidth(resource, bandwidth);
        for (flow, left) in on_it.into_iter().zip(left) {
            self.place(flow, left);
        }
    }

    /// How long a flow takes from its start with nobody else on the way and the bandwidths that
    /// `own` tells, of now where it tells none; [`SimDuration::MAX`] if a link lets nothing through.
    ///
    /// # Panics
    /// As [`start_both_ways`](Self::start_both_ways), for the flow.
    pub(super) fn uncontended(
        &self,
        spec: &FlowSpec,
        back: &[ResourceId],
        own: impl Fn(ResourceId) -> Option<Bandwidth>,
    ) -> SimDuration {
        let route = self.crossings(&spec.route, back);
        let rate = |on| own(on).map_or_else(|| self.links.rate(on), Rate::of);
        let (own_cap, _) = self.own_cap(spec, &route, rate);
        let alone = |on: &Crossing| on.rate_alone(rate(on.resource));
        let rate = route.iter().map(alone).fold(own_cap, Rate::min);
        let carrying = self.work(spec.bytes).time_at(rate);
        let delay = self.transport.delay(spec.latency);
        carrying
            .and_then(|carrying| delay.checked_add(carrying))
            .unwrap_or(SimDuration::MAX)
    }

    /// The transport model.
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Works out the shares after the last change of the instant `now`. Does nothing if nothing
    /// changed.
    ///
    /// # Panics
    /// If `now` lies before an earlier call or beyond the next event.
    pub fn settle(&mut self, now: SimTime) {
        self.move_to(now);
        self.share_out();
    }

    /// When the network next has something to do; `None` if it is at rest.
    ///
    /// Meant to be asked when the instant is settled: changes not yet settled are not regarded.
    pub fn next_event(&self) -> Option<SimTime> {
        let (time, _) = self.calendar.first()?;
        // An alarm at the end of time is one that never rings.
        (*time < SimTime::MAX).then_some(*time)
    }

    /// Brings the network to `now` and tells which flows completed, in order of time and then of
    /// start. To be called at the instant of [`next_event`](Self::next_event), and harmless before.
    ///
    /// # Panics
    /// If `now` lies before an earlier call.
    pub fn advance(&mut self, now: SimTime) -> Vec<Completion> {
        assert!(
            now >= self.now,
            "network time runs back from {} s to {now} s",
            self.now
        );
        let mut completed = Vec::new();
        let mut repeated = false;
        while let Some((time, _)) = self
            .calendar
            .first()
            .copied()
            .filter(|(time, _)| *time <= now)
        {
            // Shares must be known before time passes, or before a second look at one instant.
            if (time > self.now || repeated) && !self.touched.is_empty() {
                self.share_out();
                continue;
            }
            self.now = time;
            self.ring(&mut completed);
            repeated = true;
        }
        if now > self.now {
            self.share_out();
            self.now = now;
        }
        completed
    }

    /// The resource that holds the flow's rate down now; `None` if its own cap does, or it is in its
    /// latency phase, or gone. A link that the flow has to itself counts when it is narrower than
    /// the fair share elsewhere; of equals, the lowest number. With weights or crosstraffic, bounds
    /// that differ by no more than the rounding of a float count as equal, and any may be named.
    pub fn limiting_link(&self, flow: FlowId) -> Option<ResourceId> {
        match &self.live(flow)?.phase {
            Phase::Latency { .. } => None,
            Phase::Carrying(carrying) => match carrying.pace {
                Pace::Own { .. } => carrying.cap_link,
                Pace::Shared { .. } => self.classes.slots[carrying.class].limiting,
            },
        }
    }

    /// Bytes of the flow that arrive each second now; `None` in its latency phase or when it is gone.
    ///
    /// What it takes of its links is this over [`Transport::bandwidth_factor`].
    pub fn rate_bytes_per_second(&self, flow: FlowId) -> Option<f64> {
        match &self.live(flow)?.phase {
            Phase::Latency { .. } => None,
            Phase::Carrying(carrying) => {
                let rate = match carrying.pace {
                    Pace::Own { .. } => carrying.cap,
                    Pace::Shared { .. } => self.classes.slots[carrying.class].level,
                };
                Some(rate.as_bytes_per_second() * self.transport.bandwidth_factor)
            }
        }
    }

    /// How far a flow has come by the last instant of which the network was told.
    pub fn progress(&self, flow: FlowId) -> Option<Progress> {
        let live = self.live(flow)?;
        let bytes_carried = match &live.phase {
            Phase::Latency { .. } => 0,
            Phase::Carrying(carrying) => {
                let left = self.left(carrying).payload(self.transport.bandwidth_factor);
                live.bytes - left.bytes_ceil().min(live.bytes)
            }
        };
        Some(Progress {
            bytes_carried,
            limiting_link: self.limiting_link(flow),
        })
    }

    /// Flows that are carrying bytes now: those in their latency phase are not counted.
    pub fn carrying(&self) -> usize {
        self.carrying
    }

    /// Flows that have not ended, those in their latency phase included.
    pub fn live_flows(&self) -> usize {
        self.flows.len()
    }

    /// Flows that are carrying bytes, or acknowledgements of them, over `resource` now.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn crossing(&self, resource: ResourceId) -> u32 {
        self.links.crossing(resource)
    }

    /// What each resource has carried by the last instant of which the network was told.
    ///
    /// Complexity: O(resources + flows · links of a route).
    pub fn usage(&self) -> Vec<LinkUsage> {
        let mut usage = self.links.usage(self.now);
        for flow in self.flows.iter() {
            if let Phase::Carrying(carrying) = &flow.phase {
                for (resource, load) in self.loads_alone(flow, carrying) {
                    let peak = &mut usage[resource.0 as usize].peak;
                    *peak = peak.max(load);
                }
            }
            let bytes = self
                .progress(flow.id)
                .map_or(0, |progress| progress.bytes_carried);
            for crossing in flow
                .route
                .iter()
                .filter(|crossing| crossing.carries_payload())
            {
                usage[crossing.resource.0 as usize].bytes += bytes;
            }
        }
        usage
    }

    pub(super) fn live(&self, flow: FlowId) -> Option<&Flow> {
        self.flows.get(flow.slot()).filter(|live| live.id == flow)
    }

    /// Sets the clock for a change at `now`.
    fn move_to(&mut self, now: SimTime) {
        assert!(
            now >= self.now,
            "network time runs back from {} s to {now} s",
            self.now
        );
        if now > self.now {
            self.share_out();
            if let Some(next) = self.next_event() {
                assert!(
                    now <= next,
                    "network time jumps to {now} s past an event at {next} s"
                );
            }
            self.now = now;
        }
    }

    /// Handles all alarms of this instant: first the flows that end, then those that begin.
    fn ring(&mut self, completed: &mut Vec<Completion>) {
        let mut ended: Vec<FlowId> = Vec::new();
        let mut begun: Vec<FlowId> = Vec::new();
        while let Some((_, alarm)) = self
            .calendar
            .first()
            .copied()
            .filter(|(time, _)| *time <= self.now)
        {
            self.calendar.pop_first();
            match alarm {
                Alarm::Begins(flow) if self.flows[flow.slot()].bytes == 0 => ended.push(flow),
                Alarm::Begins(flow) => begun.push(flow),
                Alarm::Ends(flow) => ended.push(flow),
                Alarm::ClassEnds(class) => ended.extend(self.class_ended(class)),
            }
        }
        ended.sort_unstable();
        begun.sort_unstable();
        let first = completed.len();
        completed.extend(ended.iter().map(|flow| Completion {
            flow: *flow,
            at: self.now,
            bytes: self.flows[flow.slot()].bytes,
            limiting_link: self.limiting_link(*flow),
        }));
        for completion in &completed[first..] {
            self.finish(completion.flow, completion.bytes);
        }
        for flow in begun {
            self.begin(flow, self.work(self.flows[flow.slot()].bytes));
        }
    }

    /// Share out the capacity of the links touched at this instant.
    fn share_out(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        let allocation = if self.transport.shares_evenly() {
            fill::<Even>(&self.links, &self.classes, &self.touched)
        } else {
            fill::<Weighted>(&self.links, &self.classes, &self.touched)
        };
        for filled in allocation.classes {
            self.set_level(filled);
        }
        for (resource, load) in allocation.loads {
            self.links.set_load(self.now, resource, load);
        }
        self.touched.clear();
    }

    /// The links that a flow crosses, those of its way back only where they matter.
    fn crossings(&self, route: &[ResourceId], back: &[ResourceId]) -> Arc<[Crossing]> {
        let back = if self.transport.crosstraffic {
            back
        } else {
            &[]
        };
        let crossings = Crossing::all(route, back);
        if let Some(Crossing { resource, .. }) = crossings.last() {
            assert!(
                (resource.0 as usize) < self.links.len(),
                "{resource:?} is not a resource of this network"
            );
        }
        crossings
    }

    /// The bound on a flow that is known when it starts, and the link whose bandwidth it is.
    fn own_cap(
        &self,
        spec: &FlowSpec,
        route: &[Crossing],
        rate: impl Fn(ResourceId) -> Rate,
    ) -> (Rate, Option<ResourceId>) {
        let mut cap = spec.cap.map_or(Rate::UNLIMITED, Rate::of);
        if let Some(window) = self.transport.window_bound(spec.latency) {
            cap = cap.min(Rate::of_bytes_per_second(window));
        }
        let mut cap_link = None;
        if self.transport.bandwidth_at_start {
            for crossing in route.iter().filter(|crossing| crossing.carries_payload()) {
                let rate = rate(crossing.resource);
                if rate < cap {
                    (cap, cap_link) = (rate, Some(crossing.resource));
                }
            }
        }
        (cap, cap_link)
    }

    /// The share of a flow beside others, from its latency and its links as they are at the start.
    fn share(&self, spec: &FlowSpec, route: &[Crossing]) -> Share {
        let on_the_way = route.iter().filter(|crossing| crossing.carries_payload());
        let bandwidths = on_the_way.map(|crossing| self.links.bytes_per_second(crossing.resource));
        Share::of_weight(self.transport.weight(spec.latency, bandwidths))
    }

    /// What the links have to do for that many bytes.
    fn work(&self, bytes: u64) -> Work {
        Work::of_bytes(bytes).carried_at(self.transport.bandwidth_factor)
    }
}

impl Bandwidth {
    /// Nearest whole nanoseconds that `bytes` take at this bandwidth.
    ///
    /// # Panics
    /// Above 2⁵⁶ bytes.
    pub fn time_for(self, bytes: u64) -> crate::time::SimDuration {
        Work::of_bytes(bytes)
            .time_at(Rate::of(self))
            .unwrap_or(crate::time::SimDuration::MAX)
    }
}
