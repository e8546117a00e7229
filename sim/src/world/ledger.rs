//! The ledger of participations: when, how much, and how each one ended.

use super::action::{Ticket, Work};
use crate::device::Phase;
use crate::kernel::ActorId;
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// How a participation ended; every one ends in exactly one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Folded into a version.
    Merged,
    /// Arrived after its version had closed by deadline.
    Late,
    /// Arrived after its version had closed because enough were in.
    Surplus,
    /// A newer one of the same client was folded instead.
    Superseded,
    /// Refused for its staleness.
    Stale,
    /// Refused by a robust rule.
    Rejected,
    /// Its version failed.
    Unused,
    /// The client was lost while receiving.
    DroppedDownload,
    /// The client was lost while computing.
    DroppedCompute,
    /// The client was lost while sending.
    DroppedUpload,
    /// Failed links cut every attempt to transfer.
    LostLink,
    /// The model does not fit the device's memory.
    Unfit,
    /// Training left the finite numbers.
    Diverged,
    /// The run ended first.
    Unfinished,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Merged,
        Self::Late,
        Self::Surplus,
        Self::Superseded,
        Self::Stale,
        Self::Rejected,
        Self::Unused,
        Self::DroppedDownload,
        Self::DroppedCompute,
        Self::DroppedUpload,
        Self::LostLink,
        Self::Unfit,
        Self::Diverged,
        Self::Unfinished,
    ];

    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Late => "late",
            Self::Surplus => "surplus",
            Self::Superseded => "superseded",
            Self::Stale => "stale",
            Self::Rejected => "rejected",
            Self::Unused => "unused",
            Self::DroppedDownload => "dropped_download",
            Self::DroppedCompute => "dropped_compute",
            Self::DroppedUpload => "dropped_upload",
            Self::LostLink => "lost_link",
            Self::Unfit => "unfit",
            Self::Diverged => "diverged",
            Self::Unfinished => "unfinished",
        }
    }

    /// The outcome of a drop in a phase.
    pub fn dropped(phase: Phase) -> Self {
        match phase {
            Phase::Download => Self::DroppedDownload,
            Phase::Compute => Self::DroppedCompute,
            Phase::Upload => Self::DroppedUpload,
        }
    }

    /// Whether the client, or its link, was lost.
    pub fn is_drop(self) -> bool {
        matches!(
            self,
            Self::DroppedDownload | Self::DroppedCompute | Self::DroppedUpload | Self::LostLink
        )
    }

    /// Whether what was spent came to nothing. What the end of the run cut short is undecided.
    pub fn is_waste(self) -> bool {
        !matches!(self, Self::Merged | Self::Unfinished)
    }
}

/// The version that a contribution was first folded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// The version published by that fold.
    pub version: u64,
    /// When the version that the client started from was published.
    pub start_published: SimTime,
}

/// Begin and end of a phase; the end is missing where the phase was cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub start: Option<SimTime>,
    /// When it was completed.
    pub end: Option<SimTime>,
}

/// One client, or one aggregator below another, working for one version. An aggregator's compute
/// phase is the time from the arrival of its download until it sends: its own versions. What it
/// computes in that time is in its own account, not here.
#[derive(Debug, Clone)]
pub struct Participation {
    /// Counts participations in the order in which they were opened, from 0.
    pub id: u64,
    /// Its name among the actors.
    pub ticket: Ticket,
    /// Who worked: a client, or an aggregator below that of the ticket.
    pub client: ActorId,
    /// Counts the client's participations for this start version, from 1.
    pub attempt: u32,
    /// The version it started from.
    pub start_version: u64,
    /// When the client was selected.
    pub selected: SimTime,
    /// Download, compute, upload.
    pub phases: [Span; 3],
    /// When the work ended: arrival of the contribution, drop, refusal, or end of the run.
    pub end: Option<SimTime>,
    /// The phase that was cut.
    pub cut_phase: Option<Phase>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When that was decided.
    pub settled: Option<SimTime>,
    /// Where it was merged.
    pub merge: Option<Merge>,
    /// Bytes that the client received, whole or in part.
    pub down_bytes: u64,
    /// Bytes that the client sent, whole or in part.
    pub up_bytes: u64,
    /// FLOPs spent on training, distillation and inference.
    pub flops: [u64; 3],
    /// Energy drawn while transferring and computing.
    pub energy_joules: f64,
    /// Own samples learned from; 0 unless the computation was completed.
    pub samples: u64,
    /// Optimiser steps made; 0 unless the computation was completed.
    pub steps: u64,
}

