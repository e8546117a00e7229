//! What actors are told, and what they can want.

use super::ledger::{Merge, Outcome};
use crate::kernel::{ActorId, Job, JobOutput};
use crate::time::SimTime;

/// A name that an actor gives to what it wants; the completion echoes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Names a participation: one client working for one version of one aggregator. The client may be
/// an aggregator below that one, or, peer to peer, that aggregator itself.
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

/// What a client passes to one of its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing<P> {
    /// The peer.
    pub to: ActorId,
    /// Bytes on the wire; with none it is there at once and leaves no trace.
    pub bytes: u64,
    /// What the peer gets.
    pub payload: P,
}

/// What an actor is told.
pub enum Message<P> {
    /// The simulation begins: told to the root alone, or to every client where there is no root.
    Start,
    /// The time it asked to be woken at has come.
    Wake(Token),
    /// Something sent to it has arrived: to the aggregator of the ticket a contribution, to
    /// anybody else what it is to work from.
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
    /// Something that a peer passed on has arrived.
    Passed {
        /// The peer.
        from: ActorId,
        /// What it passed.
        payload: P,
    },
    /// Everything that it passed to its peers has ended, and so has its work.
    Sent {
        /// Its participation.
        ticket: Ticket,
        /// Peers that did not get it, in the order in which that was known.
        missed: Vec<ActorId>,
    },
    /// Something sent to it outside participations has arrived.
    Controlled {
        /// The sender.
        from: ActorId,
        /// What was sent.
        payload: P,
    },
    /// It is online.
    Online(Token),
}

/// What an actor can want.
pub enum Action<P, R> {
    /// Opens a participation: of a client, of an aggregator below this one, or, peer to peer, of
    /// the client itself, which is its own aggregator then and has to be online.
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
    /// Computes on the client's own device; `Message::Computed` follows.
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
    /// Computes on an aggregator's own device, after what that still has to do;
    /// `Message::Computed` follows.
    Learn {
        /// Echoed at the end.
        token: Token,
        /// What it costs.
        work: Work,
        /// What is really computed.
        job: Option<Job>,
    },
    /// Passes what a client computed for its own participation to its peers, all at once, and ends
    /// its work; `Message::Sent` follows, at this instant where there is nobody to pass it to.
    Pass {
        /// The participation.
        ticket: Ticket,
        /// What it is, for the tables.
        what: &'static str,
        /// To whom, and what each of them gets.
        parcels: Vec<Passing<P>>,
    },
    /// Sends something outside participations; lost without a word where the client at either end
    /// is offline when it has arrived.
    Control {
        /// The receiver.
        to: ActorId,
        /// What it is, for the tables.
        what: &'static str,
        /// Bytes on the wire; with none it arrives at once and leaves no trace.
        bytes: u64,
        /// What the receiver gets.
        payload: P,
    },
    /// `Message::Online` when the actor itself is next online: at once if it is, never if it never
    /// will be.
    Await(Token),
    /// From now on the client waits for a peer, until it next opens, computes or passes something
    /// or settles a participation of its own.
    WaitForPeers,
    /// `Message::Wake` at a time.
    Wake {
        /// Echoed.
        token: Token,
        /// When.
        at: SimTime,
    },
    /// Takes a wake-up back.
    Cancel(Token),
    /// Asks who is checked in; `Message::CheckedIn` follows at this instant. Aggregators always are.
    RollCall {
        /// Echoed.
        token: Token,
        /// Who is asked, in child order: children, or peers.
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
    /// The client declines or gives up; the aggregator is told, unless it is the client itself.
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
