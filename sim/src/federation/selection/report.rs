//! Reports: what an aggregator was told by its children, and saw of them.

use crate::kernel::ActorId;
use crate::time::{SimDuration, SimTime};

/// What a child says of itself when it registers, in a control message that costs nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Registration {
    /// Training samples; of an aggregator, those of all below it.
    pub(crate) samples: u64,
    /// How long a participation should take; `None` where the child does not say.
    pub(crate) estimate: Option<TimeEstimate>,
}

/// How long a participation should take by the declared speed and bandwidths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEstimate {
    /// Until the knowledge is received.
    pub(crate) download: SimDuration,
    /// Its work.
    pub(crate) compute: SimDuration,
    /// Until the contribution is delivered.
    pub(crate) upload: SimDuration,
}

impl TimeEstimate {
    /// From selection to arrival, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.ready_seconds() + self.upload.as_secs_f64()
    }

    /// From selection until the upload can begin, in seconds.
    pub(crate) fn ready_seconds(&self) -> f64 {
        self.download.as_secs_f64() + self.compute.as_secs_f64()
    }
}

/// The losses on a child's own training samples in a participation, before each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossReport {
    /// Mean over the samples.
    pub mean: f64,
    /// Mean of the squares over the samples.
    pub mean_square: f64,
}

/// What is known of one child.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// As it registered.
    pub(crate) samples: u64,
    /// As it registered.
    pub(crate) estimate: Option<TimeEstimate>,
    /// Of the last participation that arrived with one.
    pub(crate) loss: Option<LossReport>,
    /// The version that the last participation that arrived started from.
    pub(crate) version: Option<u64>,
    /// From selection to arrival, of the last participation that arrived.
    pub(crate) duration: Option<SimDuration>,
    /// Number of participations begun.
    pub(crate) opened: u64,
    /// Number of participations that arrived, however late.
    pub(crate) delivered: u64,
    /// Number of participations that ended without a contribution.
    pub(crate) lost: u64,
    /// The version and the time at which the participation under way began.
    pub(super) under_way: Option<(u64, SimTime)>,
}

impl Report {
    fn of(registration: Registration) -> Self {
        Self {
            samples: registration.samples,
            estimate: registration.estimate,
            loss: None,
            version: None,
            duration: None,
            opened: 0,
            delivered: 0,
            lost: 0,
            under_way: None,
        }
    }

    /// Seconds from selection to arrival: as last seen, else as the child estimated.
    pub(crate) fn expected_seconds(&self) -> Option<f64> {
        let seen = self.duration.map(SimDuration::as_secs_f64);
        seen.or_else(|| self.estimate.as_ref().map(TimeEstimate::seconds))
    }

    /// Oort's statistical utility n·√(mean of the squared losses) (Lai et al. 2021, section 4.2).
    pub(crate) fn utility(&self) -> Option<f64> {
        let loss = self.loss?;
        Some(self.samples as f64 * loss.mean_square.max(0.0).sqrt())
    }

    /// The share of its participations that the child completed, by Laplace's rule of
    /// succession: (delivered + 1)/(ended + 2), so ½ of who has ended none.
    pub(crate) fn completed_share(&self) -> f64 {
        (self.delivered + 1) as f64 / (self.delivered + self.lost + 2) as f64
    }
}

/// What is known of every child.
#[derive(Debug)]
pub(crate) struct Reports {
    /// In child order.
    children: Vec<(ActorId, Report)>,
}

impl Reports {
    /// Of children in any order.
    pub(crate) fn new(children: impl IntoIterator<Item = (ActorId, Registration)>) -> Self {
        let children = children.into_iter();
        let mut children: Vec<_> = children
            .map(|(child, registration)| (child, Report::of(registration)))
            .collect();
        children.sort_by_key(|(child, _)| *child);
        Self { children }
    }

    /// Number of children.
    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    /// Those of one child.
    pub(crate) fn of(&self, child: ActorId) -> &Report {
        &self.children[self.place(child)].1
    }

    /// All, in child order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ActorId, &Report)> {
        self.children.iter().map(|(child, report)| (*child, report))
    }

    pub(super) fn change(&mut self, child: ActorId, change: impl FnOnce(&mut Report)) -> &Report {
        let place = self.place(child);
        let report = &mut self.children[place].1;
        change(report);
        report
    }

    fn place(&self, child: ActorId) -> usize {
        let found = self.children.binary_search_by_key(&child, |(id, _)| *id);
        found.expect("an aggregator picks among its children")
    }
}
