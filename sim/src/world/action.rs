//! What actors are told, and what they can want.

use super::ledger::{Merge, Outcome};
use crate::kernel::{ActorId, Job, JobOutput};
use crate::time::SimTime;

/// A name that an actor gives to what it wants; the completion echoes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Names a participation: one client working for one version of one aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// The aggregator that selected the client.
    pub aggregator: ActorId,
    /// Counts the participations of that aggregator.
    pub number: u64,
}

/// What FLOPs are spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkKind {
    /// Learning from own data.
    Train,
    /// Learning from received knowledge on public samples.
    Distill,
    /// Predicting.
    Infer,
}

/// FLOPs in the order in which they are spent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work(pub Vec<(WorkKind, u64)>);

impl Work {
    /// All FLOPs together.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, flops)| flops).sum()
    }

    /// How the first `flops` of this work fall on training, distillation and inference.
    pub fn first(&self, mut flops: u64) -> [u64; 3] {
        let mut spent = [0; 3];
        for (kind, part) in &self.0 {
            let done = flops.min(*part);
            spent[*kind as usize] += done;
            flops -= done;
        }
        spent
    }
}

/// The size of a participation's work, known when it is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bytes that the client will receive.
    pub download_bytes: u64,
    /// FLOPs that it will spend.
    pub flops: u64,
    /// Bytes that it will send.
    pub upload_bytes: u64,
}

/// What an actor is told.
pub enum Message<P> {
    /// The simulation begins.
    Start,
    /// The time it asked to be woken at has come.
    Wake(Token),
    /// Something sent to it has arrived.
    Arrived {
        /// The participation it belongs to.
        ticket: Ticket,
        /// What was sent.
        payload: P,
    },
    /// Its computation has ended.
    Computed {
        /// The token of the computation.
        token: Token,
        /// What the job handed over.
        output: Option<JobOutput>,
    },
    /// Who is checked in at this instant, in child order.
    CheckedIn {
        /// The token of the roll call.
        token: Token,
        /// Those of the children asked that are online.
        children: Vec<ActorId>,
    },
    /// A client was found to be lost; its participation has ended.
    Lost(Ticket),
    /// A client declined: its participation has ended with this outcome.
    Refused(Ticket, Outcome),
    /// To the client itself: its work was cut.
    Cut(Ticket),
}

/// What an actor can want.
pub enum Action<P, R> {
    /// Opens a participation of a client.
    Open {
        /// Its name.
        ticket: Ticket,
        /// Who works.
        client: ActorId,
        /// The version it starts from.
        start_version: u64,
        /// The size of its work.
        plan: Plan,
    },
    /// Sends something; the receiver is told when it has arrived.
    Send {
        /// The receiver.
        to: ActorId,
        /// The participation it belongs to.
        ticket: Ticket,
        /// What it is, for the tables.
        what: &'static str,
        /// Bytes on the wire; with none it arrives at once and leaves no trace.
        bytes: u64,
        /// What the receiver gets.
        payload: P,
    },
    /// Computes on the actor's own device; `Message::Computed` follows.
    Compute {
        /// Echoed at the end.
        token: Token,
        /// The participation it belongs to.
        ticket: Ticket,
        /// What it costs.
        work: Work,
        /// What is really computed.
        job: Option<Job>,
    },
    /// STUB until the world lands
    Learn {
        /// t
        token: Token,
        /// w
        work: Work,
        /// j
        job: Option<Job>,
    },
    /// `Message::Wake` at a time.
    Wake {
        /// Echoed.
        token: Token,
        /// When.
        at: SimTime,
    },
    /// Takes a wake-up back.
    Cancel(Token),
    /// Asks who is checked in; `Message::CheckedIn` follows at this instant.
    RollCall {
        /// Echoed.
        token: Token,
        /// Who is asked, in child order.
        children: Vec<ActorId>,
    },
    /// The aggregator's word on how a participation ended.
    Settle {
        /// Which.
        ticket: Ticket,
        /// How.
        outcome: Outcome,
        /// If merged, into what.
        merge: Option<Merge>,
    },
    /// The client declines or gives up; the aggregator is told.
    Refuse {
        /// Which.
        ticket: Ticket,
        /// Why.
        outcome: Outcome,
    },
    /// What the client learned from and how much it did, for the tables.
    Report {
        /// Which participation.
        ticket: Ticket,
        /// Own samples.
        samples: u64,
        /// Optimiser steps.
        steps: u64,
    },
    /// Something for the host to write down.
    Record(R),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_work_falls_on_its_parts_in_order() {
        let work = Work(vec![
            (WorkKind::Distill, 10),
            (WorkKind::Train, 20),
            (WorkKind::Infer, 5),
        ]);
        assert_eq!(work.total(), 35);
        assert_eq!(work.first(35), [20, 10, 5]);
        assert_eq!(work.first(17), [7, 10, 0]);
        assert_eq!(work.first(0), [0, 0, 0]);
    }
}