impl Participation {
    /// From selection to the end of the work.
    pub fn duration(&self) -> Option<SimDuration> {
        self.end.map(|end| end.saturating_since(self.selected))
    }

    /// When the contribution arrived; one of no bytes arrives when it has been computed.
    pub fn arrival(&self) -> Option<SimTime> {
        let [_, compute, upload] = &self.phases;
        let ended_otherwise = self.outcome.is_none_or(|outcome| {
            outcome.is_drop() || matches!(outcome, Outcome::Unfit | Outcome::Diverged)
        });
        let sends_nothing = upload.start.is_none() && compute.end.is_some() && !ended_otherwise;
        upload.end.or(self.end.filter(|_| sends_nothing))
    }

    /// Time that a delivered contribution waited for its version.
    pub fn wait(&self) -> Option<SimDuration> {
        let (arrival, settled) = (self.arrival()?, self.settled?);
        Some(settled.saturating_since(arrival))
    }
}

/// All participations of a run, by order of opening.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    participations: Vec<Participation>,
    by_ticket: BTreeMap<Ticket, usize>,
    attempts: BTreeMap<(ActorId, ActorId), (u64, u32)>,
}

impl Ledger {
    pub(super) fn open(
        &mut self,
        ticket: Ticket,
        client: ActorId,
        start_version: u64,
        now: SimTime,
    ) {
        let attempts = self
            .attempts
            .entry((ticket.aggregator, client))
            .or_insert((start_version, 0));
        if attempts.0 != start_version {
            *attempts = (start_version, 0);
        }
        attempts.1 += 1;
        let place = self.participations.len();
        let known = self.by_ticket.insert(ticket, place);
        assert!(known.is_none(), "a ticket names one participation");
        self.participations.push(Participation {
            id: place as u64,
            ticket,
            client,
            attempt: attempts.1,
            start_version,
            selected: now,
            phases: [Span::default(); 3],
            end: None,
            cut_phase: None,
            outcome: None,
            settled: None,
            merge: None,
            down_bytes: 0,
            up_bytes: 0,
            flops: [0; 3],
            energy_joules: 0.0,
            samples: 0,
            steps: 0,
        });
    }

    pub(super) fn get(&self, ticket: Ticket) -> &Participation {
        &self.participations[self.by_ticket[&ticket]]
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> &mut Participation {
        &mut self.participations[self.by_ticket[&ticket]]
    }

    pub(super) fn start(&mut self, ticket: Ticket, phase: Phase, now: SimTime) {
        self.get_mut(ticket).phases[phase as usize].start = Some(now);
    }

    pub(super) fn complete(&mut self, ticket: Ticket, phase: Phase, now: SimTime) {
        let participation = self.get_mut(ticket);
        participation.phases[phase as usize].end = Some(now);
        if phase == Phase::Upload {
            participation.end = Some(now);
        }
    }

    pub(super) fn carried(&mut self, ticket: Ticket, phase: Phase, bytes: u64, joules: f64) {
        let participation = self.get_mut(ticket);
        match phase {
            Phase::Download => participation.down_bytes += bytes,
            _ => participation.up_bytes += bytes,
        }
        participation.energy_joules += joules;
    }

    /// Of a work `flops` were spent, after the first `before` of them.
    pub(super) fn computed(
        &mut self,
        ticket: Ticket,
        work: &Work,
        before: u64,
        flops: u64,
        joules: f64,
    ) {
        let participation = self.get_mut(ticket);
        let parts = work
            .first(before + flops)
            .into_iter()
            .zip(work.first(before));
        for (total, (until, before)) in participation.flops.iter_mut().zip(parts) {
            *total += until - before;
        }
        participation.energy_joules += joules;
    }

    pub(super) fn settle(&mut self, ticket: Ticket, outcome: Outcome, now: SimTime) {
        let participation = self.get_mut(ticket);
        assert!(
            participation.outcome.is_none(),
            "participation {} of {ticket:?} ended as {:?} and then as {outcome:?}",
            participation.id,
            participation.outcome
        );
        participation.outcome = Some(outcome);
        participation.settled = Some(now);
        participation.end.get_or_insert(now);
    }

    /// Ends what is still open as unfinished and hands everything over.
    pub(super) fn close(mut self, now: SimTime) -> Vec<Participation> {
        for participation in &mut self.participations {
            if participation.outcome.is_none() {
                participation.outcome = Some(Outcome::Unfinished);
                participation.settled = Some(now);
                participation.end.get_or_insert(now);
            }
        }
        self.participations
    }
}
