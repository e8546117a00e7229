//! Rules of selection: what each of them is asked, and those that are a line long.

use super::availability::Availability;
use super::drawing::{uniform, weighted};
use super::fedcs::FedCs;
use super::oort::Oort;
use super::power_of_choice::PowerOfChoice;
use super::report::{Report, Reports};
use super::round_robin::RoundRobin;
use super::tifl::Tifl;
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawSelection;
use crate::time::SimDuration;
use std::fmt::Debug;

/// What a rule picks from.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// In child order, at least one.
    pub(super) candidates: Vec<ActorId>,
    /// Most to pick: from 1 to the number of candidates.
    pub(super) count: usize,
    /// The version that those picked start from.
    pub(super) version: u64,
    /// What is known of the children, candidates or not.
    pub(super) reports: &'a Reports,
}

/// A rule of selection.
pub(super) trait Rule: Debug + Send {
    /// Picks from 1 to `count` of the candidates, none twice, in any order.
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId>;

    /// A contribution has arrived from the child with this report.
    fn arrived(&mut self, _: &Report) {}

    /// A version has been published.
    fn published(&mut self) {}
}

/// The rule of a scenario, which picks `size` children where all are there.
pub(super) fn rule(selection: &RawSelection, size: usize) -> Box<dyn Rule> {
    match *selection {
        // Of all, too, a draw: an asynchronous schedule may have fewer places.
        RawSelection::All | RawSelection::Uniform { .. } => Box::new(Uniform),
        RawSelection::DataShare { .. } => Box::new(DataShare),
        RawSelection::RoundRobin { .. } => Box::new(RoundRobin::default()),
        RawSelection::PowerOfChoice { candidates, .. } => {
            Box::new(PowerOfChoice::new(candidates.unwrap_or(2 * size), size))
        }
        RawSelection::Oort { .. } => Box::new(Oort::new(selection)),
        RawSelection::FedCs {
            deadline, uploads, ..
        } => {
            let deadline = deadline.map(|deadline| deadline.nanoseconds());
            let deadline = deadline.map_or(SimDuration::MAX, SimDuration::from_nanos);
            Box::new(FedCs::new(size, deadline, uploads))
        }
        RawSelection::Tifl {
            tiers,
            interval,
            credits,
            ..
        } => Box::new(Tifl::new(tiers, interval, credits)),
        RawSelection::Availability { prefer, least, .. } => {
            Box::new(Availability::new(prefer, least))
        }
    }
}

/// Each equally often.
#[derive(Debug)]
struct Uniform;

impl Rule for Uniform {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        uniform(ask.candidates, ask.count, stream)
    }
}

/// With probability n_k/Σn, without replacement.
#[derive(Debug)]
struct DataShare;

impl Rule for DataShare {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let samples = |child| ask.reports.of(child).samples as f64;
        weighted(&ask.candidates, samples, ask.count, stream)
    }
}
