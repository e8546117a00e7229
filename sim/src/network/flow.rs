//! One flow: what it carries, over which resources, and how far it is.

use std::sync::Arc;

use super::Bandwidth;
use super::crossing::{Crossing, Share};
use super::fixed::{Rate, Work};
use super::links::ResourceId;
use crate::time::{SimDuration, SimTime};

/// Names one flow for as long as its network lives; ordered by start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    number: u64,
    slot: u32,
}

impl FlowId {
    pub(super) const fn new(number: u64, slot: u32) -> Self {
        FlowId { number, slot }
    }

    pub(super) const fn slot(self) -> u32 {
        self.slot
    }
}

/// What to carry, and how.
#[derive(Clone, Debug)]
pub struct FlowSpec {
    /// The resources crossed. Order is without effect; a resource named twice is crossed once.
    pub route: Arc<[ResourceId]>,
    /// Bytes to carry, at most 2⁵⁶.
    pub bytes: u64,
    /// How long before the first byte moves; a flow in this phase takes no bandwidth.
    pub latency: SimDuration,
    /// A bound of the flow's own on the rate that it takes of its links.
    pub cap: Option<Bandwidth>,
}

/// A flow that has carried all its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which flow.
    pub flow: FlowId,
    /// When its last byte arrived.
    pub at: SimTime,
    /// All the bytes it was started with.
    pub bytes: u64,
    /// The resource that held its rate down at the end; `None` if its own cap did, or nothing.
    pub limiting_link: Option<ResourceId>,
}

/// How far a flow had come when it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whole bytes carried by then; 0 in the latency phase.
    pub bytes_carried: u64,
    /// The resource that held its rate down; `None` if its own cap did, or nothing.
    pub limiting_link: Option<ResourceId>,
}

/// A live flow.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: FlowId,
    pub(super) route: Arc<[Crossing]>,
    pub(super) share: Share,
    pub(super) bytes: u64,
    /// Its bounds that no link changes any more, and the link of which that was the bandwidth.
    pub(super) own_cap: Rate,
    pub(super) own_cap_link: Option<ResourceId>,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// Waiting for the latency to pass.
    Latency { until: SimTime },
    /// Carrying bytes.
    Carrying(Carrying),
}

#[derive(Debug)]
pub(super) struct Carrying {
    /// The class of flows that it shares all its contended links with.
    pub(super) class: u32,
    /// The most it can take: its own cap or the narrowest link that it has to itself.
    pub(super) cap: Rate,
    /// That narrowest link, if it is what sets `cap`.
    pub(super) cap_link: Option<ResourceId>,
    /// Since when it has been in this class with this cap.
    pub(super) since: SimTime,
    pub(super) pace: Pace,
}

/// By which clock a flow moves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// At its own cap, which is at most the fair share: `left` was to do at `since`.
    Own { since: SimTime, left: Work },
    /// At the fair share of its class: done when the class's virtual clock shows `due`.
    Shared { due: Work },
}

impl Flow {
    /// # Panics
    /// In the latency phase.
    pub(super) fn carrying(&self) -> &Carrying {
        match &self.phase {
            Phase::Carrying(carrying) => carrying,
            Phase::Latency { .. } => unreachable!("flow {:?} has not begun to carry", self.id),
        }
    }

    /// # Panics
    /// In the latency phase.
    pub(super) fn carrying_mut(&mut self) -> &mut Carrying {
        match &mut self.phase {
            Phase::Carrying(carrying) => carrying,
            Phase::Latency { .. } => unreachable!("flow {:?} has not begun to carry", self.id),
        }
    }
}
