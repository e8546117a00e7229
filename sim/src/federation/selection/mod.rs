//! Selection: who works, of those who are checked in and idle.
//!
//! A rule knows what its children reported, kept in [`Reports`], and nothing of what
//! the simulator knows. One file a rule; [`Selector`] is what a schedule sees of them.

mod availability;
mod drawing;
mod fedcs;
mod oort;
mod pacer;
mod power_of_choice;
mod report;
mod round_robin;
mod rule;
#[cfg(test)]
mod tests;
mod tifl;

pub use report::LossReport;
pub(crate) use report::{Registration, TimeEstimate};

use self::report::Reports;
use self::rule::{Ask, Rule, rule};
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawSelection;
use crate::time::SimTime;

/// Draws cohorts, and remembers what its children reported.
#[derive(Debug)]
pub(crate) struct Selector {
    rule: Box<dyn Rule>,
    /// The number of clients that the rule picks when all are there.
    size: usize,
    takes_all_it_can: bool,
    reports: Reports,
    /// The version that those picked now start from.
    version: u64,
    stream: Stream,
}

/// Who works for a version, and how many of them it waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cohort {
    /// In child order.
    pub(crate) clients: Vec<ActorId>,
    /// The version closes when this many have delivered.
    pub(crate) wanted: usize,
}

impl Selector {
    /// A selector among these children, clients or aggregators, by what they registered with.
    pub(crate) fn new(
        selection: &RawSelection,
        children: impl IntoIterator<Item = (ActorId, Registration)>,
        stream: Stream,
    ) -> Self {
        let reports = Reports::new(children);
        let size = selection.size(reports.len());
        Self {
            rule: rule(selection, size),
            size,
            takes_all_it_can: selection.takes_all_it_can(),
            reports,
            version: 0,
            stream,
        }
    }

    /// The number of clients that the rule picks when all are there.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// A cohort out of `candidates`, given in child order; nobody only where nobody is given.
    ///
    /// With over-selection f, a rule that picks n takes min(N, ⌈n·f⌉) and waits
    /// for n; a rule that takes all it can waits for ⌊taken/f⌋, at least one.
    pub(crate) fn cohort(&mut self, candidates: Vec<ActorId>, over_select: f64) -> Cohort {
        if self.takes_all_it_can {
            let there = candidates.len();
            let clients = self.draw(candidates, there);
            let wanted = (clients.len() as f64 / over_select + ROUNDING).floor() as usize;
            return Cohort {
                wanted: wanted.max(1),
                clients,
            };
        }
        let taken = (self.size as f64 * over_select - ROUNDING).ceil() as usize;
        let clients = self.draw(candidates, taken);
        Cohort {
            wanted: self.size.min(clients.len()),
            clients,
        }
    }

    /// At most `count` of the candidates, which are given in child order; in child order.
    ///
    /// At least one where both are above zero. O(N log N) in the number of candidates and,
    /// for rules that go by reports, of children.
    pub(crate) fn draw(&mut self, candidates: Vec<ActorId>, count: usize) -> Vec<ActorId> {
        debug_assert!(candidates.windows(2).all(|pair| pair[0] < pair[1]));
        let count = count.min(candidates.len());
        if count == 0 {
            return Vec::new();
        }
        let ask = Ask {
            candidates,
            count,
            version: self.version,
            reports: &self.reports,
        };
        let mut picked = self.rule.pick(ask, &mut self.stream);
        picked.sort_unstable();
        debug_assert!((1..=count).contains(&picked.len()));
        picked
    }

    /// A child has been given work from the present version.
    pub(crate) fn opened(&mut self, child: ActorId, now: SimTime) {
        let version = self.version;
        self.reports.change(child, |report| {
            report.opened += 1;
            report.under_way = Some((version, now));
        });
    }

    /// A child's contribution has arrived, in time or late, with the loss that it reports.
    pub(crate) fn arrived(&mut self, child: ActorId, loss: Option<LossReport>, now: SimTime) {
        let report = self.reports.change(child, |report| {
            report.delivered += 1;
            let Some((version, opened)) = report.under_way.take() else {
                return;
            };
            report.duration = Some(now.saturating_since(opened));
            report.version = Some(version);
            // Without one the last stands: a child may report now and then.
            report.loss = loss.or(report.loss);
        });
        self.rule.arrived(report);
    }

    /// A participation has ended without a contribution.
    pub(crate) fn lost(&mut self, child: ActorId) {
        self.reports.change(child, |report| {
            report.lost += 1;
            report.under_way = None;
        });
    }

    /// A version has been published: those picked from now on start from it.
    pub(crate) fn published(&mut self) {
        self.version += 1;
        self.rule.published();
    }
}

/// Keeps 1.2·10 at 12 where binary fractions make it 12.000000000000002.
const ROUNDING: f64 = 1e-9;
