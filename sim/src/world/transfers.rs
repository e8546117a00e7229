//! What is remembered of a transfer.

use super::action::Ticket;
use crate::kernel::ActorId;
use crate::network::Effort;
use crate::time::SimTime;

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferOutcome {
    /// Every byte arrived.
    Delivered,
    /// Cut when the client dropped out.
    Cut,
    /// Given up after failed links had cut every attempt.
    Lost,
    /// Suspended when the client went away; a later transfer carries the rest.
    Suspended,
    /// Every byte arrived where nobody was online to take them.
    Missed,
    /// Under way when the run ended.
    Unfinished,
}

/// Between whom a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferKind {
    /// A client and the aggregator that it works for.
    Client,
    /// An aggregator and the one above it.
    Tier,
    /// A client and its peer.
    Peer,
    /// Outside participations.
    Control,
}

impl TransferKind {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Tier => "tier",
            Self::Peer => "peer",
            Self::Control => "control",
        }
    }
}

impl TransferOutcome {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Cut => "cut",
            Self::Lost => "lost",
            Self::Missed => "missed",
            Self::Suspended => "suspended",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One transfer that has ended.
#[derive(Debug, Clone)]
pub struct TransferRecord {
    /// The participation it belongs to: of what passes between peers the sender's; `None` is none.
    pub ticket: Option<Ticket>,
    /// Between whom.
    pub kind: TransferKind,
    /// The sender.
    pub from: ActorId,
    /// The receiver.
    pub to: ActorId,
    /// What was sent.
    pub what: &'static str,
    /// Length of the buffer.
    pub size_bytes: u64,
    /// Attempts, and the bytes that crossed the network in them.
    pub effort: Effort,
    /// When it was sent.
    pub start: SimTime,
    /// When it ended.
    pub end: SimTime,
    /// How it ended.
    pub outcome: TransferOutcome,
    /// The link that held it to its rate at the end.
    pub limiting_link: Option<String>,
}
