//! What the solver knows of each resource: capacity, who crosses it, and what it has carried.

use std::collections::BTreeMap;

use super::Bandwidth;
use super::fixed::Rate;
use crate::time::{SimDuration, SimTime};

/// One thing that flows can cross: a direction of a link, or a link whose directions share.
///
/// The number counts from 0 in the order in which the capacities were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// How much a resource carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// All flows together get at most this.
    Shared(Bandwidth),
    /// Each flow gets at most this, however many there are (SimGrid's fat pipe).
    PerFlow(Bandwidth),
}

impl Capacity {
    /// The rate of a flow that is alone here.
    pub const fn bandwidth(self) -> Bandwidth {
        match self {
            Capacity::Shared(bandwidth) | Capacity::PerFlow(bandwidth) => bandwidth,
        }
    }
}

/// What a resource has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkUsage {
    /// Whole bytes carried, those of unfinished and cut flows included.
    pub bytes: u64,
    /// Time with at least one flow carrying bytes over it, or acknowledgements of them.
    pub busy: SimDuration,
    /// The largest share of its bandwidth that flows took together for any length of time, in
    /// [0, 1]; 0 where each has all of it to itself.
    pub peak: f64,
}

/// One resource. Kept small: a star of a million clients has two million.
#[derive(Debug)]
struct Link {
    /// 0 while the link carries nothing.
    bytes_per_second: f64,
    /// Whether the capacity is for all flows together.
    shared: bool,
    crossing: u32,
    /// Exclusive or of the slots of the flows crossing: with one left, it is that flow's slot.
    slots: u32,
    busy_since: SimTime,
    usage: LinkUsage,
}

/// All resources.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Link>,
    /// The load of contended links, and since when.
    loads: BTreeMap<ResourceId, (f64, SimTime)>,
}

impl Links {
    pub(super) fn new(capacities: Vec<Capacity>) -> Self {
        let link = |capacity: Capacity| Link {
            bytes_per_second: capacity.bandwidth().as_bytes_per_second(),
            shared: matches!(capacity, Capacity::Shared(_)),
            crossing: 0,
            slots: 0,
            busy_since: SimTime::ZERO,
            usage: LinkUsage::default(),
        };
        Links {
            links: capacities.into_iter().map(link).collect(),
            loads: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn rate(&self, resource: ResourceId) -> Rate {
        Rate::of_bytes_per_second(self.bytes_per_second(resource))
    }

    pub(super) fn bytes_per_second(&self, resource: ResourceId) -> f64 {
        self.links[resource.0 as usize].bytes_per_second
    }

    /// Gives a link a new capacity; `None` lets nothing through.
    pub(super) fn set_bandwidth(&mut self, resource: ResourceId, bandwidth: Option<Bandwidth>) {
        self.links[resource.0 as usize].bytes_per_second =
            bandwidth.map_or(0.0, Bandwidth::as_bytes_per_second);
    }

    /// Who has the link alone, if it is one flow.
    pub(super) fn alone_on(&self, resource: ResourceId) -> Option<u32> {
        let link = &self.links[resource.0 as usize];
        (link.crossing == 1).then_some(link.slots)
    }

    pub(super) fn crossing(&self, resource: ResourceId) -> u32 {
        self.links[resource.0 as usize].crossing
    }

    /// Whether the capacity is for all flows together.
    pub(super) fn is_shared(&self, resource: ResourceId) -> bool {
        self.links[resource.0 as usize].shared
    }

    /// Takes note of a load that lasted.
    pub(super) fn note_load(&mut self, resource: ResourceId, load: f64) {
        let peak = &mut self.links[resource.0 as usize].usage.peak;
        *peak = peak.max(load);
    }

    /// The load of a contended link from `now` on.
    pub(super) fn set_load(&mut self, now: SimTime, resource: ResourceId, load: f64) {
        let before = self.loads.insert(resource, (load, now));
        if let Some((load, since)) = before
            && now > since
        {
            self.note_load(resource, load);
        }
    }

    /// The load of a contended link until `now`, if it had any for a length of time.
    fn end_load(&mut self, now: SimTime, resource: ResourceId) {
        if let Some((load, since)) = self.loads.remove(&resource)
            && now > since
        {
            self.note_load(resource, load);
        }
    }

    /// Whether flows compete here: at least two cross, and the capacity is for all together.
    ///
    /// A link that one flow has to itself is nothing but a cap on that flow.
    pub(super) fn is_contended(&self, resource: ResourceId) -> bool {
        let link = &self.links[resource.0 as usize];
        link.crossing >= 2 && link.shared
    }

    /// Counts a flow in. If that makes the link contended, tells who had it alone until now.
    pub(super) fn enter(&mut self, now: SimTime, resource: ResourceId, slot: u32) -> Option<u32> {
        let link = &mut self.links[resource.0 as usize];
        let alone = link.slots;
        link.slots ^= slot;
        link.crossing += 1;
        if link.crossing == 1 {
            link.busy_since = now;
        }
        (link.crossing == 2 && link.shared).then_some(alone)
    }

    /// Counts a flow out. If that ends a contention, tells who has the link alone from now on.
    pub(super) fn leave(
        &mut self,
        now: SimTime,
        resource: ResourceId,
        slot: u32,
        bytes: u64,
    ) -> Option<u32> {
        let link = &mut self.links[resource.0 as usize];
        link.slots ^= slot;
        link.crossing -= 1;
        link.usage.bytes += bytes;
        if link.crossing == 0 {
            link.usage.busy += now.saturating_since(link.busy_since);
        }
        let alone = (link.crossing == 1 && link.shared).then_some(link.slots);
        if alone.is_some() {
            self.end_load(now, resource);
        }
        alone
    }

    /// Usage until `now`, without the bytes of flows that are still under way.
    pub(super) fn usage(&self, now: SimTime) -> Vec<LinkUsage> {
        let until_now = |link: &Link| {
            let mut usage = link.usage;
            if link.crossing > 0 {
                usage.busy += now.saturating_since(link.busy_since);
            }
            usage
        };
        let mut usage: Vec<LinkUsage> = self.links.iter().map(until_now).collect();
        for (resource, (load, since)) in &self.loads {
            let peak = &mut usage[resource.0 as usize].peak;
            if now > *since {
                *peak = peak.max(*load);
            }
        }
        usage
    }
}
