//! Deliveries: what a sender wants carried, whatever number of flows it takes.

use super::{Bandwidth, FlowId, HostId, ResourceId};
use crate::time::SimTime;

/// Names one delivery for as long as its network lives; ordered by start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    number: u64,
    slot: u32,
}

impl DeliveryId {
    pub(super) const fn new(number: u64, slot: u32) -> Self {
        DeliveryId { number, slot }
    }

    pub(super) const fn slot(self) -> u32 {
        self.slot
    }
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Its last byte arrived.
    Delivered,
    /// A failed link cut its last attempt.
    Lost,
}

/// What was sent for a delivery: bytes sent are bytes received and bytes lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Flows that were started.
    pub attempts: u32,
    /// Whole bytes that crossed the network, in all attempts.
    pub sent_bytes: u64,
    /// Those of them that came to nothing: sent in attempts that a failed link cut, and not kept.
    pub lost_bytes: u64,
}

impl Effort {
    /// What the receiver has of it.
    pub const fn received_bytes(self) -> u64 {
        self.sent_bytes - self.lost_bytes
    }
}

/// A delivery that has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryEnd {
    /// Which.
    pub delivery: DeliveryId,
    /// When.
    pub at: SimTime,
    /// How.
    pub outcome: DeliveryOutcome,
    /// What was sent for it.
    pub effort: Effort,
    /// The resource that held its rate down at the end; `None` if its own cap did, or nothing.
    pub limiting_link: Option<ResourceId>,
}

/// How far a delivery had come when it was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelledDelivery {
    /// What was sent for it.
    pub effort: Effort,
    /// The resource that held its rate down; `None` if its own cap did, or nothing.
    pub limiting_link: Option<ResourceId>,
}

/// A live delivery.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) from: HostId,
    pub(super) to: HostId,
    /// What the next attempt, or the one under way, has to carry.
    pub(super) bytes: u64,
    pub(super) cap: Option<Bandwidth>,
    /// Of the attempts that have ended; `attempts` counts the one under way too.
    pub(super) effort: Effort,
    pub(super) state: DeliveryState,
    /// The resources that its flow crosses and that change over time.
    pub(super) lines: Box<[ResourceId]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeliveryState {
    /// A flow carries it.
    Flowing(FlowId),
    /// There is no route.
    Waiting,
    /// Its last attempt failed; the next is due.
    Pausing(SimTime),
}
