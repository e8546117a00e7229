//! Selection by availability: by the share of their participations that clients completed.
//!
//! The share is [`Report::completed_share`](super::Report::completed_share), all that an aggregator
//! sees of when its clients are there. Two ways to use it, since the literature goes both:
//!
//! - *reliable*: a draw without replacement in proportion to the share, so that little work is
//!   lost. That favours those who are there often, and `least` leaves out those who hardly are, as
//!   CA-Fed does with clients of low availability (Rodio et al. 2023, arXiv 2301.04632).
//! - *rare*: the lowest share first, ties at random, as REFL prefers those least likely to be there
//!   later, so that their data are heard (Abdelmoniem et al. 2023, arXiv 2111.01108, algorithm 1);
//!   its clients foretell their availability, ours are judged by what they completed.

use super::drawing::{highest, weighted};
use super::rule::{Ask, Rule};
use crate::kernel::{ActorId, Stream};
use crate::scenario::RawPreferred;

/// The rule.
#[derive(Debug)]
pub(super) struct Availability {
    prefer: RawPreferred,
    least: f64,
}

impl Availability {
    pub(super) fn new(prefer: RawPreferred, least: f64) -> Self {
        Self { prefer, least }
    }
}

impl Rule for Availability {
    fn pick(&mut self, ask: Ask<'_>, stream: &mut Stream) -> Vec<ActorId> {
        let share = |child| ask.reports.of(child).completed_share();
        let (good, poor): (Vec<_>, Vec<_>) = ask
            .candidates
            .into_iter()
            .partition(|child| share(*child) >= self.least);
        if good.len() < ask.count {
            // The best of the rest fill the places that are left.
            let missing = ask.count - good.len();
            let mut picked = good;
            picked.extend(highest(poor, share, missing, stream));
            return picked;
        }
        match self.prefer {
            RawPreferred::Reliable => weighted(&good, share, ask.count, stream),
            RawPreferred::Rare => highest(good, |child| -share(child), ask.count, stream),
        }
    }
}
